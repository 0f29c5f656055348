import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { useDeleteGroup } from '../../api/changes.ts'
import type { ApiResponse, ConsumerGroupMember, ConsumerGroupPartition } from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { DeleteDialog } from '../../app/DeleteDialog.tsx'
import { IconButton } from '../../ui/Button.tsx'
import { Card, CardHeader, Stat, StatRow } from '../../ui/Card.tsx'
import { CopyButton } from '../../ui/Copy.tsx'
import { Crumbs } from '../../ui/Crumbs.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { formatCount, formatPlural } from '../../ui/format.ts'
import { Menu } from '../../ui/Menu.tsx'
import { Page } from '../../ui/Page.tsx'
import { EmptyState, ErrorState, SkeletonRows } from '../../ui/States.tsx'
import { rowLinkClass } from '../../ui/Table.tsx'
import { GroupState } from './GroupState.tsx'
import { ResetOffsetsDialog } from './ResetOffsetsDialog.tsx'

const route = getRouteApi('/consumers/$groupId')

/** One consumer group: its members, and how far it has read each partition. */
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
          <CopyButton text={groupId} label="Copy the group id" />
          {data !== undefined && <GroupState state={data.state} />}
        </>
      }
      actions={data !== undefined && <Actions group={data} />}
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
            <Stat label="Assignment" value={<span className="text-base">{data.protocol || '–'}</span>} />
          </StatRow>
          <Partitions group={data} />
          <Members members={data.members} />
        </>
      )}
    </Page>
  )
}

function Actions({ group }: { group: ApiResponse<'describe_consumer_group'> }) {
  const [dialog, setDialog] = useState<'reset' | 'delete'>()
  const hasMembers = group.member_count > 0
  const note = hasMembers ? 'Stop its consumers first' : undefined
  return (
    <>
      <Menu
        trigger={<IconButton icon="more" label="More" className="size-8 border border-line bg-surface" />}
        items={[
          { label: 'Reset offsets…', icon: 'reset', disabled: hasMembers, note, onSelect: () => setDialog('reset') },
          {
            label: 'Delete group…',
            icon: 'trash',
            danger: true,
            disabled: hasMembers,
            note,
            onSelect: () => setDialog('delete'),
          },
        ]}
      />
      {dialog === 'reset' && <ResetOffsetsDialog group={group} onClose={() => setDialog(undefined)} />}
      {dialog === 'delete' && <GroupDelete groupId={group.consumer_group_id} onClose={() => setDialog(undefined)} />}
    </>
  )
}

function GroupDelete({ groupId, onClose }: { groupId: string; onClose: () => void }) {
  const { clusterId } = useCluster()
  const navigate = route.useNavigate()
  return (
    <DeleteDialog
      what="group"
      name={groupId}
      consequence="Its offsets are permanently deleted. A consumer that joins again starts where its own settings say."
      deletion={useDeleteGroup(clusterId, groupId)}
      onDeleted={() => void navigate({ to: '/consumers' })}
      onClose={onClose}
    />
  )
}

function Partitions({ group }: { group: ApiResponse<'describe_consumer_group'> }) {
  const [sort, setSort] = useState<string>()
  const { partitions, members } = group
  const columns = useMemo(() => partitionColumns(members), [members])
  return (
    <Card className="overflow-hidden">
      <CardHeader title="Partitions" note={formatPlural(partitions.length, 'partition')} />
      {partitions.length === 0 ? (
        <EmptyState icon="topics" title="Nothing committed">
          The group has neither partitions nor offsets.
        </EmptyState>
      ) : (
        <DataTable
          interactive
          label="Partitions"
          items={partitions}
          columns={columns}
          keyOf={one => `${one.topic_name} ${one.partition}`}
          sort={sort}
          onSort={setSort}
        />
      )}
    </Card>
  )
}

function partitionColumns(members: readonly ConsumerGroupMember[]): readonly Column<ConsumerGroupPartition>[] {
  const clients = new Map(members.map(member => [member.member_id, member.client_id]))
  const readerOf = (one: ConsumerGroupPartition) =>
    one.member_id === null ? '' : (clients.get(one.member_id) ?? one.member_id)
  return [
    {
      id: 'topic',
      heading: 'Topic',
      grows: true,
      sortBy: one => one.topic_name,
      cell: one => (
        <Link
          to="/topics/$topicName"
          params={{ topicName: one.topic_name }}
          search={{ partition: one.partition }}
          title={one.topic_name}
          className={rowLinkClass}
        >
          {one.topic_name}
        </Link>
      ),
    },
    {
      id: 'partition',
      heading: 'Partition',
      figures: true,
      sortBy: one => one.partition,
      cell: one => one.partition,
    },
    {
      id: 'committed',
      heading: 'Committed',
      figures: true,
      from: 'sm',
      sortBy: one => one.committed_offset,
      cell: one => (one.committed_offset === null ? '–' : formatCount(one.committed_offset)),
    },
    {
      id: 'end',
      heading: 'End',
      figures: true,
      from: 'md',
      sortBy: one => one.high_watermark,
      cell: one => formatCount(one.high_watermark),
    },
    {
      id: 'lag',
      heading: 'Lag',
      figures: true,
      sortBy: one => one.lag,
      cell: one => (one.lag === null ? '–' : formatCount(one.lag)),
    },
    {
      id: 'reader',
      heading: 'Read by',
      from: 'md',
      sortBy: readerOf,
      cell: one => (
        <span className="block max-w-48 truncate text-muted" title={one.member_id ?? undefined}>
          {readerOf(one) || '–'}
        </span>
      ),
    },
  ]
}

function Members({ members }: { members: readonly ConsumerGroupMember[] }) {
  const [sort, setSort] = useState<string>()
  return (
    <Card className="overflow-hidden">
      <CardHeader title="Members" note={formatPlural(members.length, 'member')} />
      {members.length === 0 ? (
        <EmptyState icon="consumers" title="No members">
          No consumer of this group is running.
        </EmptyState>
      ) : (
        <DataTable
          label="Members"
          items={members}
          columns={memberColumns}
          keyOf={member => member.member_id}
          sort={sort}
          onSort={setSort}
        />
      )}
    </Card>
  )
}

const assignmentOf = (member: ConsumerGroupMember) =>
  member.assignment.map(one => `${one.topic_name} (${one.partitions.join(', ')})`).join('; ') || 'none'

const memberColumns: readonly Column<ConsumerGroupMember>[] = [
  {
    id: 'client',
    heading: 'Client',
    grows: true,
    sortBy: member => member.client_id,
    cell: member => (
      <span className="font-medium" title={member.group_instance_id ?? member.member_id}>
        {member.client_id}
      </span>
    ),
  },
  {
    id: 'host',
    heading: 'Host',
    sortBy: member => member.client_host,
    cell: member => <span className="text-muted">{member.client_host}</span>,
  },
  {
    id: 'assignment',
    heading: 'Assignment',
    from: 'sm',
    cell: member => (
      <span className="block max-w-72 truncate text-muted" title={assignmentOf(member)}>
        {assignmentOf(member)}
      </span>
    ),
  },
]
