import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import type { ConsumerGroup } from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { type ListState, ResourceList } from '../../app/ResourceList.tsx'
import type { Column } from '../../ui/DataTable.tsx'
import { formatCount } from '../../ui/format.ts'
import { Page } from '../../ui/Page.tsx'
import { EmptyState } from '../../ui/States.tsx'
import { rowLinkClass } from '../../ui/Table.tsx'
import { GroupState } from './GroupState.tsx'

const route = getRouteApi('/consumers')

/** All consumer groups of the cluster with their lag. */
export default function ConsumersPage() {
  const { queries } = useCluster()
  const groups = useQuery(queries.groups)
  const search = route.useSearch()
  const navigate = route.useNavigate()

  return (
    <Page name="Consumers" description="Consumer groups, their members and their lag.">
      <ResourceList
        query={groups}
        what="consumer groups"
        search={search}
        onSearch={next => void navigate({ search: next, replace: true })}
        keyOf={group => group.consumer_group_id}
        textOf={textOf}
        states={states}
        columns={columns}
        empty={
          <EmptyState icon="consumers" title="No consumer groups yet">
            A group appears as soon as a client joins with a group id or commits an offset.
          </EmptyState>
        }
      />
    </Page>
  )
}

/** A group is found by its name and by the topics that it reads. */
const textOf = (group: ConsumerGroup) => [group.consumer_group_id, ...group.topic_names].join(' ')

const states: readonly ListState<ConsumerGroup>[] = [
  { state: 'behind', label: 'Behind', holds: group => group.lag > 0 },
  { state: 'stable', label: 'Stable', holds: group => group.state === 'Stable' },
  { state: 'rebalancing', label: 'Rebalancing', holds: group => group.state.endsWith('Rebalance') },
  { state: 'empty', label: 'Empty', holds: group => group.state === 'Empty' },
  { state: 'dead', label: 'Dead', holds: group => group.state === 'Dead' },
]

const columns: readonly Column<ConsumerGroup>[] = [
  {
    id: 'name',
    heading: 'Group',
    grows: true,
    sortBy: group => group.consumer_group_id,
    cell: group => (
      <Link
        to="/consumers/$groupId"
        params={{ groupId: group.consumer_group_id }}
        title={group.consumer_group_id}
        className={rowLinkClass}
      >
        {group.consumer_group_id}
      </Link>
    ),
  },
  { id: 'state', heading: 'State', sortBy: group => group.state, cell: group => <GroupState state={group.state} /> },
  {
    id: 'topics',
    heading: 'Topics',
    from: 'md',
    sortBy: group => group.topic_names.join(', '),
    cell: group => (
      <span className="block max-w-72 truncate text-muted" title={group.topic_names.join(', ')}>
        {group.topic_names.join(', ') || '–'}
      </span>
    ),
  },
  {
    id: 'members',
    heading: 'Members',
    figures: true,
    from: 'sm',
    sortBy: group => group.member_count,
    cell: group => formatCount(group.member_count),
  },
  {
    id: 'lag',
    heading: 'Lag',
    figures: true,
    sortBy: group => group.lag,
    cell: group => formatCount(group.lag),
  },
]
