import type { ReactNode } from 'react'
import { Icon } from './Icon.tsx'

/** A link to the parent list, then the page's name. A phone shows a long name in full. */
export function Crumbs({ parent, children }: { parent: ReactNode; children: string }) {
  return (
    <>
      <span className="shrink-0 font-normal text-faint max-sm:sr-only [&_a:hover]:text-ink">{parent}</span>
      <Icon name="chevronRight" size={14} className="text-faint max-sm:hidden" />
      <span className="min-w-0 truncate max-sm:line-clamp-3 max-sm:break-all max-sm:whitespace-normal" title={children}>
        {children}
      </span>
    </>
  )
}
