import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useDeleteTopic } from '../../api/changes.ts'
import type { DescribeTopicResponse } from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { DeleteDialog } from '../../app/DeleteDialog.tsx'
import { Button, IconButton } from '../../ui/Button.tsx'
import { Card, Stat, StatRow } from '../../ui/Card.tsx'
import { CopyButton } from '../../ui/Copy.tsx'
import { Crumbs } from '../../ui/Crumbs.tsx'
import { formatBytes, formatCount } from '../../ui/format.ts'
import { Menu } from '../../ui/Menu.tsx'
import { Page } from '../../ui/Page.tsx'
import { ErrorState, Skeleton } from '../../ui/States.tsx'
import { Tabs, tabClass } from '../../ui/Tabs.tsx'
import { Messages } from './Messages.tsx'
import { ProduceDialog } from './ProduceDialog.tsx'
import { TopicConfiguration } from './TopicConfiguration.tsx'
import { TopicPartitions } from './TopicPartitions.tsx'

const route = getRouteApi('/topics/$topicName')

const tabs = [
  { tab: 'messages', label: 'Messages' },
  { tab: 'partitions', label: 'Partitions' },
  { tab: 'configuration', label: 'Configuration' },
] as const

/** One topic: its messages, partitions and settings. */
export default function TopicPage() {
  const { topicName } = route.useParams()
  const { tab = 'messages' } = route.useSearch()
  const { queries } = useCluster()
  const topic = useQuery(queries.topic(topicName))
  const [producing, setProducing] = useState(false)
  const [deleting, setDeleting] = useState(false)

  const title = (
    <>
      <Crumbs parent={<Link to="/topics">Topics</Link>}>{topicName}</Crumbs>
      <CopyButton text={topicName} label="Copy the name" />
    </>
  )
  if (topic.data === undefined && topic.isError) {
    return (
      <Page name={topicName} title={title}>
        <Card>
          <ErrorState what="topic" error={topic.error} onRetry={() => void topic.refetch()} />
        </Card>
      </Page>
    )
  }
  return (
    <Page
      name={topicName}
      title={title}
      actions={
        <>
          <Button icon="send" data-create="" onClick={() => setProducing(true)}>
            Produce
          </Button>
          <Menu
            trigger={<IconButton icon="more" label="More" className="size-8 border border-line bg-surface" />}
            items={[{ label: 'Delete topic…', icon: 'trash', danger: true, onSelect: () => setDeleting(true) }]}
          />
        </>
      }
    >
      <Figures topic={topic.data} />
      <Tabs label="Views of the topic">
        {tabs.map(one => (
          <Link
            key={one.tab}
            to="/topics/$topicName"
            params={{ topicName }}
            search={one.tab === 'messages' ? {} : { tab: one.tab }}
            aria-current={tab === one.tab ? 'page' : undefined}
            className={tabClass(tab === one.tab)}
          >
            {one.label}
          </Link>
        ))}
      </Tabs>
      {tab === 'messages' && <Messages topicName={topicName} topic={topic.data} />}
      {tab === 'partitions' && topic.data !== undefined && <TopicPartitions topic={topic.data} />}
      {tab === 'configuration' && <TopicConfiguration topicName={topicName} />}
      {producing && (
        <ProduceDialog
          topicName={topicName}
          partitionCount={topic.data?.partition_count ?? 0}
          onClose={() => setProducing(false)}
        />
      )}
      {deleting && <TopicDelete topicName={topicName} onClose={() => setDeleting(false)} />}
    </Page>
  )
}

function Figures({ topic }: { topic: DescribeTopicResponse | undefined }) {
  const wait = <Skeleton className="my-1.5 h-5 w-14" />
  return (
    <StatRow label="Figures of the topic">
      <Stat label="Records" value={topic === undefined ? wait : formatCount(topic.record_count)} />
      <Stat
        label="Size"
        value={topic === undefined ? wait : topic.size_bytes === null ? '–' : formatBytes(topic.size_bytes)}
      />
      <Stat label="Partitions" value={topic === undefined ? wait : formatCount(topic.partition_count)} />
      <Stat
        label="Cleanup policy"
        value={
          topic === undefined ? wait : <span className="text-base">{topic.configs['cleanup.policy'] ?? 'delete'}</span>
        }
      />
    </StatRow>
  )
}

function TopicDelete({ topicName, onClose }: { topicName: string; onClose: () => void }) {
  const { clusterId } = useCluster()
  const navigate = route.useNavigate()
  return (
    <DeleteDialog
      what="topic"
      name={topicName}
      consequence="Its records are permanently deleted. Clients and pipelines that still write to it may create it again."
      deletion={useDeleteTopic(clusterId, topicName)}
      onDeleted={() => void navigate({ to: '/topics' })}
      onClose={onClose}
    />
  )
}
