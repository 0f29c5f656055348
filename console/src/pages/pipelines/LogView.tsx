import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useEffectEvent, useMemo, useRef, useState } from 'react'
import { pipelineLogsQuery } from '../../api/queries.ts'
import type { LogLine } from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { Button } from '../../ui/Button.tsx'
import { Card, CardHeader } from '../../ui/Card.tsx'
import { classNames } from '../../ui/class-names.ts'
import { SearchField, Select } from '../../ui/Field.tsx'
import { formatClock, formatInstant } from '../../ui/format.ts'
import { EmptyState, ErrorState, SkeletonRows } from '../../ui/States.tsx'

/** Most severe first. */
const levels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const

const levelColors: Record<LogLine['level'], string> = {
  fatal: 'text-bad',
  error: 'text-bad',
  warn: 'text-warn',
  info: 'text-accent-text',
  debug: 'text-faint',
  trace: 'text-faint',
}

/** The live logs of a pipeline's instances. */
export function LogView({ pipelineId }: { pipelineId: string }) {
  const { clusterId } = useCluster()
  const client = useQueryClient()
  const logs = useQuery(pipelineLogsQuery(client, clusterId, pipelineId))
  const [level, setLevel] = useState<LogLine['level']>('trace')
  const [filter, setFilter] = useState('')
  const lines = useMemo(() => filterLines(logs.data?.lines ?? [], level, filter), [logs.data, level, filter])

  return (
    <Card>
      <CardHeader title="Logs">
        <Select
          label="Minimum level"
          className="w-36 shrink-0"
          value={level}
          options={levels
            .toReversed()
            .map(one => ({ value: one, label: one === 'trace' ? 'All levels' : `${one} and above` }))}
          onChange={event => setLevel(levels.find(one => one === event.target.value) ?? 'trace')}
        />
        <SearchField
          label="Filter logs"
          value={filter}
          onChange={event => setFilter(event.target.value)}
          className="w-44 min-w-0"
        />
      </CardHeader>
      {logs.data === undefined ? (
        logs.isError ? (
          <ErrorState what="logs" error={logs.error} onRetry={() => void logs.refetch()} />
        ) : (
          <SkeletonRows label="logs" rows={4} />
        )
      ) : lines.length === 0 ? (
        <EmptyState icon="terminal" title={logs.data.lines.length === 0 ? 'Nothing logged yet' : 'No lines match'} />
      ) : (
        <LogLines lines={lines} />
      )}
    </Card>
  )
}

/** Within this distance from the end, in pixels, the view follows new lines. */
const followZone = 24

function LogLines({ lines }: { lines: readonly LogLine[] }) {
  const box = useRef<HTMLDivElement>(null)
  const [follows, setFollows] = useState(true)
  // oxlint-disable-next-line react/incompatible-library -- the compiler that it concerns is not used here
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: () => 22,
    overscan: 20,
    getItemKey: at => lines[at]?.cursor ?? at,
  })

  const toEnd = useEffectEvent(() => rows.scrollToIndex(lines.length - 1, { align: 'end' }))
  const lastCursor = lines.at(-1)?.cursor
  useEffect(() => {
    // The view moves only when there is a new last line.
    if (follows && lastCursor !== undefined) toEnd()
  }, [follows, lastCursor])

  return (
    <div className="relative">
      <div
        ref={box}
        role="log"
        aria-label="Log lines"
        aria-live="off"
        tabIndex={0}
        onScroll={event => {
          const { scrollHeight, scrollTop, clientHeight } = event.currentTarget
          setFollows(scrollHeight - scrollTop - clientHeight < followZone)
        }}
        className="h-96 overflow-y-auto bg-sunken py-2 focus-visible:-outline-offset-2"
      >
        <div className="relative w-full" style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map(row => {
            const line = lines[row.index]
            return (
              line !== undefined && (
                <div
                  key={row.key}
                  ref={rows.measureElement}
                  data-index={row.index}
                  className="absolute top-0 left-0 w-full"
                  style={{ transform: `translateY(${row.start}px)` }}
                >
                  <LogRow line={line} />
                </div>
              )
            )
          })}
        </div>
      </div>
      {!follows && (
        <Button
          size="small"
          icon="arrowDown"
          className="absolute right-4 bottom-3"
          onClick={() => rows.scrollToIndex(lines.length - 1, { align: 'end' })}
        >
          Newest
        </Button>
      )}
    </div>
  )
}

function LogRow({ line }: { line: LogLine }) {
  const fields = Object.entries(line.fields)
  return (
    <div className="px-4 sm:grid sm:grid-cols-[6.5rem_3rem_minmax(0,1fr)] sm:gap-3 py-px font-mono text-xs leading-5 hover:bg-hover">
      <time dateTime={line.at} title={formatInstant(line.at)} className="figures text-faint max-sm:mr-2">
        {formatClock(line.at)}
      </time>
      <span className={classNames('uppercase max-sm:mr-2', levelColors[line.level])}>{line.level}</span>
      <span className="min-w-0 break-words whitespace-pre-wrap">
        {line.message}
        {fields.map(([name, value]) => (
          <span key={name} className="ml-2.5 text-faint">
            {name}=<span className="text-muted">{value}</span>
          </span>
        ))}
      </span>
    </div>
  )
}

function filterLines(lines: readonly LogLine[], level: LogLine['level'], filter: string): readonly LogLine[] {
  const least = levels.indexOf(level)
  const text = filter.toLowerCase()
  return lines.filter(
    line =>
      levels.indexOf(line.level) <= least &&
      (text === '' ||
        line.message.toLowerCase().includes(text) ||
        Object.entries(line.fields).some(([name, value]) => `${name}=${value}`.toLowerCase().includes(text))),
  )
}
