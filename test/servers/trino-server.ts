// A test server that answers as the documentation of Trino's client protocol says, over SQLite. Columns have their
// declared types.
import { messageOf } from '../../src/base/index.ts'
import type { Value } from '../../src/bloblang/index.ts'
import { type Answer, type Call, HttpDatabase, type QueryResult } from './http-database.ts'

const PAGE_ROWS = 500

export class TrinoServer extends HttpDatabase {
  readonly #results = new Map<string, QueryResult>()
  /** The queries that clients cancelled. */
  readonly cancelled: string[] = []
  #count = 0

  protected answer({ method, path, body }: Call): Answer {
    if (method === 'POST') return this.#execute(body)
    const [, , , , id = '', page = '0'] = path.split('/')
    if (method === 'DELETE') {
      this.cancelled.push(id)
      return { status: 204 }
    }
    return { status: 200, value: this.#page(id, Number(page)) }
  }

  #execute(query: string): Answer {
    const id = `q${++this.#count}`
    try {
      this.#results.set(id, this.run(statementOf(query), []))
    } catch (error) {
      const failureInfo = { type: 'io.trino.spi.TrinoException' }
      const failure = { message: messageOf(error), errorName: 'SYNTAX_ERROR', errorType: 'USER_ERROR', failureInfo }
      return { status: 200, value: { id, stats: { state: 'FAILED' }, error: failure } }
    }
    return { status: 200, value: { id, nextUri: this.#uri(id, 0), stats: { state: 'QUEUED' } } }
  }

  #page(id: string, page: number): Value {
    const { columns, rows } = this.#results.get(id)!
    const isLast = rows.length <= (page + 1) * PAGE_ROWS
    const data = rows.slice(page * PAGE_ROWS, (page + 1) * PAGE_ROWS)
    return {
      id,
      columns: columns.map(({ name, type }, at) => columnOf(name, typeOf(type, rows[0]?.[at]))),
      data,
      ...(isLast ? {} : { nextUri: this.#uri(id, page + 1) }),
      stats: { state: isLast ? 'FINISHED' : 'RUNNING' },
    }
  }

  #uri(id: string, page: number): string {
    return `http://127.0.0.1:${this.port}/v1/statement/executing/${id}/${page}`
  }
}

/** A column with its type in both forms of the protocol; `decimal(38, 10)` has its numbers apart. */
function columnOf(name: string, type: string): Value {
  const [, rawType = '', sizes = ''] = /^([^(]*)(?:\((.*)\))?$/.exec(type) ?? []
  const numbers = sizes === '' ? [] : sizes.split(',').map(size => ({ kind: 'LONG', value: Number(size) }))
  return { name, type, typeSignature: { rawType, arguments: numbers } }
}

function typeOf(declared: string | null, sample: unknown): string {
  if (declared !== null) return declared.toLowerCase().replace(' text', '').replace(/^int$/, 'integer')
  return typeof sample === 'bigint' ? 'bigint' : typeof sample === 'number' ? 'double' : 'varchar'
}

/** The statement that `EXECUTE IMMEDIATE` runs, with its arguments in place. */
function statementOf(query: string): string {
  const match = /^EXECUTE IMMEDIATE '((?:[^']|'')*)' USING (.*)$/s.exec(query)
  if (match === null) return query
  const literals = match[2]!.match(/(?:TIMESTAMP |DECIMAL )?'(?:[^']|'')*'|X'[^']*'|ARRAY\[[^\]]*\]|[^',\s]+/g) ?? []
  let at = 0
  return match[1]!.replaceAll("''", "'").replaceAll('?', () => literals[at++]!.replace(/^(?:TIMESTAMP|DECIMAL) /, ''))
}
