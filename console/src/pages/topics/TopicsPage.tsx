import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import type { MeasuredTopic } from '../../api/topic-rates.ts'
import { useCluster } from '../../app/cluster.ts'
import { type ListState, ResourceList } from '../../app/ResourceList.tsx'
import { CreateButton } from '../../ui/Button.tsx'
import type { Column } from '../../ui/DataTable.tsx'
import { formatBytes, formatCount, formatRate } from '../../ui/format.ts'
import { Page } from '../../ui/Page.tsx'
import { Pill } from '../../ui/Pill.tsx'
import { EmptyState } from '../../ui/States.tsx'
import { rowLinkClass } from '../../ui/Table.tsx'
import { TopicCreateDialog } from './TopicCreateDialog.tsx'

const route = getRouteApi('/topics')

/** All topics of the cluster. */
export default function TopicsPage() {
  const { queries } = useCluster()
  const topics = useQuery(queries.topics)
  const search = route.useSearch()
  const navigate = route.useNavigate()

  return (
    <Page
      name="Topics"
      description="Where records are kept, in order, by partition."
      actions={
        <CreateButton onClick={() => void navigate({ search: { ...search, create: true } })}>Create topic</CreateButton>
      }
    >
      <ResourceList
        query={topics}
        what="topics"
        search={search}
        onSearch={next => void navigate({ search: next, replace: true })}
        keyOf={nameOf}
        textOf={nameOf}
        states={states}
        columns={columns}
        empty={
          <EmptyState icon="topics" title="No topics yet">
            A topic appears as soon as a client or a pipeline writes to it, or when you create one.
          </EmptyState>
        }
      />
      {search.create === true && (
        <TopicCreateDialog onClose={() => void navigate({ search: { ...search, create: undefined }, replace: true })} />
      )}
    </Page>
  )
}

const nameOf = (topic: MeasuredTopic) => topic.topic_name
const policyOf = (topic: MeasuredTopic) => topic.configs['cleanup.policy'] ?? 'delete'

const states: readonly ListState<MeasuredTopic>[] = [
  { state: 'active', label: 'Being written', holds: topic => (topic.records_per_second ?? 0) > 0 },
  { state: 'empty', label: 'Empty', holds: topic => topic.record_count === 0 },
  { state: 'compacted', label: 'Compacted', holds: topic => policyOf(topic).includes('compact') },
  { state: 'internal', label: 'Internal', holds: topic => topic.is_internal },
]

const columns: readonly Column<MeasuredTopic>[] = [
  {
    id: 'name',
    heading: 'Name',
    grows: true,
    sortBy: nameOf,
    cell: topic => (
      <>
        <Link
          to="/topics/$topicName"
          params={{ topicName: topic.topic_name }}
          title={topic.topic_name}
          className={rowLinkClass}
        >
          {topic.topic_name}
        </Link>
        {topic.is_internal && (
          <span className="ml-2">
            <Pill tone="neutral">internal</Pill>
          </span>
        )}
      </>
    ),
  },
  {
    id: 'partitions',
    heading: 'Partitions',
    figures: true,
    from: 'md',
    sortBy: topic => topic.partition_count,
    cell: topic => formatCount(topic.partition_count),
  },
  {
    id: 'records',
    heading: 'Records',
    figures: true,
    sortBy: topic => topic.record_count,
    cell: topic => formatCount(topic.record_count),
  },
  {
    id: 'written',
    heading: 'Written',
    figures: true,
    sortBy: topic => topic.records_per_second,
    cell: topic => <WriteRate rate={topic.records_per_second} />,
  },
  {
    id: 'size',
    heading: 'Size',
    figures: true,
    from: 'sm',
    sortBy: topic => topic.size_bytes,
    cell: topic => (
      <span className="text-muted">{topic.size_bytes === null ? '–' : formatBytes(topic.size_bytes)}</span>
    ),
  },
  {
    id: 'policy',
    heading: 'Cleanup policy',
    from: 'md',
    sortBy: policyOf,
    cell: topic => <span className="text-muted">{policyOf(topic)}</span>,
  },
]

function WriteRate({ rate }: { rate: number | null }) {
  if (rate === null) return <span className="text-faint">–</span>
  return (
    <>
      {formatRate(rate)}
      <span className="text-faint">/s</span>
    </>
  )
}
