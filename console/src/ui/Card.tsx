import type { ReactNode } from 'react'
import { classNames } from './class-names.ts'

/** A bordered section of a page. */
export function Card({ children, className }: { children: ReactNode; className?: string }) {
  return <section className={classNames('rounded-lg border border-line bg-surface', className)}>{children}</section>
}

export function CardHeader({ title, note, children }: { title: ReactNode; note?: ReactNode; children?: ReactNode }) {
  return (
    <header className="flex min-h-11 flex-wrap items-center gap-x-3 gap-y-2 border-b border-line px-4 py-2">
      <h2 className="text-sm font-semibold">{title}</h2>
      {note !== undefined && <span className="truncate text-xs text-faint">{note}</span>}
      {children !== undefined && <div className="ml-auto flex min-w-0 items-center gap-2">{children}</div>}
    </header>
  )
}

/** One figure with its label. */
export function Stat({
  label,
  value,
  unit,
  note,
}: {
  label: string
  value: ReactNode
  unit?: string
  note?: ReactNode
}) {
  return (
    <div className="min-w-0 px-4 py-3">
      <dt className="truncate text-xs font-medium text-faint">{label}</dt>
      <dd className="figures mt-1 flex items-baseline gap-1 text-xl font-semibold tracking-tight">
        {value}
        {unit !== undefined && <span className="text-xs font-normal tracking-normal text-faint">{unit}</span>}
      </dd>
      {note !== undefined && <dd className="mt-0.5 truncate text-xs text-muted">{note}</dd>}
    </div>
  )
}

/** Figures in a row, separated by lines. */
export function StatRow({ children, label }: { children: ReactNode; label: string }) {
  return (
    <dl
      aria-label={label}
      className="grid grid-cols-2 gap-px overflow-hidden rounded-lg border border-line bg-line *:bg-surface lg:grid-cols-4"
    >
      {children}
    </dl>
  )
}
