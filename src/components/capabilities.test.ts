// Tries every component and every mapping function that accesses anything outside a stream, without any grants.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { type Capability, type Log, messageOf, systemClock } from '../base/index.ts'
import type { Host, Value } from '../bloblang/index.ts'
import { inertHost } from '../bloblang/inert-host.ts'
import { FUNCTIONS, METHODS } from '../bloblang/stdlib/registry.gen.ts'
import type { FunctionSpec, MethodSpec } from '../bloblang/stdlib/spec.ts'
import { createLinter } from '../control/index.ts'
import {
  capabilitiesOf,
  type ComponentHost,
  type ComponentKind,
  loadConfig,
  makeLog,
  MetricsService,
  openTracer,
  parseStream,
  severityOf,
  startStream,
} from '../engine/index.ts'
import { fileImporter, grantedHost, guardSockets } from '../host/index.ts'
import { createRegistry } from './index.ts'
import { portOf } from '../../test/servers/ports.ts'

const registry = createRegistry()
await registry.loadAll()

// What must be neither read nor changed: a file, a database, a variable, a server of ours; and what must not appear.
const folder = mkdtempSync(join(tmpdir(), 'penstock-capabilities-'))
after(() => rmSync(folder, { recursive: true }))
const secretFile = join(folder, 'secret.txt')
const secretDatabase = join(folder, 'secret.db')
const marker = join(folder, 'marker')
writeFileSync(secretFile, 'canary')
const database = new DatabaseSync(secretDatabase)
database.exec("CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('canary')")
database.close()
const before = readFileSync(secretDatabase)
process.env['PENSTOCK_CANARY'] = 'canary'
let connections = 0
const own = createServer((_, response) => response.end('"canary"')).on('connection', () => connections++)
await once(own.listen(0, '127.0.0.1'), 'listening')
after(() => own.close())
const ownPort = portOf(own)
const idle = createServer()
await once(idle.listen(0, '127.0.0.1'), 'listening')
const freePort = portOf(idle)
idle.close()

const policy = { grants: [], ownPorts: [ownPort] }
const host = grantedHost(policy)
guardSockets(policy, host, () => false)
const check = createLinter({ registry, host, importer: fileImporter(folder, host) })

const lint = async (yaml: string) => (await check(yaml)).findings

type Body = Readonly<Record<string, unknown>>

const url = 'http://example.invalid'
const ownUrl = `http://localhost:${ownPort}/`
const tls = { tls: { enabled: true, root_cas_file: secretFile } }
const http = { files: { url, retries: 0, ...tls }, network: { url: ownUrl, retries: 0 } }
const kafka = (more: Body) => ({
  // The broker is refused first: a client without a broker would wait for one. What the login reads is in msk-token.test.ts.
  environment: { seed_brokers: [`127.0.0.1:${ownPort}`], ...more, sasl: [{ mechanism: 'AWS_MSK_IAM' }] },
  files: { seed_brokers: ['127.0.0.1:1'], ...more, ...tls },
  network: { seed_brokers: [`127.0.0.1:${ownPort}`], ...more },
})
const sarama = (more: Body) => ({
  environment: { addresses: [`127.0.0.1:${ownPort}`], ...more, sasl: { mechanism: 'AWS_MSK_IAM' } },
  files: { addresses: ['127.0.0.1:1'], ...more, ...tls },
  network: { addresses: [`127.0.0.1:${ownPort}`], ...more },
})
const redis = (more: Body) => ({
  files: { url: 'redis://127.0.0.1:1', ...more, ...tls },
  network: { url: `redis://127.0.0.1:${ownPort}`, ...more },
})
const redisProcessor = (more: Body) => redis({ retries: 0, retry_period: '1ms', args_mapping: 'root = []', ...more })
const mqtt = (more: Body) => ({
  files: { urls: ['tcp://127.0.0.1:1'], ...more, ...tls },
  network: { urls: [`tcp://127.0.0.1:${ownPort}`], ...more },
})
const amqp = (more: Body) => ({
  files: { urls: ['amqp://127.0.0.1:1'], ...more, ...tls },
  network: { urls: [`amqp://127.0.0.1:${ownPort}`], ...more },
})
const nats = (more: Body) => ({
  files: { urls: ['nats://127.0.0.1:1'], ...more, ...tls },
  network: { urls: [`nats://127.0.0.1:${ownPort}`], ...more },
})
const sql = (more: Body) => ({
  database_files: { driver: 'sqlite', dsn: `file:${secretDatabase}`, ...more },
  files: { driver: 'sqlite', dsn: ':memory:', init_files: [secretFile], ...more },
  network: { driver: 'postgres', dsn: `postgres://127.0.0.1:${ownPort}/x`, ...more },
  environment: { driver: 'postgres', dsn: `postgres://127.0.0.1:${ownPort}/x`, iam_enabled: true, ...more },
})
const query = { query: 'SELECT a FROM t' }
const select = { table: 't', columns: ['a'] }
const insert = { table: 't', columns: ['a'], args_mapping: 'root = [ "x" ]' }
const mongo = (more: Body) => ({
  network: {
    url: `mongodb://127.0.0.1:${ownPort}/?serverSelectionTimeoutMS=500`,
    database: 'd',
    collection: 'c',
    ...more,
  },
  files: {
    url: `mongodb://example.invalid/?tls=true&tlsCAFile=${secretFile}`,
    database: 'd',
    collection: 'c',
    ...more,
  },
})
const search = {
  files: { urls: [url], index: 'i', id: 'x', action: 'index', ...tls },
  network: { urls: [ownUrl], index: 'i', id: 'x', action: 'index' },
}
const aws = (more: Body) => {
  const explicit = { region: 'us-east-1', credentials: { id: 'x', secret: 'y' } }
  return {
    environment: more,
    files: { ...more, region: 'us-east-1', credentials: { profile: 'x' } },
    network: { ...more, ...explicit, endpoint: ownUrl },
  }
}
const gcp = (more: Body) => ({
  environment: more,
  files: more,
  network: { ...more, endpoint: ownUrl },
})
const azureQueue = {
  environment: { storage_account: 'a', queue_name: 'q' },
  files: { storage_account: 'a', queue_name: 'q' },
  network: {
    storage_connection_string: `AccountName=a;AccountKey=eA==;QueueEndpoint=${ownUrl}a`,
    queue_name: 'q',
  },
}
const azureBlob = {
  environment: { storage_account: 'a', container: 'c' },
  files: { storage_account: 'a', container: 'c' },
  network: {
    storage_connection_string: `AccountName=a;AccountKey=eA==;BlobEndpoint=${ownUrl}a`,
    container: 'c',
  },
}
const sftp = (more: Body) => ({
  files: { address: '127.0.0.1:1', credentials: { username: 'x', private_key_file: secretFile }, ...more },
  network: { address: `127.0.0.1:${ownPort}`, credentials: { username: 'x', password: 'x' }, ...more },
})
const socket = {
  network: { network: 'tcp', address: `127.0.0.1:${ownPort}` },
  files: { network: 'unix', address: secretFile },
}
const webSocket = {
  network: { url: `ws://localhost:${ownPort}/` },
  files: { url: 'ws://example.invalid', ...tls },
}
const touch = { name: 'touch', args: [marker] }

/** Maps kind and name, then capability, to a configuration that tries to use it. */
const cases: Readonly<Record<string, Readonly<Partial<Record<Capability, Body>>>>> = {
  'input aws_kinesis': aws({ streams: ['s'], dynamodb: { table: 't' } }),
  'input aws_s3': aws({ bucket: 'b' }),
  'input aws_sqs': aws({ url: 'https://example.invalid/1/q' }),
  'input azure_queue_storage': azureQueue,
  'output azure_queue_storage': azureQueue,
  'input azure_blob_storage': azureBlob,
  'output azure_blob_storage': azureBlob,
  'input gcp_pubsub': gcp({ project: 'p', subscription: 's' }),
  'input gcp_cloud_storage': gcp({ bucket: 'b' }),
  'output gcp_cloud_storage': gcp({ bucket: 'b' }),
  'cache gcp_cloud_storage': gcp({ bucket: 'b' }),
  'output gcp_bigquery': gcp({ project: 'p', dataset: 'd', table: 't' }),
  'output gcp_pubsub': gcp({ project: 'p', topic: 't', publish_timeout: '300ms' }),
  'output aws_dynamodb': aws({ table: 't', string_columns: { id: 'x' } }),
  'cache aws_dynamodb': aws({
    table: 't',
    hash_key: 'k',
    data_key: 'v',
    retries: { initial_interval: '1ms', max_elapsed_time: '1ms' },
  }),
  'processor aws_dynamodb_partiql': aws({ query: 'SELECT * FROM t' }),
  'processor aws_lambda': aws({ function: 'f', retries: 0 }),
  'output aws_kinesis': aws({ stream: 's', partition_key: 'x' }),
  'output aws_kinesis_firehose': aws({ stream: 's' }),
  'output aws_sns': aws({ topic_arn: 'arn:aws:sns:us-east-1:1:t' }),
  'output aws_sqs': aws({ url: 'https://example.invalid/1/q' }),
  'output aws_s3': aws({ bucket: 'b' }),
  'output aws_s3_stream': aws({ bucket: 'b', path: 'x' }),
  'processor aws_s3': aws({ bucket: 'b', key: 'x' }),
  'cache aws_s3': aws({ bucket: 'b', retries: { initial_interval: '1ms', max_elapsed_time: '1ms' } }),
  'input csv': { files: { paths: [secretFile] } },
  'input file': { files: { paths: [secretFile] } },
  'input file_tail': { files: { path: secretFile } },
  'input http_client': http,
  'input http_server': {
    listen: { address: `127.0.0.1:${freePort}` },
    files: { address: `127.0.0.1:${freePort}`, cert_file: secretFile, key_file: secretFile },
  },
  'input kafka': sarama({ topics: ['x:0'] }),
  'input kafka_franz': kafka({ topics: ['x'] }),
  'input amqp_0_9': amqp({ queue: 'x' }),
  'input amqp_1': amqp({ source_address: 'x' }),
  'input beanstalkd': { network: { address: `127.0.0.1:${ownPort}` } },
  'input mqtt': mqtt({ topics: ['x'] }),
  'input nats': nats({ subject: 'x' }),
  'input nats_jetstream': nats({ subject: 'x' }),
  'input nats_kv': nats({ bucket: 'x' }),
  'input redis_list': redis({ key: 'x' }),
  'input redis_pubsub': redis({ channels: ['x'] }),
  'input redis_scan': redis({}),
  'input redis_streams': redis({ streams: ['x'] }),
  'input mongodb': mongo({ query: 'root = {}' }),
  'input parquet': { files: { paths: [secretFile] } },
  'input sftp': sftp({ paths: ['/x'] }),
  'input socket': socket,
  'input socket_server': {
    listen: { network: 'tcp', address: `127.0.0.1:${freePort}` },
    files: {
      network: 'tls',
      address: `127.0.0.1:${freePort}`,
      tls: { cert_file: secretFile, key_file: secretFile },
    },
  },
  'input sql_raw': sql(query),
  'input sql_select': sql(select),
  'input stdin': { stdio: {} },
  'input subprocess': { processes: touch },
  'input websocket': webSocket,
  'output slack_webhook': { files: { webhook: url, ...tls }, network: { webhook: ownUrl } },
  'output splunk_hec': { network: { url: ownUrl, token: 'x', batching_count: 1 } },
  'output file': { files: { path: marker } },
  'output http_client': http,
  'output http_server': {
    listen: { address: `127.0.0.1:${freePort}` },
    files: { address: `127.0.0.1:${freePort}`, cert_file: secretFile, key_file: secretFile },
  },
  'output kafka': sarama({ topic: 'x', backoff: { max_elapsed_time: '1ms' } }),
  'output kafka_franz': kafka({ topic: 'x' }),
  'output amqp_0_9': amqp({ exchange: 'x' }),
  'output amqp_1': amqp({ target_address: 'x' }),
  'output beanstalkd': { network: { address: `127.0.0.1:${ownPort}` } },
  'output mqtt': mqtt({ topic: 'x' }),
  'output nats': nats({ subject: 'x' }),
  'output nats_jetstream': nats({ subject: 'x' }),
  'output nats_kv': nats({ bucket: 'x', key: 'x' }),
  'output redis_hash': redis({ key: 'x', walk_metadata: true }),
  'output redis_list': redis({ key: 'x' }),
  'output redis_pubsub': redis({ channel: 'x' }),
  'output redis_streams': redis({ stream: 'x' }),
  'output websocket': webSocket,
  'output elasticsearch_v2': search,
  'output opensearch': { ...search, environment: { ...search.network, aws: { enabled: true } } },
  'output cassandra': {
    files: { addresses: ['127.0.0.1:1'], query: 'x', ...tls },
    network: { addresses: [`127.0.0.1:${ownPort}`], query: 'x' },
  },
  'output mongodb': mongo({ operation: 'insert-one', document_map: 'root = {}' }),
  'output sftp': sftp({ path: '/x' }),
  'output socket': socket,
  'output sql_insert': sql(insert),
  'output sql_raw': sql({ query: 'DELETE FROM t' }),
  'output stdout': { stdio: {} },
  'output subprocess': { processes: touch },
  'processor avro': {
    files: { operator: 'to_json', schema_path: `file://${secretFile}` },
    network: { operator: 'to_json', schema_path: ownUrl },
  },
  'processor command': { processes: { name: 'touch', args_mapping: `root = [ "${marker}" ]` } },
  'processor file': { files: { operation: 'write', path: marker } },
  'processor grok': { files: { expressions: ['%{X}'], pattern_paths: [secretFile] } },
  'processor http': http,
  'processor javascript': {
    files: { file: secretFile },
    network: { code: `bento.v0_fetch('${ownUrl}')` },
  },
  'processor json_schema': {
    files: { schema_path: `file://${secretFile}` },
    network: { schema_path: ownUrl },
  },
  'processor nats_kv': nats({ bucket: 'x', operation: 'get', key: 'x' }),
  'processor nats_request_reply': nats({ subject: 'x' }),
  'processor protobuf': {
    files: { operator: 'to_json', message: 'M', import_paths: [secretFile] },
    network: { operator: 'to_json', message: 'M', bsr: [{ module: 'm', url: ownUrl }] },
  },
  'processor redis': redisProcessor({ command: 'ping' }),
  'processor redis_script': redisProcessor({ script: 'return 1', keys_mapping: 'root = []' }),
  'processor mongodb': mongo({ document_map: 'root = {}' }),
  'processor schema_registry_decode': {
    files: { url, ...tls },
    network: { url: ownUrl },
  },
  'processor schema_registry_encode': {
    files: { url, subject: 's', ...tls },
    network: { url: ownUrl, subject: 's' },
  },
  'processor sql_insert': sql(insert),
  'processor sql_raw': sql(query),
  'processor sql_select': sql({ ...select, args_mapping: 'root = []' }),
  'processor subprocess': { processes: touch },
  'processor wasm': { files: { module_path: secretFile } },
  'processor template': {
    files: { text: secretFile, from_file: true },
    environment: { text: '{{ env "PENSTOCK_CANARY" }}' },
  },
  'cache file': { files: { directory: folder } },
  'cache memcached': {
    network: {
      addresses: [`127.0.0.1:${ownPort}`],
      retries: { initial_interval: '1ms', max_elapsed_time: '1ms' },
    },
  },
  'cache nats_kv': nats({ bucket: 'x' }),
  'cache redis': redis({ retries: { initial_interval: '1ms', max_elapsed_time: '1ms' } }),
  'cache mongodb': mongo({ key_field: '_id', value_field: 'v' }),
  'cache sql': sql({ table: 't', key_column: 'a', value_column: 'a' }),
  'metrics aws_cloudwatch': aws({}),
  'metrics influxdb': { files: { url, db: 'x', ...tls }, network: { url: ownUrl, db: 'x' } },
  'metrics prometheus': { files: { file_output_path: marker }, network: { push_url: ownUrl } },
  'metrics statsd': { network: { address: `127.0.0.1:${ownPort}` } },
  'tracer gcp_cloudtrace': gcp({ project: 'p' }),
  'tracer jaeger': { network: { collector_url: `${ownUrl}api/traces` } },
  'tracer open_telemetry_collector': {
    network: { http: [{ address: `localhost:${ownPort}` }], grpc: [] },
  },
  'rate_limit redis': redis({ key: 'x' }),
  'buffer sqlite': { database_files: { path: secretDatabase } },
}

const kinds = ['input', 'output', 'processor', 'cache', 'buffer', 'rate_limit', 'scanner', 'metrics', 'tracer'] as const

test('every component that declares a capability is tried below', () => {
  const declared = kinds.flatMap(kind =>
    registry.names(kind).flatMap(name => {
      const spec = registry.implements(kind, name) ? registry.get(kind, name)! : undefined
      return spec === undefined ? [] : [...capabilitiesOf(spec)].map(capability => `${kind} ${name}: ${capability}`)
    }),
  )
  const tried = Object.entries(cases).flatMap(([name, tries]) => Object.keys(tries).map(each => `${name}: ${each}`))
  assert.deepEqual(tried.toSorted(), declared.toSorted())
})

for (const [component, tries] of Object.entries(cases)) {
  // The keys of the cases consist of a kind and a name.
  const [kind, name] = component.split(' ') as [ComponentKind, string]
  for (const [capability, body] of Object.entries(tries)) {
    const text = JSON.stringify(configWith(kind, name, body), null, 2)

    test(`${component} is refused ${capability} when it is saved, at its place`, async () => {
      const findings = (await lint(text)).filter(({ message }) => message.includes('managed pipelines may not'))
      assert.notEqual(findings.length, 0)
      for (const { line, column, level, message } of findings) {
        assert.equal(level, 'error')
        assert.match(message, /\(the agent's flag -pipelinesGrant \S+ allows it\)$/)
        assert.match(text.split('\n')[line - 1]!.slice(column - 1), /^["{]/)
      }
    })

    test(`${component} is refused ${capability} when the stream starts`, async () => {
      const { refused } = await run(text, host)
      assert.match(refused, /managed pipelines may not/)
      await untouched()
    })

    test(`${component} cannot use ${capability}, had it started`, async () => {
      const { refused, log } = await run(text, Object.create(host, { refusal: { value: undefined } }))
      // A variable that is not granted appears as unset.
      if (capability !== 'environment') assert.match(refused, /managed pipelines may not/)
      assert.doesNotMatch(log.join('\n'), /canary/)
      await untouched()
    })
  }
}

test('standard input and output as defaults are refused when the configuration is saved', async () => {
  const generate = { generate: { mapping: 'root = 1' } }
  for (const config of [
    { output: { drop: {} } },
    { input: generate },
    { input: { stdin: {} }, output: { stdout: {} } },
  ]) {
    const findings = await lint(JSON.stringify(config))
    assert.match(findings[0]?.message ?? '', /managed pipelines may not use standard input and output/)
  }
})

/** Maps a function or method to mappings that try to use what it needs. */
const geoip = (name: string) => [`root = "1.1.1.1".${name}("${secretFile}")`, `root = "1.1.1.1".${name}(this.path)`]
const mappings: Readonly<Record<string, readonly string[]>> = {
  env: [
    'root = env("PENSTOCK_CANARY")',
    'root = env(this.name)',
    'root = env("PENSTOCK_CANARY", true)',
    'root = env("PENSTOCK_CANARY").catch("")',
    'let f = env(name: "PENSTOCK_CANARY")',
  ],
  file: [`root = file("${secretFile}")`, 'root = file(this.path)', `root = file("${secretFile}", true).catch("")`],
  file_rel: [`root = file_rel("${secretFile}")`, 'root = file_rel(this.path)'],
  file_rel_json: [`root = file_rel_json("${secretFile}")`, 'root = file_rel_json(this.path)'],
  ...Object.fromEntries(
    ['anonymous_ip', 'asn', 'city', 'connection_type', 'country', 'domain', 'enterprise', 'isp'].map(kind => [
      `geoip_${kind}`,
      geoip(`geoip_${kind}`),
    ]),
  ),
}

test('every function and method that declares a capability is tried below', () => {
  const declared = [...FUNCTIONS, ...METHODS].filter(([, { needs }]) => needs !== undefined).map(([name]) => name)
  assert.deepEqual(declared.toSorted(), Object.keys(mappings).toSorted())
})

test('every function and method that reads files or variables declares it', () => {
  const reading = new Set<string>()
  for (const [name, spec] of [...FUNCTIONS, ...METHODS]) {
    const recording: Host = {
      ...inertHost,
      env: () => void reading.add(name),
      readFile: () => (reading.add(name), new Uint8Array()),
      readRelativeFile: () => (reading.add(name), new Uint8Array()),
    }
    tryOut(spec, recording)
  }
  assert.deepEqual([...reading].toSorted(), Object.keys(mappings).toSorted())
})

for (const [name, texts] of Object.entries(mappings)) {
  test(`${name} is refused in mappings and interpolations, and reads nothing`, async () => {
    for (const mapping of texts) {
      const config = configWith('processor', 'mapping', mapping)
      assert.match((await lint(JSON.stringify(config)))[0]?.message ?? '', /managed pipelines may not/, mapping)
      const { refused } = await run(JSON.stringify(config), host)
      assert.match(refused, /managed pipelines may not/, mapping)
      const ungoverned: ComponentHost = Object.create(host, { refusal: { value: undefined } })
      const { log } = await run(JSON.stringify(config), ungoverned, /./)
      assert.doesNotMatch(log.join('\n'), /canary/, mapping)
    }
    const query = texts[0]!.replace(/^root = /, '')
    const headers = configWith('processor', 'http', { url, headers: { x: `\${! ${query} }` } })
    assert.match((await lint(JSON.stringify(headers)))[0]?.message ?? '', /managed pipelines may not/)
  })
}

test('imports of mappings read nothing', async () => {
  for (const mapping of [`import "${secretFile}"`, `from "${secretFile}"`]) {
    const findings = await lint(JSON.stringify(configWith('processor', 'mapping', mapping)))
    assert.match(findings[0]?.message ?? '', /managed pipelines may not use the file/)
  }
})

test('an environment variable is refused where it is referenced, and is not substituted', async () => {
  const text = 'input:\n  generate:\n    mapping: root = "${PENSTOCK_CANARY}"\noutput:\n  drop: {}\n'
  const [finding, ...others] = await lint(text)
  assert.match(finding?.message ?? '', /read the environment variable PENSTOCK_CANARY .*env=PENSTOCK_CANARY/)
  assert.deepEqual([finding?.line, finding?.column, others], [3, 22, []])
})

test('a variable that is not granted is replaced by its default', async () => {
  const text = 'input:\n  generate:\n    mapping: root = "${PENSTOCK_CANARY:x}"\noutput:\n  drop: {}\n'
  assert.deepEqual(await lint(text), [])
})

test('a comment that disables the check does not grant capabilities', async () => {
  for (const input of [`file:\n    paths: [ ${secretFile} ]`, `generate:\n    mapping: root = file("${secretFile}")`]) {
    const [finding] = await lint(`# BENTO LINT DISABLE\ninput:\n  ${input}\noutput:\n  drop: {}\n`)
    assert.match(finding?.message ?? '', /managed pipelines may not use the file/)
  }
})

function configWith(kind: ComponentKind, name: string, body: unknown): Record<string, unknown> {
  const config: Record<string, unknown> = {
    input: {
      generate: { mapping: `root.path = "${secretFile}"\nroot.name = "PENSTOCK_CANARY"`, count: 1, interval: '' },
    },
    output: { drop: {} },
  }
  const processors = (...list: readonly unknown[]) => ({
    processors: [...list, { log: { message: '${! content() }' } }],
  })
  switch (kind) {
    case 'processor': {
      // It requests the schema whose id a message begins with.
      const framed = name === 'schema_registry_decode' ? [{ mapping: 'root = "AAAAAAE=".decode("base64")' }] : []
      return { ...config, pipeline: processors(...framed, { [name]: body }) }
    }
    case 'cache': {
      const get = { cache: { resource: 'c', operator: 'get', key: 'secret.txt' } }
      return { ...config, pipeline: processors(get), cache_resources: [{ label: 'c', [name]: body }] }
    }
    case 'rate_limit': {
      const wait = { rate_limit: { resource: 'r' } }
      return { ...config, pipeline: processors(wait), rate_limit_resources: [{ label: 'r', [name]: body }] }
    }
    default:
      return { ...config, pipeline: processors(), [kind]: { [name]: body } }
  }
}

/**
 * Runs a stream until it ends, fails to start, or logs a refusal, and stops it. Returns what refused it: the error or
 * the log line.
 */
async function run(
  text: string,
  ungoverned: ComponentHost,
  awaited = /managed pipelines may not/,
): Promise<{ refused: string; log: readonly string[] }> {
  const lines: string[] = []
  let refused = ''
  const heard = Promise.withResolvers<void>()
  const log = makeLog(severityOf('ALL'), {}, (_level, message, fields) => {
    const line = `${message} ${JSON.stringify(fields)}`
    lines.push(line)
    if (refused === '' && awaited.test(line)) {
      refused = line
      heard.resolve()
    }
  })
  try {
    await sendTelemetry(text, ungoverned, log)
    const stream = await startStream(text, { registry, host: ungoverned, clock: systemClock, log })
    await Promise.race([stream.done, heard.promise])
    await stream.stop(200)
  } catch (error) {
    refused ||= messageOf(error)
    lines.push(messageOf(error))
  }
  return { refused, log: lines }
}

/**
 * Opens and uses the exporter and the tracer of a configuration. Managed pipelines have none of their own, so only
 * other programs get this far.
 */
async function sendTelemetry(text: string, ungoverned: ComponentHost, log: Log): Promise<void> {
  const options = { registry, host: ungoverned }
  const { metrics, tracer } = parseStream(await loadConfig(text, registry), options)
  const service = await MetricsService.open(metrics, { ...options, log, clock: systemClock, processFigures: undefined })
  service.metrics.counter('x').add(1)
  await service.close()
  const tracing = await openTracer(tracer, { log, clock: systemClock, host: ungoverned, version: 'x' })
  tracing?.start('x').end()
  await tracing?.close()
}

async function untouched(): Promise<void> {
  assert.deepEqual(readdirSync(folder).toSorted(), ['secret.db', 'secret.txt'])
  assert.equal(readFileSync(secretFile, 'utf8'), 'canary')
  assert.deepEqual(readFileSync(secretDatabase), before)
  assert.equal(connections, 0)
  await assert.rejects(once(connect(freePort, '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' })
}

/** Creates and calls a function or method with some value for each of its parameters, ignoring the outcome. */
function tryOut(spec: FunctionSpec | MethodSpec, recording: Host): void {
  const examples: Readonly<Record<string, Value>> = {
    string: 'x',
    integer: 1n,
    float: 1,
    bool: true,
    object: {},
    array: [],
  }
  const args = spec.params.map(({ type }) => examples[type] ?? 'x')
  const call = { batch: [], index: 0, context: null, variables: new Map() }
  for (const target of ['1.1.1.1', '{}', 'x']) {
    try {
      // Functions and methods take different arguments, which are given below.
      const body = spec.create(args, recording) as (...all: unknown[]) => unknown
      if (FUNCTIONS.get(spec.name) === spec) body(call)
      else body(target, call)
    } catch {
      continue // most of them expect other arguments, which does not matter here
    }
  }
}
