import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import type { ConsumerGroup } from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { Card } from '../../ui/Card.tsx'
import { SearchField } from '../../ui/Field.tsx'
import { formatCount } from '../../ui/format.ts'
import { Limited } from '../../ui/Limited.tsx'
import { Page } from '../../ui/Page.tsx'
import { EmptyState, ErrorState, SkeletonRows } from '../../ui/States.tsx'
import { Cell, Heading, HeaderRow, Row, Rows, rowLinkClass, Table } from '../../ui/Table.tsx'
import { GroupState } from './GroupState.tsx'

export default function ConsumersPage() {
  const { queries } = useCluster()
  const groups = useQuery(queries.groups)
  const [filter, setFilter] = useState('')
  const shown = groups.data?.filter(group => group.consumer_group_id.toLowerCase().includes(filter.toLowerCase()))
  return (
    <Page name="Consumers" description="Consumer groups, how far they have read, and how far they are behind.">
      {groups.data !== undefined && groups.data.length > 0 && (
        <SearchField
          label="Filter groups"
          value={filter}
          onChange={event => setFilter(event.target.value)}
          className="max-w-xs"
        />
      )}
      <Card>
        {shown === undefined ? (
          groups.isError ? (
            <ErrorState what="consumer groups" error={groups.error} onRetry={() => void groups.refetch()} />
          ) : (
            <SkeletonRows label="consumer groups" />
          )
        ) : groups.data?.length === 0 ? (
          <EmptyState icon="consumers" title="No consumer groups yet">
            A group appears as soon as a client joins with a group id or commits an offset.
          </EmptyState>
        ) : shown.length === 0 ? (
          <EmptyState icon="search" title="No group is called that" />
        ) : (
          <Limited items={shown}>{some => <GroupTable groups={some} />}</Limited>
        )}
      </Card>
    </Page>
  )
}

function GroupTable({ groups }: { groups: readonly ConsumerGroup[] }) {
  return (
    <Table label="Consumer groups">
      <HeaderRow>
        <Heading>Group</Heading>
        <Heading>State</Heading>
        <Heading>Topics</Heading>
        <Heading figures>Members</Heading>
        <Heading figures>Lag</Heading>
      </HeaderRow>
      <Rows>
        {groups.map(group => (
          <Row key={group.consumer_group_id} interactive>
            <Cell>
              <Link to="/consumers/$groupId" params={{ groupId: group.consumer_group_id }} className={rowLinkClass}>
                {group.consumer_group_id}
              </Link>
            </Cell>
            <Cell>
              <GroupState state={group.state} />
            </Cell>
            <Cell className="max-w-80 truncate text-muted">{group.topic_names.join(', ') || '–'}</Cell>
            <Cell figures>{formatCount(group.member_count)}</Cell>
            <Cell figures>{formatCount(group.lag)}</Cell>
          </Row>
        ))}
      </Rows>
    </Table>
  )
}
