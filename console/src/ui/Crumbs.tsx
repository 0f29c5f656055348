import type { ReactNode } from 'react'
import { Icon } from './Icon.tsx'

/** Where this page is: a link to its list, then its own name as the title. */
export function Crumbs({ parent, children }: { parent: ReactNode; children: ReactNode }) {
  return (
    <>
      <span className="shrink-0 font-normal text-faint [&_a:hover]:text-ink">{parent}</span>
      <Icon name="chevronRight" size={14} className="text-faint" />
      <span className="min-w-0 truncate">{children}</span>
    </>
  )
}
