import type { ReactNode } from 'react'
import { CopyButton } from './Copy.tsx'

/** A list of named facts. */
export function Facts({ children }: { children: ReactNode }) {
  return <dl className="grid grid-cols-2 gap-x-6 gap-y-4 px-4 py-4 md:grid-cols-4">{children}</dl>
}

export function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-xs text-faint">{label}</dt>
      <dd className="figures mt-0.5 truncate">{children}</dd>
    </div>
  )
}

/** The value of a fact, with a copy button; null if there is none. */
export function CopyableFact({ text, label }: { text: string | null; label: string }) {
  if (text === null) return <>none</>
  return (
    <span className="flex h-5 items-center gap-1">
      <code className="truncate text-xs" title={text}>
        {text}
      </code>
      <CopyButton text={text} label={label} />
    </span>
  )
}
