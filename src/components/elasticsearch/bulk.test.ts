// The bulk outputs against a test server that stores documents as the public API documentation specifies.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { Sender } from '../../../test/connectors/streams.ts'
import { outputContract } from '../../engine/contract/output.suite.ts'
import { rig } from '../contract/rig.suite.ts'
import { portOf } from '../../../test/servers/ports.ts'

interface Target {
  readonly _index: string
  readonly _id?: string
}

/**
 * Stores what is indexed; rejects documents with `"bad"`, as an index mapping would. Elasticsearch itself is not
 * available from a package registry that tests could install it from.
 */
class BulkServer {
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString()
      const path = `${request.method} ${request.url}`
      this.requests.push({ path, authorization: request.headers.authorization })
      const answer = () => (path === 'GET /' ? response.end('{}') : this.#answer(text, response))
      if (this.#isHeld && path !== 'GET /') this.#waiting.push(answer)
      else answer()
    })
  })
  readonly #waiting: (() => void)[] = []
  #isHeld = false
  readonly requests: { readonly path: string; readonly authorization: string | undefined }[] = []
  readonly documents: { readonly id: string | undefined; readonly text: string }[] = []
  /** Statuses of the next responses, instead of results. */
  readonly statuses: number[] = []
  url = ''

  async listen(): Promise<this> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening')
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

  #apply({ _id: id }: Target, text: string | undefined): unknown {
    if (text === undefined) return { status: 404, result: 'not_found' }
    if (text.includes('bad')) {
      return { status: 400, error: { type: 'document_parsing_exception', reason: 'failed to parse field [n]' } }
    }
    this.documents.push({ id, text })
    return { status: 201 }
  }
}

for (const name of ['elasticsearch_v2', 'opensearch'] as const) {
  outputContract(name, rig, {
    inFlight: 'many',
    async open() {
      const server = await new BulkServer().listen()
      return {
        poison: 'bad',
        config: (maxInFlight = 64) =>
          `{ ${name}: { urls: [ '${server.url}' ], index: i, id: x, action: index, max_in_flight: ${maxInFlight} } }`,
        delivered: () => server.documents.map(({ text }) => text),
        hold: () => server.hold(),
        held: () => server.held(),
        release: () => server.release(),
        cut: () => server.cut(),
        close: () => server.close(),
      }
    },
  })

  test(`${name}: of a batch only the documents that are refused fail, with the reason of the server`, async () => {
    const server = await new BulkServer().listen()
    const sender = await Sender.start({
      [name]: { urls: [server.url], index: 'i', id: '${! this.n }', action: 'index' },
    })
    await assert.rejects(
      sender.send('{"n":1}', '{\n  "n": "bad"\n}', '{\n  "n": 3\n}'),
      /document_parsing_exception: failed to parse field \[n\]/,
    )
    await sender.close()
    await server.close()
    assert.deepEqual(server.documents, [
      { id: '1', text: '{"n":1}' },
      { id: '3', text: '{   "n": 3 }' },
    ])
  })

  test(`${name}: an action that there is not, and a document to delete that is missing, are errors of the message`, async () => {
    const server = await new BulkServer().listen()
    const sender = await Sender.start({
      [name]: { urls: [server.url], index: 'i', id: 'x', action: '${! content() }' },
    })
    await assert.rejects(sender.send('destroy'), /action 'destroy' is not allowed/)
    await assert.rejects(sender.send('delete'), /status 404: unknown error/)
    await sender.close()
    await server.close()
  })

  test(`${name}: a server that is overloaded for a moment is asked again`, async () => {
    const server = await new BulkServer().listen()
    server.statuses.push(503, 502)
    const sender = await Sender.start({ [name]: { urls: [server.url], index: 'i', id: 'x', action: 'index' } })
    await sender.send('{"n":1}')
    server.statuses.push(401)
    await assert.rejects(sender.send('{"n":2}'), /status 401: not now/)
    await sender.close()
    await server.close()
    assert.equal(server.documents.length, 1)
  })
}

test('elasticsearch_v2: a request is not sent again when max_elapsed_time would be over', async context => {
  const server = await new BulkServer().listen()
  context.after(() => server.close())
  const config = { urls: [server.url], index: 'i', id: 'x', max_retries: 5 }
  const send = async (backoff: Readonly<Record<string, string>>) => {
    const before = server.requests.length
    const sender = await Sender.start({ elasticsearch_v2: { ...config, backoff } })
    server.statuses.push(503, 503, 503)
    const outcome = await Promise.allSettled([sender.send('{"n":1}')])
    await sender.close()
    server.statuses.length = 0
    const bulk = server.requests.slice(before).filter(({ path }) => path === 'POST /_bulk')
    return [outcome[0].status, bulk.length]
  }
  assert.deepEqual(await send({ initial_interval: '1h', max_interval: '1h', max_elapsed_time: '1m' }), ['rejected', 1])
  assert.deepEqual(await send({ initial_interval: '1ms', max_elapsed_time: '0s' }), ['fulfilled', 4])
})

test('elasticsearch_v2: changes, a pipeline, a key and compression are sent as they are configured', async () => {
  const server = await new BulkServer().listen()
  const sender = await Sender.start({
    elasticsearch_v2: {
      urls: [server.url],
      index: 'i',
      id: 'x',
      action: 'upsert',
      pipeline: 'p 1',
      api_key: 'secret',
      compress_request_body: true,
    },
  })
  await sender.send('{"n":1}')
  await sender.close()
  await server.close()
  assert.deepEqual(server.requests.at(-1), { path: 'POST /_bulk?pipeline=p%201', authorization: 'APIKey secret' })
  assert.deepEqual(server.documents, [{ id: 'x', text: '{"doc":{"n":1},"doc_as_upsert":true}' }])
})
