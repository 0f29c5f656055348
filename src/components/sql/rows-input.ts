import { deliverEach, type Delivery, type Input, Message, NotConnectedError } from '../../engine/index.ts'
import type { Row, SqlConnection } from './connection.ts'

type Rows = Iterator<readonly Row[]> | AsyncIterator<readonly Row[]>

/**
 * Reads the rows of one query, each as a message, and ends. The database is opened and the query sent when the engine
 * connects, so that a missing database or table is retried.
 */
export class RowsInput implements Input {
  readonly #open: () => SqlConnection
  readonly #query: (connection: SqlConnection) => ReturnType<SqlConnection['chunks']>
  #connection: SqlConnection | null = null
  #rows: Rows | null = null
  #next: readonly Row[] | null = null

  constructor(open: () => SqlConnection, query: (connection: SqlConnection) => ReturnType<SqlConnection['chunks']>) {
    this.#open = open
    this.#query = query
  }

  async connect(): Promise<void> {
    this.#connection ??= this.#open()
    const chunks = this.#query(this.#connection)
    const rows = Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]()
    this.#next = await nextOf(rows)
    this.#rows = rows
  }

  async read(): Promise<Delivery | null> {
    const rows = this.#rows
    if (rows === null) throw new NotConnectedError()
    const chunk = this.#next
    if (chunk === null) return null
    this.#next = await this.#following(rows)
    return deliverEach(chunk.map(row => Message.fromValue(row)))
  }

  async close(): Promise<void> {
    // A query with outstanding rows holds its connection until its iterator is closed.
    const stopped = this.#rows?.return?.()
    await this.#connection?.close()
    await stopped
  }

  async #following(rows: Rows): Promise<readonly Row[] | null> {
    try {
      return await nextOf(rows)
    } catch (error) {
      this.#rows = null
      throw error
    }
  }
}

async function nextOf(rows: Rows): Promise<readonly Row[] | null> {
  const { done, value } = await rows.next()
  return done === true ? null : value
}
