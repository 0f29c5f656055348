import assert from 'node:assert/strict'
import process from 'node:process'
import { test } from 'node:test'
import { processed } from '../processor.suite.ts'

const url = process.env['PENSTOCK_TEST_SCHEMA_REGISTRY'] ?? ''
const skip = url === '' ? 'needs a schema registry: npm run test:connectors -- schema-registry' : false

interface Reference {
  readonly name: string
  readonly subject: string
  readonly version: number
}

async function register(subject: string, schemaType: string, schema: string, references: readonly Reference[] = []) {
  const response = await fetch(`${url}/subjects/${encodeURIComponent(subject)}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schemaType, schema, references }),
  })
  const answer = await response.text()
  assert.equal(response.status, 200, answer)
  return JSON.parse(answer).id
}

const encode = (subject: string, more: object = {}) => ({ schema_registry_encode: { url, subject, ...more } })
const decode = (more: object = {}) => ({ schema_registry_decode: { url, ...more } })

/** Encodes and decodes documents; returns the results and the bytes in between. */
async function thereAndBack(subject: string, documents: readonly string[], more: object = {}, own: object = {}) {
  const encoded = await processed(JSON.stringify(encode(subject, { ...more, ...own })), documents)
  for (const { error } of encoded) assert.equal(error, null)
  const decoded = await processed(
    JSON.stringify(decode(more)),
    encoded.map(({ bytes }) => bytes),
  )
  return { bytes: encoded.map(({ bytes }) => bytes), outcomes: decoded.map(({ text, error }) => error ?? text) }
}

const avro = JSON.stringify({
  type: 'record',
  name: 'Person',
  namespace: 'a.b',
  fields: [
    { name: 'name', type: 'string' },
    { name: 'age', type: ['null', 'int'], default: null },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' }, default: 0 },
  ],
})

test('Avro, in its own JSON and in plain JSON', { skip }, async () => {
  const id = await register('avro-value', 'AVRO', avro)
  const own = '{"name":"é","age":{"int":5},"at":1}'
  const { bytes, outcomes } = await thereAndBack('avro-value', [own, '{"name":"b"}'])
  assert.deepEqual(outcomes, [own, '{"name":"b","age":null,"at":0}'])
  assert.equal(Buffer.from(bytes[0]!).readUInt32BE(1), id)
  const plain = '{"name":"a","age":5,"at":1}'
  assert.deepEqual((await thereAndBack('avro-value', [plain], { avro_raw_json: true })).outcomes, [plain])
})

test('Avro that refers to other schemas', { skip }, async () => {
  await register('avro-ref', 'AVRO', avro)
  const root =
    '{"type":"record","name":"Pair","namespace":"c","fields":[{"name":"one","type":"a.b.Person"},{"name":"two","type":["null","a.b.Person"],"default":null}]}'
  await register('avro-pair', 'AVRO', root, [{ name: 'a.b.Person', subject: 'avro-ref', version: 1 }])
  const document = '{"one":{"name":"a","age":null,"at":0},"two":{"a.b.Person":{"name":"b","age":null,"at":0}}}'
  assert.deepEqual((await thereAndBack('avro-pair', [document], { avro_nested_schemas: true })).outcomes, [document])
})

test('Protocol Buffers with several messages and with what they import', { skip }, async () => {
  await register('proto-ref', 'PROTOBUF', 'syntax = "proto3"; package r; message Tag { string key = 1; }')
  const schema =
    'syntax = "proto3"; import "tag.proto"; message A { string a = 1; r.Tag tag = 2; } message B { int64 b = 1; message C { bool c = 1; } C c = 2; }'
  await register('proto-value', 'PROTOBUF', schema, [{ name: 'tag.proto', subject: 'proto-ref', version: 1 }])
  const documents = ['{"a":"x","tag":{"key":"k"}}', '{"b":"5","c":{"c":true}}', '{"a":"y"}']
  const { bytes, outcomes } = await thereAndBack('proto-value', documents)
  assert.deepEqual(outcomes, documents)
  assert.deepEqual([...bytes[0]!.subarray(5, 6)], [0])
  assert.deepEqual([...bytes[1]!.subarray(5, 7)], [2, 2])
})

test('JSON schemas check documents both ways', { skip }, async () => {
  await register('json-value', 'JSON', '{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}')
  assert.deepEqual((await thereAndBack('json-value', ['{"n":1}'])).outcomes, ['{"n":1}'])
  const [refused] = await processed(JSON.stringify(encode('json-value')), ['{"n":"x"}'])
  assert.match(refused!.error!, /^json message does not conform to schema: n invalid type/)
})

test('subjects and ids unknown to the registry', { skip }, async () => {
  const [unknown] = await processed(JSON.stringify(encode('nobody/knows')), ['{}'])
  assert.equal(unknown!.error, "schema subject 'nobody/knows' not found by registry")
  assert.equal(unknown!.text, '{}')
  const [lost] = await processed(JSON.stringify(decode()), [Buffer.from([0, 0, 0x7f, 0, 0, 1])])
  assert.equal(lost!.error, "schema '8323072' not found by registry")
})
