import { useState } from 'react'
import type { RecordBytes, TopicRecord } from '../../api/types.ts'
import { IconButton } from '../../ui/Button.tsx'
import { classNames } from '../../ui/class-names.ts'
import { CopyButton } from '../../ui/Copy.tsx'
import { formatBytes, formatCount, formatInstant } from '../../ui/format.ts'
import { JsonView } from '../../ui/JsonView.tsx'
import { isJsonDocument } from '../../ui/json-layout.ts'
import { Segmented } from '../../ui/Segmented.tsx'
import { Heading, HeaderRow, Table } from '../../ui/Table.tsx'

/** Records as rows; one opens to its whole key, headers and value. */
export function MessageTable({ records, live }: { records: readonly TopicRecord[]; live: boolean }) {
  const [open, setOpen] = useState<string>()
  return (
    <div aria-live={live ? 'off' : undefined}>
      <Table label="Messages">
        <HeaderRow>
          <Heading className="w-10 px-2">
            <span className="sr-only">Open</span>
          </Heading>
          <Heading>Time</Heading>
          <Heading figures>Partition</Heading>
          <Heading figures>Offset</Heading>
          <Heading>Key</Heading>
          <Heading className="w-full">Value</Heading>
        </HeaderRow>
        <tbody className="divide-y divide-line">
          {records.map(record => {
            const id = `${record.partition}/${record.offset}`
            return (
              <RecordRows
                key={id}
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

function RecordRows({ record, open, onToggle }: { record: TopicRecord; open: boolean; onToggle: () => void }) {
  const cell = 'h-9 px-4 align-middle font-mono text-xs'
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
            label={`${open ? 'Close' : 'Open'} the record at offset ${record.offset} of partition ${record.partition}`}
            aria-expanded={open}
            onClick={event => {
              event.stopPropagation()
              onToggle()
            }}
          />
        </td>
        <td className={classNames(cell, 'figures whitespace-nowrap text-muted')}>{formatInstant(record.timestamp)}</td>
        <td className={classNames(cell, 'figures text-right')}>{record.partition}</td>
        <td className={classNames(cell, 'figures text-right')}>{formatCount(record.offset)}</td>
        <td className={classNames(cell, 'max-w-40 truncate text-muted')}>
          <Preview bytes={record.key} absent="–" />
        </td>
        <td className={classNames(cell, 'max-w-0 truncate')}>
          <Preview bytes={record.value} absent="null" />
        </td>
      </tr>
      {open && (
        <tr className="bg-sunken">
          <td colSpan={6} className="px-4 py-3">
            <RecordDetail record={record} />
          </td>
        </tr>
      )}
    </>
  )
}

function Preview({ bytes, absent }: { bytes: RecordBytes | null; absent: string }) {
  if (bytes === null) return <span className="text-faint">{absent}</span>
  if (bytes.encoding === 'base64')
    return <span className="text-faint">{formatBytes(bytes.size_bytes)} of binary data</span>
  return <>{bytes.data.slice(0, 400)}</>
}

function RecordDetail({ record }: { record: TopicRecord }) {
  return (
    <div className="flex flex-col gap-3">
      {record.key !== null && <BytesBlock title="Key" bytes={record.key} />}
      {record.headers.length > 0 && (
        <section aria-label="Headers" className="rounded-md border border-line bg-surface">
          <h3 className="border-b border-line px-3 py-1.5 text-xs font-medium text-faint">Headers</h3>
          <dl className="grid grid-cols-[max-content_minmax(0,1fr)] gap-x-6 gap-y-1 px-3 py-2 font-mono text-xs">
            {record.headers.map((header, at) => (
              <div key={at} className="contents">
                <dt className="text-muted">{header.key}</dt>
                <dd className="break-words">{header.value?.data ?? 'null'}</dd>
              </div>
            ))}
          </dl>
        </section>
      )}
      {record.value === null ? (
        <p className="text-xs text-faint">No value: a tombstone, which deletes its key where the topic is compacted.</p>
      ) : (
        <BytesBlock title="Value" bytes={record.value} />
      )}
    </div>
  )
}

function BytesBlock({ title, bytes }: { title: string; bytes: RecordBytes }) {
  const [view, setView] = useState<'pretty' | 'raw'>('pretty')
  const isJson = bytes.encoding === 'utf8' && isJsonDocument(bytes.data)
  return (
    <section aria-label={title} className="rounded-md border border-line bg-surface">
      <header className="flex h-9 items-center gap-3 border-b border-line pr-1.5 pl-3">
        <h3 className="text-xs font-medium text-faint">{title}</h3>
        <span className="text-xs text-faint">
          {formatBytes(bytes.size_bytes)}
          {bytes.encoding === 'base64' && ', binary, shown in base64'}
          {bytes.is_truncated && ', only its beginning is shown'}
        </span>
        <div className="ml-auto flex items-center gap-1">
          {isJson && (
            <div className="origin-right scale-90">
              <Segmented
                label={`Form of the ${title.toLowerCase()}`}
                value={view}
                onChange={setView}
                options={[
                  { value: 'pretty', label: 'JSON' },
                  { value: 'raw', label: 'Raw' },
                ]}
              />
            </div>
          )}
          <CopyButton text={bytes.data} label={`Copy the ${title.toLowerCase()}`} />
        </div>
      </header>
      <div className="max-h-96 overflow-y-auto px-3 py-2">
        <JsonView text={bytes.data} pretty={isJson && view === 'pretty'} />
      </div>
    </section>
  )
}
