import type { Column } from '../ui/DataTable.tsx'
import { Ago } from '../ui/Time.tsx'

/** A column with the creation time, for lists. */
export function createdColumn<Item extends { readonly created_at: string }>(): Column<Item> {
  return {
    id: 'created',
    heading: 'Created',
    from: 'md',
    sortBy: item => Date.parse(item.created_at),
    cell: item => (
      <span className="text-muted">
        <Ago at={item.created_at} />
      </span>
    ),
  }
}
