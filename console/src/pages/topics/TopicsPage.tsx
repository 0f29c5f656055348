import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useState } from 'react'
import type { MeasuredTopic } from '../../api/topic-rates.ts'
import { useCluster } from '../../app/cluster.ts'
import { Button } from '../../ui/Button.tsx'
import { Card } from '../../ui/Card.tsx'
import { SearchField } from '../../ui/Field.tsx'
import { formatBytes, formatCount, formatRate } from '../../ui/format.ts'
import { Limited } from '../../ui/Limited.tsx'
import { Page } from '../../ui/Page.tsx'
import { Pill } from '../../ui/Pill.tsx'
import { EmptyState, ErrorState, SkeletonRows } from '../../ui/States.tsx'
import { Cell, Heading, HeaderRow, Row, Rows, rowLinkClass, Table } from '../../ui/Table.tsx'
import { TopicCreateDialog } from './TopicCreateDialog.tsx'

const route = getRouteApi('/topics')

export default function TopicsPage() {
  const { queries } = useCluster()
  const topics = useQuery(queries.topics)
  const { create } = route.useSearch()
  const navigate = route.useNavigate()
  const [filter, setFilter] = useState('')
  const shown = topics.data?.filter(topic => topic.topic_name.toLowerCase().includes(filter.toLowerCase()))
  const openForm = () => void navigate({ search: { create: true } })

  return (
    <Page
      name="Topics"
      description="Where records are kept, in order, by partition."
      actions={
        <Button variant="primary" icon="plus" data-create="" onClick={openForm}>
          Create topic
        </Button>
      }
    >
      {topics.data !== undefined && topics.data.length > 0 && (
        <SearchField
          label="Filter topics"
          value={filter}
          onChange={event => setFilter(event.target.value)}
          className="max-w-xs"
        />
      )}
      <Card>
        {shown === undefined ? (
          topics.isError ? (
            <ErrorState what="topics" error={topics.error} onRetry={() => void topics.refetch()} />
          ) : (
            <SkeletonRows label="topics" />
          )
        ) : topics.data?.length === 0 ? (
          <EmptyState icon="topics" title="No topics yet">
            A topic appears as soon as a client or a pipeline writes to it, or when you create one.
          </EmptyState>
        ) : shown.length === 0 ? (
          <EmptyState icon="search" title="No topic is called that" />
        ) : (
          <Limited items={shown}>{some => <TopicTable topics={some} />}</Limited>
        )}
      </Card>
      <TopicCreateDialog open={create === true} onClose={() => void navigate({ search: {} })} />
    </Page>
  )
}

function TopicTable({ topics }: { topics: readonly MeasuredTopic[] }) {
  return (
    <Table label="Topics">
      <HeaderRow>
        <Heading>Name</Heading>
        <Heading figures>Partitions</Heading>
        <Heading figures>Records</Heading>
        <Heading figures>Written</Heading>
        <Heading figures>Size</Heading>
        <Heading>Clean-up</Heading>
      </HeaderRow>
      <Rows>
        {topics.map(topic => (
          <Row key={topic.topic_name} interactive>
            <Cell>
              <Link to="/topics/$topicName" params={{ topicName: topic.topic_name }} className={rowLinkClass}>
                {topic.topic_name}
              </Link>
              {topic.is_internal && (
                <span className="ml-2">
                  <Pill tone="neutral">internal</Pill>
                </span>
              )}
            </Cell>
            <Cell figures>{formatCount(topic.partition_count)}</Cell>
            <Cell figures>{formatCount(topic.record_count)}</Cell>
            <Cell figures>
              {topic.records_per_second === null ? (
                <span className="text-faint">–</span>
              ) : (
                <>
                  {formatRate(topic.records_per_second)}
                  <span className="text-faint">/s</span>
                </>
              )}
            </Cell>
            <Cell figures className="text-muted">
              {topic.size_bytes === null ? '–' : formatBytes(topic.size_bytes)}
            </Cell>
            <Cell className="text-muted">{topic.configs['cleanup.policy'] ?? 'delete'}</Cell>
          </Row>
        ))}
      </Rows>
    </Table>
  )
}
