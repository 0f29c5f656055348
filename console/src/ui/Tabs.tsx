import type { ReactNode } from 'react'
import { classNames } from './class-names.ts'

/** Views of one object, each with its own URL: the children are links with {@link tabClass}. */
export function Tabs({ label, children, className }: { label: string; children: ReactNode; className?: string }) {
  return (
    <nav aria-label={label} className={classNames('flex h-10 items-stretch gap-5 border-b border-line', className)}>
      {children}
    </nav>
  )
}

export function tabClass(active: boolean): string {
  return classNames(
    '-mb-px flex items-center gap-2 rounded-t-sm border-b-2 px-0.5 text-sm font-medium transition-colors',
    active ? 'border-accent text-ink' : 'border-transparent text-muted hover:text-ink',
  )
}
