import type { UseQueryResult } from '@tanstack/react-query'
import { type ReactNode, useMemo } from 'react'
import { sentence } from '../api/client.ts'
import { Button } from '../ui/Button.tsx'
import { Card } from '../ui/Card.tsx'
import { type Column, DataTable } from '../ui/DataTable.tsx'
import { ListToolbar } from '../ui/ListToolbar.tsx'
import { EmptyState, ErrorState, SkeletonRows } from '../ui/States.tsx'
import type { ListSearch } from './search.ts'

/** A state by which a list can be filtered. */
export interface ListState<Item> {
  readonly state: string
  readonly label: string
  readonly holds: (item: Item) => boolean
}

interface ResourceListProps<Item> {
  readonly query: UseQueryResult<readonly Item[]>
  /** Plural, e.g. `topics`. */
  readonly what: string
  readonly search: ListSearch
  readonly onSearch: (search: ListSearch) => void
  readonly keyOf: (item: Item) => string
  /** The text that the filter searches. Must be constant, like `states` and `columns`. */
  readonly textOf: (item: Item) => string
  /** Offered if some item is in that state, in this order. */
  readonly states: readonly ListState<Item>[]
  /** The list is initially sorted by the first one. */
  readonly columns: readonly Column<Item>[]
  /** The first column, and with it the whole row, links to a page of the item; defaults to true. */
  readonly rowsAreLinks?: boolean
  /** Shown if there are no items at all. */
  readonly empty: ReactNode
}

/** A list of items, filtered and sorted as the URL says. */
export function ResourceList<Item>(props: ResourceListProps<Item>) {
  const { query, what, search, onSearch } = props
  if (query.data === undefined) {
    return (
      <Card>
        {query.isError ? (
          <ErrorState what={what} error={query.error} onRetry={() => void query.refetch()} />
        ) : (
          <SkeletonRows label={what} />
        )}
      </Card>
    )
  }
  if (query.data.length === 0) return <Card>{props.empty}</Card>
  return <FilledList {...props} items={query.data} search={search} onSearch={onSearch} />
}

function FilledList<Item>({
  items,
  what,
  search,
  onSearch,
  keyOf,
  textOf,
  states,
  columns,
  rowsAreLinks = true,
}: ResourceListProps<Item> & { readonly items: readonly Item[] }) {
  const { q = '', state, sort } = search
  const found = useMemo(() => {
    const text = q.toLowerCase()
    return items.filter(item => textOf(item).toLowerCase().includes(text))
  }, [items, q, textOf])
  const filters = states
    .map(one => ({ value: one.state, label: one.label, count: found.filter(one.holds).length }))
    .filter(one => one.count > 0 || one.value === state)
  const chosen = states.find(one => one.state === state)
  const shown = useMemo(() => (chosen === undefined ? found : found.filter(chosen.holds)), [found, chosen])

  return (
    <>
      <ListToolbar
        label={`Filter ${what}`}
        text={q}
        onText={next => onSearch({ ...search, q: next === '' ? undefined : next })}
        filters={filters}
        filter={state}
        onFilter={next => onSearch({ ...search, state: next })}
      />
      <Card className="overflow-hidden">
        {shown.length === 0 ? (
          <EmptyState
            icon="search"
            title={`No ${what} match`}
            action={<Button onClick={() => onSearch({})}>Clear the filters</Button>}
          />
        ) : (
          <DataTable
            interactive={rowsAreLinks}
            label={sentence(what)}
            items={shown}
            columns={columns}
            keyOf={keyOf}
            sort={sort ?? columns[0]?.id}
            onSort={next => onSearch({ ...search, sort: next })}
          />
        )}
      </Card>
    </>
  )
}
