// A test server that answers as the documentation of Snowflake's SQL API says, over SQLite. Columns are read as their
// declared types say, and stored in the form in which the API sends them.
import { Buffer } from 'node:buffer'
import { messageOf } from '../../src/base/index.ts'
import type { Value } from '../../src/bloblang/index.ts'
import { type Answer, type Call, HttpDatabase, type QueryResult } from './http-database.ts'

const PARTITION_ROWS = 500

interface Statement {
  readonly statement: string
  readonly bindings?: Readonly<Record<string, { readonly type: string; readonly value: string | null }>>
}

export class SnowflakeServer extends HttpDatabase {
  readonly #results = new Map<string, QueryResult>()
  readonly #outcomes = new Map<string, Answer>()
  /** Statements that start now are answered when the client asks again. */
  isSlow = false
  /** How many further calls are answered with this status. */
  refusals: { status: number; count: number } = { status: 503, count: 0 }
  /** Returns why a client is not signed in. */
  refuse: (call: Call) => string | undefined = () => undefined

  protected answer(call: Call): Answer {
    if (this.refusals.count > 0) {
      this.refusals.count--
      return { status: this.refusals.status }
    }
    const refusal = this.refuse(call)
    if (refusal !== undefined) return { status: 401, value: { code: '390144', message: refusal } }
    const handle = call.path.split('/')[4]
    if (call.method === 'POST') return this.#once(call)
    if (handle === undefined || !this.#results.has(handle))
      return { status: 404, value: { code: '391918', message: 'no' } }
    return { status: 200, value: this.#page(handle, Number(call.parameters.get('partition') ?? 0)) }
  }

  /** A request that is sent again with the same id gets the same answer. */
  #once({ parameters, body }: Call): Answer {
    const id = parameters.get('requestId') ?? ''
    const known = this.#outcomes.get(id)
    if (known !== undefined && parameters.get('retry') === 'true') return known
    const outcome = this.#execute(id, JSON.parse(body) as Statement) // the shape that the API documents
    this.#outcomes.set(id, outcome)
    return outcome
  }

  #execute(handle: string, { statement, bindings = {} }: Statement): Answer {
    const values = Object.keys(bindings).map((_, index) => {
      const { type, value } = bindings[String(index + 1)]!
      if (value === null) return null
      switch (type) {
        case 'FIXED':
          return BigInt(value)
        case 'REAL':
          return Number(value)
        case 'BOOLEAN':
          return value === 'true' ? 1 : 0
        default:
          return value
      }
    })
    try {
      this.#results.set(handle, this.run(statement, values))
    } catch (error) {
      return {
        status: 422,
        value: { code: '002003', sqlState: '42S02', message: messageOf(error), statementHandle: handle },
      }
    }
    if (this.isSlow) return { status: 202, value: { code: '333334', statementHandle: handle } }
    return { status: 200, value: this.#page(handle, 0) }
  }

  #page(handle: string, partition: number): Value {
    const { columns, rows } = this.#results.get(handle)!
    const partitions = Array.from({ length: Math.max(1, Math.ceil(rows.length / PARTITION_ROWS)) })
    const data = rows
      .slice(partition * PARTITION_ROWS, (partition + 1) * PARTITION_ROWS)
      .map(row =>
        row.map(value =>
          value instanceof Uint8Array ? Buffer.from(value).toString() : value === null ? null : String(value),
        ),
      )
    if (partition > 0) return { data }
    return {
      code: '090001',
      statementHandle: handle,
      message: 'Statement executed successfully.',
      resultSetMetaData: {
        numRows: rows.length,
        format: 'jsonv2',
        rowType: columns.map(({ name, type }) => ({
          name,
          type: (type ?? 'text').toLowerCase().replace(/ .*|\(.*/, ''),
        })),
        partitionInfo: partitions.map(() => ({ rowCount: PARTITION_ROWS })),
      },
      data,
    }
  }
}
