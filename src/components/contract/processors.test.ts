// Runs the contract suite on every processor that needs no external server.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { processorContract, type ProcessorHarness } from '../../engine/contract/processor.suite.ts'
import { rig } from './rig.suite.ts'
import { portOf } from '../../../test/servers/ports.ts'

const strict = "{ mapping: 'root = this' }"
const broken = 'no document'
const never = (why: string) => ({ never: why })
const unchanged = never('it takes any message')

const folder = mkdtempSync(join(tmpdir(), 'penstock-contract-'))
const proto = join(folder, 'm.proto')
writeFileSync(proto, 'syntax = "proto3"; message M { string id = 1; }')
const server = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk: Uint8Array) => (body += Buffer.from(chunk).toString()))
  // A schema registry with one schema.
  if (request.url?.includes('/schemas/') === true || request.url?.includes('/subjects/') === true) {
    response.end(JSON.stringify({ id: 1, schemaType: 'JSON', schema: '{"type":"object"}' }))
    return
  }
  request.on('end', () => response.writeHead(body === broken ? 400 : 200).end(`answer to ${body}`))
})
before(() => new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve)))
after(() => {
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true })
})

const texts = Array.from({ length: 6 }, (_, index) => `text m${index}`)
const cache = 'cache_resources: [ { label: c, memory: {} } ]'
const database = 'driver: sqlite, dsn: \':memory:\', init_statement: "CREATE TABLE t (id TEXT)"'

const harnesses: Readonly<Record<string, ProcessorHarness>> = {
  archive: { config: '{ archive: { format: json_array } }', failing: broken },
  avro: {
    config: `{ avro: { operator: from_json, schema: '{"type":"record","name":"M","fields":[{"name":"id","type":"string"}]}' } }`,
    failing: broken,
  },
  awk: { config: "{ awk: { codec: json, program: '{ print id }' } }", failing: broken },
  bloblang: { config: "{ bloblang: 'root = this' }", failing: broken },
  bounds_check: {
    config: '{ bounds_check: { max_part_size: 100 } }',
    failing: never('it drops what is out of bounds'),
  },
  branch: { config: `{ branch: { processors: [ ${strict} ], result_map: 'root.copy = this' } }`, failing: broken },
  cache: {
    config: "{ cache: { resource: c, operator: set, key: '${! this.id }', value: v } }",
    more: cache,
    failing: broken,
  },
  cached: {
    config: `{ cached: { cache: c, key: '\${! this.id }', processors: [ ${strict} ] } }`,
    more: cache,
    failing: broken,
  },
  catch: { config: `{ catch: [ ${strict} ] }`, failing: never('it takes flags away') },
  command: {
    config: '{ command: { name: \'${! if content() == "no document" { "false" } else { "cat" } }\' } }',
    failing: broken,
  },
  compress: { config: '{ compress: { algorithm: gzip } }', failing: unchanged },
  decompress: {
    config: '{ processors: [ { compress: { algorithm: gzip } }, { decompress: { algorithm: gzip } } ] }',
    failing: never('compressed here, as a body is text'),
  },
  dedupe: {
    config: "{ dedupe: { cache: c, key: '${! content() }' } }",
    more: cache,
    failing: never('it drops messages without a key'),
  },
  file: { config: `{ file: { operation: write, path: '${folder}/\${! this.id }.txt' } }`, failing: broken },
  for_each: { config: `{ for_each: [ ${strict} ] }`, failing: broken },
  grok: { config: "{ grok: { expressions: [ '%{WORD:kind} m%{INT:id:int}' ] } }", bodies: texts, failing: 'x' },
  group_by: {
    config: '{ group_by: [ { check: this.id == "m1", processors: [ { mapping: \'root = this\' } ] } ] }',
    failing: never('a check that fails counts as false'),
  },
  group_by_value: { config: "{ group_by_value: { value: '${! this.id }' } }", failing: broken },
  http: {
    get config() {
      return `{ http: { url: '${serverUrl()}', retries: 0 } }`
    },
    failing: broken,
  },
  insert_part: { config: '{ insert_part: { content: more } }', failing: unchanged },
  javascript: {
    config: "{ javascript: { code: 'bento.v0_msg_set_structured(bento.v0_msg_as_structured())' } }",
    failing: broken,
  },
  jmespath: { config: '{ jmespath: { query: id } }', failing: broken },
  jq: { config: '{ jq: { query: .id } }', failing: broken },
  json_schema: { config: '{ json_schema: { schema: \'{"type":"object"}\' } }', failing: '"m"' },
  log: { config: '{ log: { message: m } }', failing: unchanged },
  mapping: { config: strict, failing: broken },
  metric: { config: '{ metric: { type: counter, name: n } }', failing: unchanged },
  msgpack: { config: '{ msgpack: { operator: from_json } }', failing: broken },
  mutation: { config: "{ mutation: 'root.more = this.id' }", failing: broken },
  noop: { config: '{ noop: {} }', failing: unchanged },
  parallel: { config: `{ parallel: { processors: [ ${strict} ] } }`, failing: broken },
  parquet_decode: {
    config: '{ processors: [ { parquet_encode: { schema: [ { name: id, type: UTF8 } ] } }, { parquet_decode: {} } ] }',
    failing: never('encoded here, as a body is text'),
  },
  parquet_encode: {
    config: '{ parquet_encode: { schema: [ { name: id, type: UTF8 } ] } }',
    failing: broken,
  },
  parse_log: {
    config: '{ parse_log: { format: syslog_rfc5424, best_effort: false } }',
    bodies: Array.from({ length: 5 }, (_, index) => `<34>1 2003-10-11T22:14:15.003Z host su - ID47 - m${index}`),
    failing: 'x',
  },
  processors: { config: `{ processors: [ ${strict} ] }`, failing: broken },
  protobuf: {
    config: `{ protobuf: { operator: from_json, message: M, import_paths: [ '${proto}' ] } }`,
    failing: broken,
  },
  rate_limit: {
    config: '{ rate_limit: { resource: l } }',
    more: 'rate_limit_resources: [ { label: l, local: { count: 1000, interval: 1s } } ]',
    failing: unchanged,
  },
  resource: {
    config: '{ resource: p }',
    more: "processor_resources: [ { label: p, mapping: 'root = this' } ]",
    failing: broken,
  },
  retry: {
    config: `{ retry: { backoff: { initial_interval: 1ms, max_interval: 1ms }, max_retries: 2, processors: [ ${strict} ] } }`,
    failing: broken,
  },
  schema_registry_decode: {
    get config() {
      return `{ processors: [ { schema_registry_encode: { url: '${serverUrl()}', subject: s } }, { schema_registry_decode: { url: '${serverUrl()}' } } ] }`
    },
    failing: broken,
  },
  schema_registry_encode: {
    get config() {
      return `{ schema_registry_encode: { url: '${serverUrl()}', subject: s } }`
    },
    failing: broken,
  },
  select_parts: { config: '{ select_parts: { parts: [ 0 ] } }', failing: unchanged },
  sleep: { config: '{ sleep: { duration: 1ms } }', failing: unchanged },
  split: { config: '{ split: { size: 2 } }', failing: unchanged },
  sql_insert: {
    config: `{ sql_insert: { ${database}, table: t, columns: [ id ], args_mapping: 'root = [ this.id ]' } }`,
    failing: broken,
  },
  sql_raw: {
    config: `{ sql_raw: { ${database}, query: 'SELECT ? AS id', args_mapping: 'root = [ this.id ]' } }`,
    failing: broken,
  },
  sql_select: {
    config: `{ sql_select: { ${database}, table: t, columns: [ id ], where: id = ?, args_mapping: 'root = [ this.id ]' } }`,
    failing: broken,
  },
  subprocess: {
    config: '{ subprocess: { name: cat } }',
    bodies: texts,
    failing: never('the program answers every line'),
  },
  switch: { config: `{ switch: [ { check: this.id != "none", processors: [ ${strict} ] } ] }`, failing: broken },
  sync_response: { config: '{ sync_response: {} }', failing: unchanged },
  template: { config: "{ template: { text: '{{ .id }}' } }", failing: broken },
  try: { config: `{ try: [ ${strict}, ${strict} ] }`, failing: broken },
  unarchive: { config: '{ unarchive: { format: json_map } }', failing: broken },
  wasm: {
    config: `{ wasm: { module_path: '${join(import.meta.dirname, '../code/guests/louder.wasm')}', function: misbehave } }`,
    bodies: texts,
    failing: 'panic',
  },
  while: {
    config: `{ while: { at_least_once: true, max_loops: 1, check: 'true', processors: [ ${strict} ] } }`,
    failing: broken,
  },
  workflow: {
    config: `{ workflow: { meta_path: '', branches: { a: { processors: [ ${strict} ], result_map: 'root.a = this' } } } }`,
    failing: broken,
  },
  xml: {
    config: '{ xml: { operator: to_json } }',
    bodies: Array.from({ length: 5 }, (_, index) => `<a>m${index}</a>`),
    failing: '<a',
  },
}

function serverUrl(): string {
  const port = portOf(server)
  return `http://127.0.0.1:${port}`
}

for (const [name, harness] of Object.entries(harnesses)) processorContract(name, rig, harness)
