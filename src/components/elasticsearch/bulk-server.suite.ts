import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { portOf } from '../../../test/servers/ports.ts'

interface Target {
  readonly _index: string
  readonly _id?: string
}

/**
 * Stores what is indexed; rejects documents with `"bad"`, as an index mapping would. Elasticsearch itself is not
 * available from a package registry that tests could install it from.
 */
export class BulkServer {
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString()
      const path = `${request.method} ${request.url}`
      const { authorization, ...headers } = request.headers
      this.requests.push({ path, authorization, headers, body })
      const answer = () => {
        if (path === 'GET /') response.end('{}')
        else if (path === 'GET /_nodes/http') response.end(this.nodes)
        else this.#answer(text, response)
      }
      if (this.#isHeld && path !== 'GET /') this.#waiting.push(answer)
      else answer()
    })
  })
  readonly #waiting: (() => void)[] = []
  #isHeld = false
  readonly requests: {
    readonly path: string
    readonly authorization: string | undefined
    readonly headers: IncomingHttpHeaders
    readonly body: Buffer
  }[] = []
  readonly documents: { readonly index: string; readonly id: string | undefined; readonly text: string }[] = []
  /** Statuses of the next responses, instead of results. */
  readonly statuses: number[] = []
  /** Whether every request is answered with status 429, as when the queue of the server is full. */
  isFull = false
  url = ''
  /** The response to a request for the nodes of the cluster. */
  nodes = '{}'

  /** Listens on a free port, or on one of its own where it was closed before. */
  async listen(port = 0): Promise<this> {
    await once(this.#server.listen(port, '127.0.0.1'), 'listening')
    this.url = `http://127.0.0.1:${portOf(this.#server)}`
    return this
  }

  hold(): void {
    this.#isHeld = true
  }

  held(): number {
    return this.#waiting.length
  }

  release(): void {
    this.#isHeld = false
    for (const answer of this.#waiting.splice(0)) answer()
  }

  cut(): void {
    this.#server.closeAllConnections()
  }

  async close(): Promise<void> {
    this.release()
    this.#server.closeAllConnections()
    await once(this.#server.close(), 'close')
  }

  #answer(text: string, response: ServerResponse): void {
    const status = this.statuses.shift()
    if (this.isFull) return void response.writeHead(429).end('full')
    if (status !== undefined) return void response.writeHead(status).end('not now')
    assert.ok(text.endsWith('\n'))
    const lines = text.split('\n').slice(0, -1)
    const items: unknown[] = []
    while (lines.length > 0) {
      const operation: Readonly<Record<string, Target>> = JSON.parse(lines.shift()!)
      const [[action, target] = ['', { _index: '' }]] = Object.entries(operation)
      const document = action === 'delete' ? undefined : lines.shift()!
      items.push({ [action]: this.#apply(target, document) })
    }
    response.end(JSON.stringify({ errors: false, items }))
  }

  #apply({ _index: index, _id: id }: Target, text: string | undefined): unknown {
    if (text === undefined) return { status: 404, result: 'not_found' }
    if (text.includes('bad')) {
      return { status: 400, error: { type: 'document_parsing_exception', reason: 'failed to parse field [n]' } }
    }
    this.documents.push({ index, id, text })
    return { status: 201 }
  }
}
