// Test servers for databases that are reached by HTTP, over SQLite.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { SQLInputValue, SQLOutputValue, StatementColumnMetadata } from 'node:sqlite'
import { printJson, type Value } from '../../src/bloblang/index.ts'
import { bodyOf } from './request-body.ts'
import { listen } from './ports.ts'
import { ScratchDatabase } from './scratch-database.ts'

/** A request as a test server sees it. */
export interface Call {
  readonly method: string
  readonly path: string
  readonly parameters: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface Answer {
  readonly status: number
  readonly value?: Value
}

export interface QueryResult {
  readonly columns: readonly StatementColumnMetadata[]
  readonly rows: readonly (readonly SQLOutputValue[])[]
}

export abstract class HttpDatabase {
  readonly database = new ScratchDatabase()
  readonly #connection = this.database.connect()
  readonly #server: Server
  /** The calls that clients sent. */
  readonly calls: Call[] = []
  port = 0

  constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  protected abstract answer(call: Call): Answer

  async start(): Promise<this> {
    this.port = await listen(this.#server)
    return this
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
    this.#connection.close()
    this.database.close()
  }

  protected run(statement: string, values: readonly SQLInputValue[]): QueryResult {
    const prepared = this.#connection.prepare(statement)
    const columns = prepared.columns()
    if (columns.length === 0) {
      prepared.run(...values)
      return { columns, rows: [] }
    }
    const rows = prepared.all(...values).map(row => columns.map(({ name }) => row[name] ?? null))
    return { columns, rows }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request)
    if (body === null) return
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
    const { method = 'GET', headers } = request
    const call = { method, path: pathname, parameters: searchParams, headers, body }
    this.calls.push(call)
    const { status, value } = this.answer(call)
    response.writeHead(status, { 'Content-Type': 'application/json' })
    response.end(value === undefined ? '' : printJson(value))
  }
}
