import { type ReactNode, useState } from 'react'
import { Button } from './Button.tsx'
import { formatCount } from './format.ts'

/** More rows than this are shown only when somebody asks: a browser lays out thousands of them slowly. */
const firstRows = 200

/** The beginning of a long list, and all of it on demand. */
export function Limited<Item>({
  items,
  children,
}: {
  items: readonly Item[]
  children: (shown: readonly Item[]) => ReactNode
}) {
  const [all, setAll] = useState(false)
  if (all || items.length <= firstRows) return children(items)
  return (
    <>
      {children(items.slice(0, firstRows))}
      <footer className="flex items-center justify-center gap-3 border-t border-line p-2.5 text-xs text-faint">
        The first {firstRows} of {formatCount(items.length)}
        <Button size="small" onClick={() => setAll(true)}>
          Show all
        </Button>
      </footer>
    </>
  )
}
