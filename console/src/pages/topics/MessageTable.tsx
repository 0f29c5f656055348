import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { errorText } from '../../api/client.ts'
import type { RecordBytes, TopicRecord } from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { IconButton } from '../../ui/Button.tsx'
import { isBinary, toBytes } from '../../ui/bytes.ts'
import { classNames } from '../../ui/class-names.ts'
import { formatBytes, formatClock, formatCount, formatInstant } from '../../ui/format.ts'
import { Notice } from '../../ui/States.tsx'
import { Heading, HeaderRow, Table } from '../../ui/Table.tsx'
import { BytesView } from './BytesView.tsx'

/** Records as rows; one at a time can be expanded to its full key, headers and value. */
export function MessageTable({
  topicName,
  records,
  live,
}: {
  topicName: string
  records: readonly TopicRecord[]
  live: boolean
}) {
  const [open, setOpen] = useState<string>()
  return (
    <div aria-live={live ? 'off' : undefined}>
      <Table label="Messages">
        <HeaderRow>
          <Heading className="w-10 px-2">
            <span className="sr-only">Open</span>
          </Heading>
          <Heading className="max-sm:px-2">Time</Heading>
          <Heading figures className="max-md:hidden">
            Partition
          </Heading>
          <Heading figures className="max-sm:hidden">
            Offset
          </Heading>
          <Heading className="max-md:hidden">Key</Heading>
          <Heading className="w-full">Value</Heading>
        </HeaderRow>
        <tbody className="divide-y divide-line">
          {records.map(record => {
            const id = `${record.partition}/${record.offset}`
            return (
              <RecordRows
                key={id}
                topicName={topicName}
                record={record}
                open={open === id}
                onToggle={() => setOpen(open === id ? undefined : id)}
              />
            )
          })}
        </tbody>
      </Table>
    </div>
  )
}

const columnCount = 6

function RecordRows({
  topicName,
  record,
  open,
  onToggle,
}: {
  topicName: string
  record: TopicRecord
  open: boolean
  onToggle: () => void
}) {
  const cell = 'h-9 px-4 align-middle font-mono text-xs'
  const place = `offset ${record.offset} of partition ${record.partition}`
  return (
    <>
      {/* biome-ignore lint: the button in the first cell does the same for the keyboard. */}
      <tr
        onClick={onToggle}
        className={classNames('cursor-pointer transition-colors hover:bg-hover', open && 'bg-hover')}
      >
        <td className="px-2">
          <IconButton
            icon={open ? 'chevronDown' : 'chevronRight'}
            label={`${open ? 'Close' : 'Open'} the message at ${place}`}
            aria-expanded={open}
            onClick={event => {
              event.stopPropagation()
              onToggle()
            }}
          />
        </td>
        <td
          title={formatInstant(record.timestamp)}
          className={classNames(cell, 'figures whitespace-nowrap text-muted max-sm:px-2')}
        >
          <span className="max-lg:hidden">{formatInstant(record.timestamp)}</span>
          <span className="lg:hidden">{formatClock(record.timestamp)}</span>
        </td>
        <td className={classNames(cell, 'figures text-right max-md:hidden')}>{record.partition}</td>
        <td className={classNames(cell, 'figures text-right max-sm:hidden')}>{formatCount(record.offset)}</td>
        <td className={classNames(cell, 'max-w-40 truncate text-muted max-md:hidden')}>
          <Preview bytes={record.key} absent="–" />
        </td>
        <td className={classNames(cell, 'max-w-0 truncate')}>
          <Preview bytes={record.value} absent="null" />
        </td>
      </tr>
      {open && (
        <tr className="bg-sunken">
          {/* The cell takes the table's width and never widens it, whatever it contains. */}
          <td colSpan={columnCount} className="max-w-0 p-3">
            <RecordDetail topicName={topicName} record={record} />
          </td>
        </tr>
      )}
    </>
  )
}

/** The number of characters in a row; the rest would be truncated anyway. */
const previewLength = 400

function Preview({ bytes, absent }: { bytes: RecordBytes | null; absent: string }) {
  if (bytes === null) return <span className="text-faint">{absent}</span>
  if (isBinary(bytes)) {
    return <span className="text-faint">{formatBytes(bytes.size_bytes)} of binary data</span>
  }
  return <>{bytes.data.slice(0, previewLength)}</>
}

function RecordDetail({ topicName, record: listed }: { topicName: string; record: TopicRecord }) {
  const { queries } = useCluster()
  const [whole, setWhole] = useState(false)
  const query = useQuery({ ...queries.message(topicName, listed.partition, listed.offset), enabled: whole })
  const record = query.data ?? listed
  const file = (part: string) => `${topicName}-${record.partition}-${record.offset}.${part}`
  const bytesView = (title: string, bytes: RecordBytes) => (
    <BytesView
      title={title}
      bytes={bytes}
      fileName={file(title.toLowerCase())}
      onLoad={() => setWhole(true)}
      isLoading={query.isFetching}
    />
  )
  return (
    <div className="flex flex-col gap-3">
      <dl className="flex flex-wrap gap-x-6 gap-y-1 px-1 text-xs">
        <Fact label="Partition" value={String(record.partition)} />
        <Fact label="Offset" value={formatCount(record.offset)} />
        <Fact label="Time" value={formatInstant(record.timestamp)} />
      </dl>
      {query.isError && <Notice tone="bad">{errorText(query.error)}</Notice>}
      {record.key !== null && bytesView('Key', record.key)}
      {record.headers.length > 0 && <Headers headers={record.headers} />}
      {record.value === null ? (
        <p className="px-1 text-xs text-muted">
          No value: a tombstone, which deletes its key if the topic is compacted.
        </p>
      ) : (
        bytesView('Value', record.value)
      )}
    </div>
  )
}

function Fact({ label, value }: { label: string; value: string }) {
  return (
    <div className="flex gap-1.5">
      <dt className="text-faint">{label}</dt>
      <dd className="figures">{value}</dd>
    </div>
  )
}

function Headers({ headers }: { headers: TopicRecord['headers'] }) {
  return (
    <section aria-label="Headers" className="rounded-md border border-line bg-surface">
      <h2 className="border-b border-line px-3 py-2 text-xs font-medium text-muted">Headers</h2>
      <dl className="grid grid-cols-[minmax(0,max-content)_minmax(0,1fr)] gap-x-6 gap-y-1 px-3 py-2 font-mono text-xs">
        {headers.map((header, at) => (
          <div key={at} className="contents">
            <dt className="break-words text-muted">{header.key}</dt>
            <dd className="break-words">
              <HeaderValue value={header.value} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function HeaderValue({ value }: { value: RecordBytes | null }) {
  if (value === null) return <span className="text-faint">null</span>
  if (value.encoding === 'utf8') return <>{value.data}</>
  const bytes = toBytes(value).subarray(0, 64)
  return <>{Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' ')}</>
}
