// The bulk outputs against a test server that stores documents as the public API documentation specifies.
import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { test } from 'node:test'
import { Sender } from '../../../test/connectors/streams.ts'
import { outputContract } from '../../engine/contract/output.suite.ts'
import { rig } from '../contract/rig.suite.ts'
import { BulkServer } from './bulk-server.suite.ts'

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

  test(`${name}: only the rejected documents of a batch fail, with the reason of the server`, async () => {
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
      { index: 'i', id: '1', text: '{"n":1}' },
      { index: 'i', id: '3', text: '{   "n": 3 }' },
    ])
  })

  test(`${name}: an unknown action and deleting a missing document fail the message`, async () => {
    const server = await new BulkServer().listen()
    const sender = await Sender.start({
      [name]: { urls: [server.url], index: 'i', id: 'x', action: '${! content() }' },
    })
    await assert.rejects(sender.send('destroy'), /action 'destroy' is not allowed/)
    await assert.rejects(sender.send('delete'), /status 404: unknown error/)
    await sender.close()
    await server.close()
  })

  test(`${name}: a request to a briefly overloaded server is retried`, async () => {
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

test('elasticsearch_v2: a request is not retried beyond max_elapsed_time', async context => {
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

test('elasticsearch_v2: documents go to the nodes that the cluster names, and to its new ones later', async () => {
  const [known, data, later] = await Promise.all([0, 1, 2].map(() => new BulkServer().listen()))
  const addressOf = (server?: BulkServer) => server!.url.replace('http://', '')
  const answer = (address: string, roles?: readonly string[]) => {
    const manager = { roles: ['master'], http: { publish_address: '127.0.0.1:9' } }
    return JSON.stringify({ nodes: { data: { roles, http: { publish_address: address } }, manager } })
  }
  known!.nodes = answer(addressOf(data))
  data!.nodes = answer(addressOf(later).replace('127.0.0.1', 'localhost/127.0.0.1'), ['data', 'master'])
  later!.nodes = 'not JSON'
  const sender = await Sender.start({
    elasticsearch_v2: {
      urls: [known!.url],
      index: 'i',
      id: '${! content() }',
      discover_nodes_on_start: true,
      discover_nodes_interval: '1ns',
    },
  })
  for (const text of ['1', '2']) await sender.send(text)
  await sender.close()
  const pathsOf = (server?: BulkServer) => server!.requests.map(({ path }) => path)
  assert.deepEqual(pathsOf(known), ['GET /', 'GET /_nodes/http'])
  assert.deepEqual(pathsOf(data), ['GET /_nodes/http'])
  // The nodes stay as they are when their answer cannot be read.
  assert.deepEqual(pathsOf(later), ['POST /_bulk', 'GET /_nodes/http', 'POST /_bulk'])
  for (const server of [known, data, later]) await server!.close()
})

test('elasticsearch_v2: updates, a pipeline, an API key and compression are sent as configured', async () => {
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
  const { path, authorization } = server.requests.at(-1)!
  assert.deepEqual({ path, authorization }, { path: 'POST /_bulk?pipeline=p%201', authorization: 'APIKey secret' })
  assert.deepEqual(server.documents, [{ index: 'i', id: 'x', text: '{"doc":{"n":1},"doc_as_upsert":true}' }])
})

test('opensearch: requests are signed for AWS by the key of the session', async () => {
  const server = await new BulkServer().listen()
  const aws = { enabled: true, region: 'eu-west-1', credentials: { id: 'AKID', secret: 'secret', token: 'session' } }
  const sender = await Sender.start({ opensearch: { urls: [server.url], index: 'i', id: 'x', action: 'index', aws } })
  await sender.send('{"n":1}')
  await sender.close()
  await server.close()
  const { authorization, headers, body } = server.requests.at(-1)!
  const time = String(headers['x-amz-date'])
  const day = time.slice(0, 8)
  const scope = `${day}/eu-west-1/es/aws4_request`
  const names = 'host;x-amz-content-sha256;x-amz-date;x-amz-security-token'
  // As AWS describes version 4 of its signatures.
  const hash = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')
  const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest()
  const canonical = [
    'POST',
    '/_bulk',
    '',
    ...names.split(';').map(name => `${name}:${String(headers[name])}`),
    '',
    names,
    hash(body),
  ].join('\n')
  const key = [day, 'eu-west-1', 'es', 'aws4_request'].reduce<string | Buffer>(hmac, 'AWS4secret')
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash(canonical)}`).toString('hex')
  assert.equal(headers['x-amz-security-token'], 'session')
  assert.equal(authorization, `AWS4-HMAC-SHA256 Credential=AKID/${scope},SignedHeaders=${names},Signature=${signature}`)
})
