import { type ReactNode, useEffect, useEffectEvent, useRef, useState } from 'react'
import { classNames } from './class-names.ts'
import { SearchField } from './Field.tsx'
import { formatCount } from './format.ts'

export interface ListFilter {
  readonly value: string
  readonly label: string
  readonly count: number
}

/** Filters a list by part of the name and by state. Both are kept in the URL. */
export function ListToolbar({
  label,
  text,
  onText,
  filters = [],
  filter,
  onFilter,
  children,
}: {
  label: string
  text: string
  onText: (text: string) => void
  filters?: readonly ListFilter[]
  /** The selected state; undefined shows all. */
  filter?: string | undefined
  onFilter?: (filter: string | undefined) => void
  children?: ReactNode
}) {
  const [typed, setTyped] = useTypedText(text, onText)
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-2.5">
      <SearchField
        label={label}
        value={typed}
        onChange={event => setTyped(event.target.value)}
        className="w-full sm:w-64"
      />
      {filters.length > 1 && (
        <div role="group" aria-label="Show" className="-mx-1 flex max-w-full items-center gap-1 overflow-x-auto p-1">
          {filters.map(one => (
            <FilterButton
              key={one.value}
              filter={one}
              isOn={filter === one.value}
              onToggle={() => onFilter?.(filter === one.value ? undefined : one.value)}
            />
          ))}
        </div>
      )}
      {children}
    </div>
  )
}

function FilterButton({ filter, isOn, onToggle }: { filter: ListFilter; isOn: boolean; onToggle: () => void }) {
  return (
    <button
      type="button"
      aria-pressed={isOn}
      onClick={onToggle}
      className={classNames(
        'inline-flex h-7 shrink-0 items-center gap-1.5 rounded-full border px-2.5 text-xs font-medium transition-colors',
        isOn
          ? 'border-accent-line bg-accent-soft text-accent-text'
          : 'border-line bg-surface text-muted hover:border-line-strong hover:text-ink',
      )}
    >
      {filter.label}
      <span className="figures">{formatCount(filter.count)}</span>
    </button>
  )
}

/** How long typing pauses before the URL changes, in milliseconds. */
const restMs = 150

/** The text being typed, copied to the URL a moment later: navigation is too slow for a text field. */
function useTypedText(text: string, onText: (text: string) => void): [string, (text: string) => void] {
  const [typed, setTyped] = useState(text)
  const written = useRef(text)
  const write = useEffectEvent((next: string) => {
    written.current = next
    onText(next)
  })
  useEffect(() => {
    if (typed === written.current) return undefined
    const timer = setTimeout(() => write(typed), restMs)
    return () => clearTimeout(timer)
  }, [typed])
  useEffect(() => {
    // Something else changed the URL, such as a link to the list.
    if (text === written.current) return
    written.current = text
    setTyped(text)
  }, [text])
  return [typed, setTyped]
}
