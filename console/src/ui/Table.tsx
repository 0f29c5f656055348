import type { ReactNode, TdHTMLAttributes, ThHTMLAttributes } from 'react'
import { classNames } from './class-names.ts'

/** A table that scrolls sideways if it is too wide for its page. `rowCount` is for one that renders only some rows. */
export function Table({ label, rowCount, children }: { label: string; rowCount?: number; children: ReactNode }) {
  return (
    <div className="relative overflow-x-auto">
      <table aria-label={label} aria-rowcount={rowCount} className="w-full border-collapse text-left text-sm">
        {children}
      </table>
    </div>
  )
}

export function HeaderRow({ children }: { children: ReactNode }) {
  return (
    <thead>
      <tr className="border-b border-line">{children}</tr>
    </thead>
  )
}

interface CellProps extends TdHTMLAttributes<HTMLTableCellElement> {
  /** Figures are right-aligned. */
  readonly figures?: boolean
}

export function Heading({
  figures,
  className,
  ...rest
}: ThHTMLAttributes<HTMLTableCellElement> & { figures?: boolean }) {
  return (
    <th
      scope="col"
      {...rest}
      className={classNames(
        'h-9 px-4 text-xs font-medium whitespace-nowrap text-faint',
        figures === true && 'text-right',
        className,
      )}
    />
  )
}

export function Rows({ children }: { children: ReactNode }) {
  return <tbody className="divide-y divide-line">{children}</tbody>
}

/** A row; `interactive` if its first cell is a link that covers the row. */
export function Row({ children, interactive = false }: { children: ReactNode; interactive?: boolean }) {
  return <tr className={classNames(interactive && 'relative transition-colors hover:bg-hover')}>{children}</tr>
}

export function Cell({ figures, className, ...rest }: CellProps) {
  return (
    <td
      {...rest}
      className={classNames(
        'h-11 px-4 py-1.5 align-middle',
        figures === true && 'figures text-right whitespace-nowrap',
        className,
      )}
    />
  )
}

/** For a link in an interactive row, whose target is the whole row. */
export const rowLinkClass =
  "font-medium text-ink outline-none after:absolute after:inset-0 after:content-[''] focus-visible:after:rounded-md focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-accent"
