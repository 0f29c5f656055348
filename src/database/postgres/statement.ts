import type { RowSet, SqlValue } from '../database.ts'
import { parseTemplate, type RowsClause, type Template } from '../dialect.ts'
import { encodeText } from './text.ts'

/** A statement in PostgreSQL's syntax: values are `$1`, `$2` and so on, a set is one array per column. */
export interface Rendered {
  /** Name under which the prepared statement is cached. */
  readonly name: string
  readonly text: string
  readonly places: Template['places']
}

const rendered = new Map<string, Rendered>()

/** Statements are constants of the program, so each is rendered once. */
export function render(statement: string): Rendered {
  let known = rendered.get(statement)
  if (known === undefined) rendered.set(statement, (known = renderNew(statement)))
  return known
}

function renderNew(statement: string): Rendered {
  const { texts, places } = parseTemplate(statement)
  let parameter = 0
  const text = texts.reduce((before, next, index) => {
    const place = places[index - 1]!
    if (place === 'value') return `${before}$${++parameter}${next}`
    const arrays = place.columns.map(({ type }) => `$${++parameter}::${type === 'integer' ? 'bigint' : 'text'}[]`)
    const names = place.columns.map(({ name }) => name)
    return `${before}(SELECT * FROM unnest(${arrays.join(', ')}) AS u(${names.join(', ')}))${next}`
  })
  return { name: `s${rendered.size}`, text, places }
}

export function bind({ places, text }: Rendered, values: readonly (SqlValue | RowSet)[]): SqlValue[] {
  if (places.length !== values.length) {
    throw new TypeError(`${places.length} values are expected, ${values.length} given: ${text}`)
  }
  const bound: SqlValue[] = []
  places.forEach((place, index) => {
    // Placeholders and values correspond by position: a set belongs to a ROWS clause.
    if (place === 'value') bound.push(encoded(values[index] as SqlValue))
    // A ROWS placeholder is bound to a set of rows.
    else for (const array of arraysOf(place, values[index] as RowSet)) bound.push(array)
  })
  return bound
}

/** Encodes the columns of a set as array literals. */
function arraysOf({ columns }: RowsClause, rows: RowSet): string[] {
  return columns.map(({ type }, at) => {
    const cells = rows.map(row => {
      const cell = row[at] ?? null
      if (cell === null) return 'NULL'
      return type === 'integer' ? String(cell) : quoted(encodeText(String(cell)))
    })
    return `{${cells.join(',')}}`
  })
}

function encoded(value: SqlValue): SqlValue {
  return typeof value === 'string' ? encodeText(value) : value
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}
