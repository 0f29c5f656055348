import { useCallback, useMemo, useState } from 'react'
import type { RecordBytes } from '../../api/types.ts'
import { download, hexDump, hexLine, isBinary, toBytes, wrapLines } from '../../ui/bytes.ts'
import { IconButton } from '../../ui/Button.tsx'
import { CopyButton } from '../../ui/Copy.tsx'
import { formatBytes } from '../../ui/format.ts'
import { JsonView } from '../../ui/JsonView.tsx'
import { isJsonDocument, layOut } from '../../ui/json-layout.ts'
import { RowsView } from '../../ui/RowsView.tsx'
import { Segmented } from '../../ui/Segmented.tsx'

type View = 'json' | 'text' | 'hex'

const viewLabels: Record<View, string> = { json: 'JSON', text: 'Text', hex: 'Hex' }

/** Longer texts are shown row by row: a browser takes seconds to break a megabyte into lines. */
const maximumPlain = 60_000

interface BytesViewProps {
  /** `Key`, `Value`. */
  readonly title: string
  readonly bytes: RecordBytes
  readonly fileName: string
  /** Loads the rest of truncated bytes. */
  readonly onLoad: () => void
  readonly isLoading: boolean
}

/** The key or the value of a record: as JSON, as text or in hex, to be copied or saved to a file. */
export function BytesView({ title, bytes, fileName, onLoad, isLoading }: BytesViewProps) {
  const views = useMemo(() => viewsOf(bytes), [bytes])
  const [asked, setAsked] = useState<View>()
  const view = asked !== undefined && views.includes(asked) ? asked : (views[0] ?? 'hex')
  const name = title.toLowerCase()

  return (
    <section aria-label={title} className="overflow-hidden rounded-md border border-line bg-surface">
      <header className="flex min-h-10 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line py-1 pr-1.5 pl-3 text-xs text-faint">
        <h2 className="font-medium text-muted">{title}</h2>
        <span>
          {formatBytes(bytes.size_bytes)}
          {views[0] === 'hex' && ', binary'}
        </span>
        {bytes.is_truncated && (
          <button
            type="button"
            disabled={isLoading}
            onClick={onLoad}
            className="rounded font-medium text-accent-text hover:underline"
          >
            {isLoading ? 'Loading…' : 'Only the beginning is shown: load all'}
          </button>
        )}
        <div className="ml-auto flex items-center gap-1">
          {views.length > 1 && (
            <Segmented
              small
              label={`Show the ${name} as`}
              value={view}
              onChange={setAsked}
              options={views.map(value => ({ value, label: viewLabels[value] }))}
            />
          )}
          <CopyButton
            text={() => (view === 'hex' ? hexDump(toBytes(bytes)) : bytes.data)}
            label={bytes.is_truncated ? `Copy the beginning of the ${name}` : `Copy the ${name}`}
          />
          <IconButton
            icon="download"
            label={`Save the ${name} to a file`}
            className="size-6"
            disabled={bytes.is_truncated}
            onClick={() => download(toBytes(bytes), fileName)}
          />
        </div>
      </header>
      <Content title={title} bytes={bytes} view={view} />
    </section>
  )
}

/** The possible views of the bytes, best first. */
function viewsOf(bytes: RecordBytes): readonly View[] {
  if (bytes.encoding === 'base64') return ['hex']
  if (isJsonDocument(bytes.data)) return ['json', 'text', 'hex']
  return isBinary(bytes) ? ['hex', 'text'] : ['text', 'hex']
}

function Content({ title, bytes, view }: { title: string; bytes: RecordBytes; view: View }) {
  if (view === 'hex') return <HexView title={title} bytes={bytes} />
  if (bytes.data.length > maximumPlain) return <LongText title={title} bytes={bytes} view={view} />
  return (
    <div
      role="region"
      aria-label={`${title} as ${viewLabels[view]}`}
      tabIndex={0}
      className="max-h-96 overflow-y-auto px-3 py-2 focus-visible:-outline-offset-2"
    >
      <JsonView text={bytes.data} pretty={view === 'json'} />
    </div>
  )
}

function HexView({ title, bytes: encoded }: { title: string; bytes: RecordBytes }) {
  const bytes = useMemo(() => toBytes(encoded), [encoded])
  const rowsFor = useCallback(
    (characters: number) => {
      // 16 bytes take 77 characters, 8 take 43; a phone has room for 4.
      const width = characters >= 77 ? 16 : characters >= 43 ? 8 : 4
      return { count: Math.ceil(bytes.length / width), row: (at: number) => hexLine(bytes, at, width) }
    },
    [bytes],
  )
  return <RowsView label={`${title} in hex`} rowsFor={rowsFor} />
}

function LongText({ title, bytes, view }: { title: string; bytes: RecordBytes; view: View }) {
  const text = useMemo(() => (view === 'json' ? (layOut(bytes.data) ?? bytes.data) : bytes.data), [bytes, view])
  const rowsFor = useCallback(
    (characters: number) => {
      const rows = wrapLines(text, characters)
      return { count: rows.length, row: (at: number) => rows[at] ?? '' }
    },
    [text],
  )
  return <RowsView label={`${title} as ${viewLabels[view]}`} rowsFor={rowsFor} />
}
