import type { Value } from '../../bloblang/index.ts'
import { deliverEach, type Delivery, type Input, Message, NotConnectedError } from '../../engine/index.ts'
import type { Connection, Row } from './connection.ts'

/** Rows that are read at a time. */
const chunkRows = 512

/**
 * Reads the rows of one query, each as a message, and ends. The database is opened and the query sent when the engine
 * connects, so that a database or table that is not there yet is tried again.
 */
export class RowsInput implements Input {
  readonly #open: () => Connection
  readonly #query: (connection: Connection) => Generator<Row>
  #connection: Connection | null = null
  #rows: Generator<Row> | null = null
  #next: IteratorResult<Row, undefined> | null = null

  constructor(open: () => Connection, query: (connection: Connection) => Generator<Row>) {
    this.#open = open
    this.#query = query
  }

  connect(): void {
    this.#connection ??= this.#open()
    const rows = this.#query(this.#connection)
    this.#next = rows.next() as IteratorResult<Row, undefined>
    this.#rows = rows
  }

  read(): Delivery | null {
    const rows = this.#rows
    if (rows === null) throw new NotConnectedError()
    const messages: Message[] = []
    try {
      while (this.#next?.done === false && messages.length < chunkRows) {
        messages.push(Message.fromValue(this.#next.value as Value))
        this.#next = rows.next() as IteratorResult<Row, undefined>
      }
    } catch (error) {
      this.#rows = null
      throw error
    }
    return messages.length === 0 ? null : deliverEach(messages)
  }

  close(): void {
    this.#connection?.close()
  }
}
