import type { ReactNode } from 'react'
import type { Example } from './examples.ts'

interface ExampleListProps {
  readonly examples: readonly Example[]
  readonly onChoose: (text: string) => void
  readonly className: string
  /** An additional last card. */
  readonly children?: ReactNode
}

/** Cards with configurations to choose from. */
export function ExampleList({ examples, onChoose, className, children }: ExampleListProps) {
  return (
    <ul className={className}>
      {examples.map(({ name, note, text }) => (
        <ExampleCard key={name} title={name} note={note} onClick={() => onChoose(text)} />
      ))}
      {children}
    </ul>
  )
}

export function ExampleCard({ title, note, onClick }: { title: string; note: string; onClick: () => void }) {
  return (
    <li>
      <button
        type="button"
        onClick={onClick}
        className="flex h-full w-full flex-col rounded-md border border-line px-3 py-2 text-left transition-colors hover:border-accent-line hover:bg-accent-soft"
      >
        <span className="text-sm font-medium">{title}</span>
        <span className="mt-0.5 block text-xs text-muted">{note}</span>
      </button>
    </li>
  )
}
