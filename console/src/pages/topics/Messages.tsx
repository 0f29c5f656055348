import { useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { type ReactNode, useMemo, useState } from 'react'
import { messagesQuery, type MessageQuestion } from '../../api/queries.ts'
import type { DescribeTopicResponse, TopicRecord } from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { Button } from '../../ui/Button.tsx'
import { Card } from '../../ui/Card.tsx'
import { SearchField, Select } from '../../ui/Field.tsx'
import { formatPlural } from '../../ui/format.ts'
import { EmptyState, ErrorState, SkeletonRows } from '../../ui/States.tsx'
import { Toggle } from '../../ui/Toggle.tsx'
import { MessageTable } from './MessageTable.tsx'

const route = getRouteApi('/topics/$topicName')

/** Records per request. */
const pageSize = 100

/** Which records are shown, from the URL: by default the newest of all partitions. */
interface Place {
  readonly partition?: number
  readonly offset?: number
  readonly follow?: true
}

/** A topic's records: the newest, those from an offset on, or new ones as they arrive. */
export function Messages({ topicName, topic }: { topicName: string; topic: DescribeTopicResponse | undefined }) {
  const search = route.useSearch()
  const { partition, offset, follow = false } = search
  const navigate = route.useNavigate()
  const client = useQueryClient()
  const { clusterId } = useCluster()
  const [filter, setFilter] = useState('')

  // The topic's figures change all the time; the positions stay those of the first request.
  const positions = usePositions(offset === undefined || follow ? undefined : offset, partition, topic)
  const question = useMemo<MessageQuestion>(
    () => ({ topicName, partition, positions, limit: pageSize, follow }),
    [topicName, partition, positions, follow],
  )
  const messages = useQuery(messagesQuery(client, clusterId, question))
  const newestFirst = offset === undefined
  const records = useMemo(
    () => showRecords(messages.data?.records ?? [], filter, newestFirst),
    [messages.data, filter, newestFirst],
  )
  const look = (next: Place) => void navigate({ search: next, replace: true, resetScroll: false })
  const kept = partition === undefined ? {} : { partition }

  return (
    <Card>
      <div className="flex flex-wrap items-center gap-2 border-b border-line p-2.5">
        <StartControls partitionCount={topic?.partition_count ?? 0} search={search} onChange={look} />
        <SearchField
          label="Filter loaded messages"
          value={filter}
          onChange={event => setFilter(event.target.value)}
          className="min-w-40 flex-1 sm:max-w-xs"
        />
        <div className="ml-auto flex items-center gap-3">
          <span className="figures text-xs text-faint" role="status">
            {messages.data !== undefined && formatPlural(records.length, 'message')}
          </span>
          <div className="flex items-center gap-2 text-sm">
            <span aria-hidden="true">Follow</span>
            <Toggle
              label="Follow new messages"
              checked={follow}
              onChange={on => look({ ...kept, ...(on ? { follow: true } : {}) })}
            />
          </div>
          <Button
            size="small"
            icon="refresh"
            busy={messages.isFetching && !follow}
            disabled={follow}
            onClick={() => void messages.refetch()}
          >
            Refresh
          </Button>
        </div>
      </div>
      <MessageList
        topicName={topicName}
        messages={messages}
        records={records}
        empty={<NoRecords filtered={(messages.data?.records.length ?? 0) > 0} follow={follow} from={offset} />}
        live={follow}
      />
      {!newestFirst && !follow && (messages.data?.records.length ?? 0) >= pageSize && partition !== undefined && (
        <footer className="flex justify-end border-t border-line p-2.5">
          <Button
            size="small"
            icon="arrowRight"
            onClick={() => {
              const next = messages.data?.positions?.find(position => position.partition === partition)
              if (next !== undefined) look({ ...kept, offset: next.offset })
            }}
          >
            Next messages
          </Button>
        </footer>
      )}
    </Card>
  )
}

interface StartControlsProps {
  readonly partitionCount: number
  readonly search: ReturnType<typeof route.useSearch>
  readonly onChange: (place: Place) => void
}

/** Where to read: one partition or all, from the newest, the oldest or an offset. */
function StartControls({ partitionCount, search, onChange }: StartControlsProps) {
  const { partition, offset, follow = false } = search
  const kept = partition === undefined ? {} : { partition }
  return (
    <>
      <Select
        label="Partition"
        className="min-w-32 flex-1 sm:w-40 sm:flex-none"
        value={partition === undefined ? '' : String(partition)}
        options={[
          { value: '', label: 'All partitions' },
          ...Array.from({ length: partitionCount }, (_, at) => ({
            value: String(at),
            label: `Partition ${at}`,
          })),
        ]}
        onChange={event =>
          onChange({
            ...(event.target.value === '' ? {} : { partition: Number(event.target.value) }),
            ...(offset === undefined ? {} : { offset }),
            ...(follow ? { follow } : {}),
          })
        }
      />
      <Select
        label="Start at"
        className="min-w-28 flex-1 sm:w-36 sm:flex-none"
        disabled={follow}
        value={offset === undefined ? 'newest' : offset === 0 ? 'oldest' : 'offset'}
        options={[
          { value: 'newest', label: 'Newest' },
          { value: 'oldest', label: 'Oldest' },
          { value: 'offset', label: 'From offset…' },
        ]}
        onChange={event => {
          const start = event.target.value
          onChange({ ...kept, ...(start === 'newest' ? {} : { offset: start === 'oldest' ? 0 : 1 }) })
        }}
      />
      {offset !== undefined && offset > 0 && !follow && (
        <input
          aria-label="Offset"
          inputMode="numeric"
          defaultValue={offset}
          key={offset}
          onKeyDown={event => {
            if (event.key === 'Enter') event.currentTarget.blur()
          }}
          onBlur={event => {
            const value = Number(event.target.value)
            if (Number.isSafeInteger(value) && value >= 0) onChange({ ...kept, offset: value })
          }}
          className="figures h-8 w-28 rounded-md border border-line-strong bg-surface px-2.5 text-sm shadow-1"
        />
      )}
    </>
  )
}

interface MessageListProps {
  readonly topicName: string
  readonly messages: Pick<UseQueryResult, 'data' | 'isError' | 'error' | 'refetch'>
  readonly records: readonly TopicRecord[]
  readonly empty: ReactNode
  readonly live: boolean
}

function MessageList({ topicName, messages, records, empty, live }: MessageListProps) {
  if (messages.isError && messages.data === undefined)
    return <ErrorState what="messages" error={messages.error} onRetry={() => void messages.refetch()} />
  if (messages.data === undefined) return <SkeletonRows label="messages" rows={8} />
  if (records.length === 0) return empty
  return <MessageTable topicName={topicName} records={records} live={live} />
}

function NoRecords({ filtered, follow, from }: { filtered: boolean; follow: boolean; from: number | undefined }) {
  if (filtered) return <EmptyState icon="search" title="No loaded message contains that text" />
  if (follow)
    return (
      <EmptyState icon="clock" title="Waiting for messages">
        They appear here as they are written.
      </EmptyState>
    )
  return (
    <EmptyState icon="inbox" title={from === undefined ? 'No messages yet' : `No messages from offset ${from} on`}>
      {from === undefined
        ? 'Write some with any Kafka client or a pipeline, or produce one here.'
        : 'Start at the newest instead.'}
    </EmptyState>
  )
}

/** Where to start reading in each partition. Offset 0 stands for the oldest record, wherever the log begins. */
function usePositions(
  offset: number | undefined,
  partition: number | undefined,
  topic: DescribeTopicResponse | undefined,
) {
  const asked =
    offset === undefined || topic === undefined ? undefined : `${offset} ${partition} ${topic.partition_count}`
  const [known, setKnown] = useState<{ asked: string; positions: MessageQuestion['positions'] }>()
  if (asked === undefined || offset === undefined || topic === undefined) return undefined
  if (known?.asked === asked) return known.positions
  const positions = topic.partitions
    .filter(one => partition === undefined || one.partition === partition)
    .map(one => ({ partition: one.partition, offset: Math.max(offset, one.log_start_offset) }))
  setKnown({ asked, positions })
  return positions
}

function showRecords(records: readonly TopicRecord[], filter: string, newestFirst: boolean): readonly TopicRecord[] {
  const text = filter.toLowerCase()
  const shown =
    text === ''
      ? records
      : records.filter(record =>
          [record.key?.data, record.value?.data, ...record.headers.map(header => `${header.key}=${header.value?.data}`)]
            .join('\n')
            .toLowerCase()
            .includes(text),
        )
  return newestFirst ? shown.toReversed() : shown
}
