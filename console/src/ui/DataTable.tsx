import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { classNames } from './class-names.ts'
import { Icon } from './Icon.tsx'
import { usePageScroller } from './Page.tsx'
import { Cell, HeaderRow, Heading, Table } from './Table.tsx'

export interface Column<Item> {
  readonly id: string
  readonly heading: string
  /** Shows the heading only to screen readers. */
  readonly hideHeading?: boolean
  readonly cell: (item: Item) => ReactNode
  /** The sort key of a row; a column without it cannot be sorted. Nulls come last. */
  readonly sortBy?: (item: Item) => string | number | null
  /** Figures are right-aligned, and sorted in descending order at the first click. */
  readonly figures?: boolean
  /** Takes the remaining width and truncates its text if that is too little. */
  readonly grows?: boolean
  /** Hidden if the window is narrower than this. */
  readonly from?: 'sm' | 'md' | 'lg'
}

interface DataTableProps<Item> {
  readonly label: string
  readonly items: readonly Item[]
  readonly columns: readonly Column<Item>[]
  readonly keyOf: (item: Item) => string
  /** A column's id, prefixed with `-` for descending order; undefined keeps the order of `items`. */
  readonly sort?: string | undefined
  readonly onSort?: (sort: string) => void
  /** The link in the first cell covers its row. */
  readonly interactive?: boolean
}

/** A sortable table that renders only the rows in view, so that thousands cost no more than a few. */
export function DataTable<Item>({
  label,
  items,
  columns,
  keyOf,
  sort,
  onSort,
  interactive = false,
}: DataTableProps<Item>) {
  const box = useRef<HTMLDivElement>(null)
  const sorted = useMemo(() => sortItems(items, columns, sort), [items, columns, sort])
  const scroller = usePageScroller()
  const scrollMargin = useOffsetWithin(scroller, box)
  // oxlint-disable-next-line react/incompatible-library -- the compiler that it concerns is not used here
  const rows = useVirtualizer({
    count: sorted.length,
    getScrollElement: () => scroller,
    estimateSize: () => rowHeight,
    overscan: 12,
    scrollMargin,
    getItemKey: at => {
      const item = sorted[at]
      return item === undefined ? at : keyOf(item)
    },
  })
  const visible = rows.getVirtualItems()
  const above = (visible[0]?.start ?? scrollMargin) - scrollMargin
  const below = rows.getTotalSize() - ((visible.at(-1)?.end ?? scrollMargin) - scrollMargin)

  return (
    <div ref={box}>
      <Table label={label} rowCount={sorted.length + 1}>
        <HeaderRow>
          {columns.map(column => (
            <ColumnHeading key={column.id} column={column} sort={sort} onSort={onSort} />
          ))}
        </HeaderRow>
        <tbody>
          <Spacer height={above} />
          {visible.map(({ index, key }) => {
            const item = sorted[index]
            return (
              item !== undefined && (
                <tr
                  key={key}
                  ref={rows.measureElement}
                  data-index={index}
                  aria-rowindex={index + 2}
                  className={classNames(
                    index > 0 && 'border-t border-line',
                    interactive && 'relative transition-colors hover:bg-hover',
                  )}
                >
                  {columns.map(column => (
                    <Cell
                      key={column.id}
                      figures={column.figures === true}
                      className={classNames(
                        column.grows === true && 'w-full max-w-0 truncate',
                        column.grows !== true && 'whitespace-nowrap',
                        hiddenBelow(column),
                      )}
                    >
                      {column.cell(item)}
                    </Cell>
                  ))}
                </tr>
              )
            )
          })}
          <Spacer height={below} />
        </tbody>
      </Table>
    </div>
  )
}

/** In pixels, including the line between two rows. */
const rowHeight = 45

/** Takes the place of rows that are not rendered. */
function Spacer({ height }: { height: number }) {
  if (height <= 0) return null
  return (
    <tr aria-hidden="true">
      <td style={{ height }} />
    </tr>
  )
}

function ColumnHeading<Item>({
  column,
  sort,
  onSort,
}: {
  column: Column<Item>
  sort: string | undefined
  onSort: ((sort: string) => void) | undefined
}) {
  const figures = column.figures === true
  const hidden = hiddenBelow(column)
  if (onSort === undefined || column.sortBy === undefined) {
    return (
      <Heading figures={figures} className={hidden}>
        <span className={column.hideHeading === true ? 'sr-only' : ''}>{column.heading}</span>
      </Heading>
    )
  }
  const { id } = column
  const direction = sort === id ? 'ascending' : sort === `-${id}` ? 'descending' : undefined
  const firstSort = figures ? `-${id}` : id
  const next = direction === undefined ? firstSort : direction === 'ascending' ? `-${id}` : id
  return (
    <Heading figures={figures} className={hidden} aria-sort={direction}>
      <button
        type="button"
        onClick={() => onSort(next)}
        className={classNames(
          'group -mx-1.5 inline-flex h-6 items-center gap-1 rounded px-1.5 transition-colors hover:bg-hover hover:text-ink',
          direction !== undefined && 'text-ink',
          figures && 'flex-row-reverse',
        )}
      >
        {column.heading}
        <Icon
          name="arrowDown"
          size={12}
          className={classNames(
            'transition-opacity',
            direction === 'ascending' && 'rotate-180',
            direction === undefined && 'opacity-0 group-hover:opacity-60 group-focus-visible:opacity-60',
          )}
        />
      </button>
    </Heading>
  )
}

function hiddenBelow({ from }: { readonly from?: 'sm' | 'md' | 'lg' }): string {
  if (from === undefined) return ''
  return { sm: 'max-sm:hidden', md: 'max-md:hidden', lg: 'max-lg:hidden' }[from]
}

/**
 * The distance of an element from the top of its scroll container, in pixels, updated when content above it changes.
 */
function useOffsetWithin(outer: HTMLElement | null, element: { readonly current: HTMLElement | null }): number {
  const [offset, setOffset] = useState(0)
  useLayoutEffect(() => {
    const inner = element.current
    if (outer === null || inner === null) return undefined
    const measure = () => {
      const top = inner.getBoundingClientRect().top - outer.getBoundingClientRect().top + outer.scrollTop
      setOffset(Math.round(top))
    }
    // Content above the element changes the size of the scrolled content. The first call comes before the first paint.
    const observer = new ResizeObserver(measure)
    for (const child of outer.children) observer.observe(child)
    return () => observer.disconnect()
  }, [outer, element])
  return offset
}

const collator = new Intl.Collator('en', { numeric: true })

function sortItems<Item>(
  items: readonly Item[],
  columns: readonly Column<Item>[],
  sort: string | undefined,
): readonly Item[] {
  const descending = sort?.startsWith('-') === true
  const sortBy = columns.find(column => column.id === (descending ? sort?.slice(1) : sort))?.sortBy
  if (sortBy === undefined) return items
  const sign = descending ? -1 : 1
  return items.toSorted((a, b) => {
    const [left, right] = [sortBy(a), sortBy(b)]
    if (left === null || right === null) return Number(left === null) - Number(right === null)
    if (typeof left === 'number' && typeof right === 'number') return sign * (left - right)
    return sign * collator.compare(String(left), String(right))
  })
}
