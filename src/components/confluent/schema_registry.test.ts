import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { after, before, beforeEach, test } from 'node:test'
import type { Clock } from '../../base/index.ts'
import { Message } from '../../engine/index.ts'
import { processed } from '../processor.suite.ts'
import { SchemaCache } from './schema-cache.ts'
import { portOf } from '../../../test/servers/ports.ts'

// Recorded responses of Apicurio's registry to the requests of `schema_registry.integration.test.ts`, and schemas for
// further cases.
const record = (name: string, fields: readonly object[]) => JSON.stringify({ type: 'record', name, fields })
const answers: Record<string, object> = {
  '/subjects/avro/versions/latest': { id: 1, schema: record('n.s.R', [{ name: 'v', type: ['null', 'int'] }]) },
  '/subjects/odd/versions/latest': { id: 3, schemaType: 'XSD', schema: '<x/>' },
  '/subjects/a%2Fb/versions/latest': { id: 4, schema: '"string"' },
  '/subjects/union/versions/latest': {
    id: 5,
    schema: '["n.s.R","n.s.S"]',
    references: [
      { name: 'n.s.R', subject: 'avro', version: 1 },
      { name: 'n.s.S', subject: 's', version: 2 },
    ],
  },
  '/subjects/avro/versions/1': { id: 1, schema: record('n.s.R', [{ name: 'v', type: ['null', 'int'] }]) },
  '/subjects/s/versions/2': { id: 6, schema: record('n.s.S', [{ name: 'w', type: 'string' }]) },
  '/subjects/clash/versions/latest': {
    id: 7,
    schemaType: 'PROTOBUF',
    schema: 'syntax = "proto3"; import "a"; message M { string s = 1; }',
    references: [
      { name: 'a', subject: 'avro', version: 1 },
      { name: 'a', subject: 's', version: 2 },
    ],
  },
  '/subjects/json/versions/latest': {
    id: 8,
    schemaType: 'JSON',
    schema: '{"type":"object","properties":{"p":{"$ref":"person.json"}}}',
    references: [{ name: 'person.json', subject: 'person', version: 1 }],
  },
  '/subjects/person/versions/1': { id: 9, schemaType: 'JSON', schema: '{"type":"object","required":["name"]}' },
  '/schemas/ids/1': { schema: record('n.s.R', [{ name: 'v', type: ['null', 'int'] }]) },
  '/schemas/ids/2': { schema: record('my-na.me.R', [{ name: 'v', type: 'int' }]) },
}

let server: Server
let url = ''
let requests: {
  readonly path: string
  readonly authorization: string | undefined
  readonly accept: string | undefined
}[] = []
let failures = 0

before(async () => {
  server = createServer((request, response) => {
    const { authorization, accept } = request.headers
    requests.push({ path: request.url ?? '', authorization, accept })
    if (failures > 0) {
      failures--
      request.socket.destroy()
      return
    }
    const answer = answers[(request.url ?? '').replace(/^\/base/, '')]
    if (answer === undefined) response.writeHead(404).end('{"error_code":40403}')
    else if (request.url === '/base/subjects/avro/versions/latest' && authorization === 'Basic d3Jvbmc6') {
      response.writeHead(401).end('who are you?\n')
    } else response.end(JSON.stringify(answer))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const port = portOf(server)
  url = `http://127.0.0.1:${port}/base/`
})
beforeEach(() => {
  requests = []
  failures = 0
})
after(() => {
  server.closeAllConnections()
  server.close()
})

const encode = (subject: string, more: object = {}) =>
  JSON.stringify({ schema_registry_encode: { url, subject, ...more } })
const decode = (more: object = {}) => JSON.stringify({ schema_registry_decode: { url, ...more } })
const errorOf = async (config: string, input: string | Uint8Array) => {
  const [outcome] = await processed(config, [input])
  return outcome!.error
}

test('a schema is fetched once, below the path of the registry, and used for every message', async () => {
  const documents = Array.from({ length: 20 }, (_, v) => `{"v":{"int":${v}}}`)
  const encoded = await processed(
    encode('avro', { basic_auth: { enabled: true, username: 'u', password: 'p' } }),
    documents,
  )
  assert.deepEqual([...encoded[3]!.bytes], [0, 0, 0, 0, 1, 2, 6])
  assert.deepEqual(requests, [
    {
      path: '/base/subjects/avro/versions/latest',
      authorization: 'Basic dTpw',
      accept: 'application/vnd.schemaregistry.v1+json',
    },
  ])
  const decoded = await processed(
    decode(),
    encoded.map(({ bytes }) => bytes),
  )
  assert.deepEqual(
    decoded.map(({ text }) => text),
    documents,
  )
  assert.equal(requests.length, 2)
})

test('subjects are evaluated for each message, and may hold any characters', async () => {
  const messages = ['avro', 'a/b'].map(topic =>
    Message.fromText(topic === 'avro' ? '{"v":null}' : '"x"').withMeta('topic', topic),
  )
  const outcomes = await processed(encode('${! @topic }'), messages)
  assert.deepEqual(
    outcomes.map(({ bytes, error }) => [error, bytes[4]]),
    [
      [null, 1],
      [null, 4],
    ],
  )
  assert.equal(await errorOf(encode('${! throw("no") }'), '{}'), 'subject interpolation error: no')
})

test('a schema that is unknown or cannot be fetched fails its message', async () => {
  assert.equal(await errorOf(encode('none'), '{}'), "schema subject 'none' not found by registry")
  assert.equal(await errorOf(encode('odd'), '{}'), 'schema type XSD not supported')
  const wrong = { basic_auth: { enabled: true, username: 'wrong' } }
  assert.equal(
    await errorOf(encode('avro', wrong), '{}'),
    "request failed for schema subject 'avro': status code 401: who are you?",
  )
  failures = 2
  assert.equal(await errorOf(encode('avro'), '{"v":null}'), null)
  failures = 3
  assert.match((await errorOf(encode('avro'), '{"v":null}'))!, /^request failed for schema subject 'avro': /)
  assert.match((await errorOf(encode('avro'), '{"x":1}'))!, /cannot determine codec: "x"/)
  assert.equal(await errorOf(decode(), ''), 'message is empty')
  assert.equal(await errorOf(decode(), 'x'), 'serialization format version number 120 not supported')
  assert.equal(await errorOf(decode(), Buffer.from([0, 0])), 'message is too short for the id of a schema')
  assert.match((await errorOf(decode(), Buffer.from([0, 0, 0, 0, 1, 9])))!, /index ought to be between 0 and 1/)
  assert.match((await errorOf(encode('clash'), '{}'))!, /^duplicate reference 'a' version mismatch of 1 and 2/)
})

test('referenced schemas are resolved', async () => {
  const documents = ['{"n.s.R":{"v":{"int":1}}}', '{"n.s.S":{"w":"x"}}']
  const encoded = await processed(encode('union'), documents)
  assert.deepEqual(
    encoded.map(({ error }) => error),
    [null, null],
  )
  assert.deepEqual([...encoded[1]!.bytes], [0, 0, 0, 0, 5, 2, 2, 120])
  assert.equal(await errorOf(encode('json'), '{"p":{"name":"a"}}'), null)
  assert.match(
    (await errorOf(encode('json'), '{"p":{}}'))!,
    /^json message does not conform to schema: p.* name is required/,
  )
})

test('namespaces are sanitised when configured', async () => {
  const bytes = Buffer.from([0, 0, 0, 0, 2, 10])
  assert.match((await errorOf(decode(), bytes))!, /Record ought to have valid name/)
  const [outcome] = await processed(decode({ sanitize_namespace_names: true }), [bytes])
  assert.deepEqual([outcome!.text, outcome!.error], ['{"v":5}', null])
})

test('an expired schema stays in use while it is reloaded, and is evicted when unused', async () => {
  let nowMs = 0
  // Schemas live for minutes, which no test waits for.
  const clock: Clock = {
    now: () => nowMs,
    monotonic: () => nowMs,
    sleep: () => Promise.reject(new Error('nobody sleeps')),
  }
  const advance = (ms: number) => (nowMs += ms)
  const loads: string[] = []
  const problems: unknown[] = []
  let fails = false
  const cache = new SchemaCache({
    clock,
    refreshMs: 60_000,
    load: key => {
      loads.push(key)
      return fails ? Promise.reject(new Error('no')) : Promise.resolve(`${key}${loads.length}`)
    },
    onRefreshError: (key, error) => problems.push(key, error),
  })
  const [one, same] = await Promise.all([cache.get('k'), cache.get('k')])
  assert.deepEqual([one, same, loads.length], ['k1', 'k1', 1])
  advance(59_000)
  assert.equal(cache.get('k'), 'k1')
  advance(1000)
  assert.equal(cache.get('k'), 'k1')
  await Promise.resolve()
  await Promise.resolve()
  assert.equal(cache.get('k'), 'k2')
  fails = true
  advance(60_000)
  assert.equal(cache.get('k'), 'k2')
  await new Promise(setImmediate)
  assert.equal(cache.get('k'), 'k2')
  assert.deepEqual([problems.length, loads.length], [2, 3])
  advance(6000)
  assert.equal(cache.get('k'), 'k2')
  assert.equal(loads.length, 4)
  await new Promise(setImmediate)
  await assert.rejects(Promise.resolve(cache.get('other')), /no/)
  fails = false
  advance(700_000)
  assert.equal(await cache.get('other'), 'other6')
  assert.ok(cache.get('k') instanceof Promise)
})
