import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import type { ConsumerGroupMember, ConsumerGroupPartition } from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { Card, CardHeader, Stat, StatRow } from '../../ui/Card.tsx'
import { Crumbs } from '../../ui/Crumbs.tsx'
import { formatCount, formatPlural } from '../../ui/format.ts'
import { Page } from '../../ui/Page.tsx'
import { EmptyState, ErrorState, SkeletonRows } from '../../ui/States.tsx'
import { Cell, Heading, HeaderRow, Row, Rows, Table } from '../../ui/Table.tsx'
import { GroupState } from './GroupState.tsx'

const route = getRouteApi('/consumers/$groupId')

/** One consumer group: who is in it and how far each partition was read. */
export default function ConsumerPage() {
  const { groupId } = route.useParams()
  const { queries } = useCluster()
  const group = useQuery(queries.group(groupId))
  const data = group.data
  return (
    <Page
      name={groupId}
      title={
        <>
          <Crumbs parent={<Link to="/consumers">Consumers</Link>}>{groupId}</Crumbs>
          {data !== undefined && <GroupState state={data.state} />}
        </>
      }
    >
      {data === undefined ? (
        <Card>
          {group.isError ? (
            <ErrorState what="consumer group" error={group.error} onRetry={() => void group.refetch()} />
          ) : (
            <SkeletonRows label="consumer group" />
          )}
        </Card>
      ) : (
        <>
          <StatRow label="Figures of the group">
            <Stat label="Lag" value={formatCount(data.lag)} unit="records" />
            <Stat label="Members" value={formatCount(data.member_count)} />
            <Stat label="Topics" value={formatCount(data.topic_names.length)} />
            <Stat
              label="Assignment"
              value={<span className="text-base">{data.protocol === '' ? '–' : data.protocol}</span>}
            />
          </StatRow>
          <Card>
            <CardHeader title="Partitions" note={formatPlural(data.partitions.length, 'partition')} />
            <Partitions partitions={data.partitions} members={data.members} />
          </Card>
          <Card>
            <CardHeader title="Members" note={formatPlural(data.members.length, 'member')} />
            <Members members={data.members} />
          </Card>
        </>
      )}
    </Page>
  )
}

function Partitions({
  partitions,
  members,
}: {
  partitions: readonly ConsumerGroupPartition[]
  members: readonly ConsumerGroupMember[]
}) {
  if (partitions.length === 0) {
    return (
      <EmptyState icon="topics" title="Nothing committed">
        The group has neither partitions nor offsets.
      </EmptyState>
    )
  }
  const clients = new Map(members.map(member => [member.member_id, member.client_id]))
  return (
    <Table label="Partitions">
      <HeaderRow>
        <Heading>Topic</Heading>
        <Heading figures>Partition</Heading>
        <Heading figures>Committed</Heading>
        <Heading figures>End</Heading>
        <Heading figures>Lag</Heading>
        <Heading>Read by</Heading>
      </HeaderRow>
      <Rows>
        {partitions.map(one => (
          <Row key={`${one.topic_name} ${one.partition}`}>
            <Cell>
              <Link
                to="/topics/$topicName"
                params={{ topicName: one.topic_name }}
                className="font-medium hover:text-accent-text"
              >
                {one.topic_name}
              </Link>
            </Cell>
            <Cell figures>{one.partition}</Cell>
            <Cell figures>{one.committed_offset === null ? '–' : formatCount(one.committed_offset)}</Cell>
            <Cell figures>{formatCount(one.high_watermark)}</Cell>
            <Cell figures>{one.lag === null ? '–' : formatCount(one.lag)}</Cell>
            <Cell className="max-w-64 truncate text-muted" title={one.member_id ?? undefined}>
              {one.member_id === null ? '–' : (clients.get(one.member_id) ?? one.member_id)}
            </Cell>
          </Row>
        ))}
      </Rows>
    </Table>
  )
}

function Members({ members }: { members: readonly ConsumerGroupMember[] }) {
  if (members.length === 0) {
    return (
      <EmptyState icon="consumers" title="No members">
        Nobody reads as this group at the moment.
      </EmptyState>
    )
  }
  return (
    <Table label="Members">
      <HeaderRow>
        <Heading>Client</Heading>
        <Heading>Host</Heading>
        <Heading>Assignment</Heading>
        <Heading>Member id</Heading>
      </HeaderRow>
      <Rows>
        {members.map(member => (
          <Row key={member.member_id}>
            <Cell className="font-medium">{member.client_id}</Cell>
            <Cell className="text-muted">{member.client_host}</Cell>
            <Cell className="text-muted">
              {member.assignment.map(one => `${one.topic_name} (${one.partitions.join(', ')})`).join('; ') || 'none'}
            </Cell>
            <Cell className="max-w-72 truncate font-mono text-xs text-faint" title={member.member_id}>
              {member.group_instance_id ?? member.member_id}
            </Cell>
          </Row>
        ))}
      </Rows>
    </Table>
  )
}
