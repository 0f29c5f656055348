// The libraries that connectors load when they connect, as bundled in the built program.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createRegistry } from '../../src/components/index.ts'
import type { ComponentKind } from '../../src/engine/index.ts'
import { program } from './support.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-sdks-'))
after(() => rmSync(folder, { recursive: true }))

/** Nothing listens on port 1, so each fails with a connection error as soon as its library works. */
const aws = 'endpoint: "http://127.0.0.1:1", region: x, credentials: { id: x, secret: x }, max_retries: 1'
const outputs: Readonly<Record<string, string>> = {
  amqp_0_9: 'urls: [ "amqp://127.0.0.1:1" ], exchange: x',
  amqp_1: 'urls: [ "amqp://127.0.0.1:1" ], target_address: x',
  aws_dynamodb: `table: x, string_columns: { id: x }, ${aws}`,
  aws_kinesis: `stream: x, partition_key: x, ${aws}`,
  aws_kinesis_firehose: `stream: x, ${aws}`,
  aws_sns:
    'topic_arn: "arn:aws:sns:x:1:x", endpoint: "http://127.0.0.1:1", region: x, credentials: { id: x, secret: x }',
  aws_sqs: 'url: "http://127.0.0.1:1/x", region: x, credentials: { id: x, secret: x }, max_retries: 1',
  cassandra: 'addresses: [ "127.0.0.1:1" ], query: "INSERT INTO x.y (z) VALUES (1)"',
  gcp_pubsub: 'project: x, topic: x, endpoint: "127.0.0.1:1"',
  mongodb:
    'url: "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200", database: x, collection: x, operation: insert-one, document_map: root = this',
  kafka: 'addresses: [ "127.0.0.1:1" ], topic: x',
  mqtt: 'urls: [ "tcp://127.0.0.1:1" ], topic: x',
  nats: 'urls: [ "nats://127.0.0.1:1" ], subject: x',
  nats_jetstream: 'urls: [ "nats://127.0.0.1:1" ], subject: x',
  nats_kv: 'urls: [ "nats://127.0.0.1:1" ], bucket: x, key: x',
  redis_list: 'url: "redis://127.0.0.1:1", key: x',
  sftp: 'address: "127.0.0.1:1", path: x, credentials: { username: x, password: x }',
}

/** Inputs whose libraries no output needs. */
const inputs: Readonly<Record<string, string>> = {
  nats_jetstream: 'urls: [ "nats://127.0.0.1:1" ], subject: x',
}

/** Libraries of processors, metrics and servers, which no output or input needs. Tracers have a separate test. */
const others = [
  '@aws-sdk/client-cloudwatch',
  '@aws-sdk/client-lambda',
  '@jitl/quickjs-wasmfile-release-sync',
  'hyparquet',
  'hyparquet-writer',
  'selfsigned',
]

test('every library that components load is tested', async () => {
  const registry = createRegistry()
  await registry.loadAll()
  const requiredBy = (kind: ComponentKind, name: string) => registry.get(kind, name)?.requires ?? []
  const kinds = ['input', 'output', 'processor', 'cache', 'buffer', 'rate_limit', 'scanner', 'metrics'] as const
  const libraries = new Set(kinds.flatMap(kind => registry.names(kind).flatMap(name => requiredBy(kind, name))))
  const tried = new Set([
    ...Object.keys(outputs).flatMap(name => requiredBy('output', name)),
    ...Object.keys(inputs).flatMap(name => requiredBy('input', name)),
  ])
  const missing = [...libraries].filter(library => !tried.has(library))
  assert.deepEqual(missing.toSorted(), others)
})

const generate = 'http: { enabled: false }\ninput: { generate: { count: 1, interval: "", mapping: root.a = 1 } }\n'

for (const [name, fields] of Object.entries(outputs)) {
  test(`the library of ${name} works in the bundle`, async () => {
    const line = await firstFailure(name, `${generate}output: { ${name}: { ${fields} } }\n`)
    assert.match(line, /refused|no reachable|timed? ?out/i)
  })
}

for (const [name, fields] of Object.entries(inputs)) {
  test(`the library of the input ${name} works in the bundle`, async () => {
    const config = `http: { enabled: false }\ninput: { ${name}: { ${fields} } }\noutput: { drop: {} }\n`
    assert.match(await firstFailure(name, config), /refused/)
  })
}

for (const tracer of [
  'gcp_cloudtrace: { project: x, endpoint: "http://127.0.0.1:1" }',
  'jaeger: { agent_address: "127.0.0.1:1" }',
  'open_telemetry_collector: { grpc: [ { address: "127.0.0.1:1" } ], http: [ { address: "127.0.0.1:1" } ] }',
]) {
  test(`the tracer ${tracer.split(':')[0]} works in the bundle`, async () => {
    const log = await logOf(
      tracer.split(':')[0]!,
      `${generate}tracer: { ${tracer} }\noutput: { drop: {} }\n`,
      /terminated|level=error/,
    )
    assert.match(log, /terminated/)
    assert.doesNotMatch(log, /failed to init/)
  })
}

/** The first error that a stream logs. */
async function firstFailure(name: string, config: string): Promise<string> {
  const log = await logOf(name, config, /level=error.*\n/)
  return log.split('\n').find(line => line.startsWith('level=error'))!
}

/** A program's log, until it contains a match. */
async function logOf(name: string, config: string, until: RegExp): Promise<string> {
  const path = join(folder, `${name}.yaml`)
  writeFileSync(path, config)
  const child = spawn(program, ['run', path], { stdio: ['ignore', 'pipe', 'inherit'] })
  let log = ''
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('exit', () => (until.test(log) ? resolve() : reject(new Error(`it ended before: ${log}`))))
      child.stdout.on('data', chunk => {
        log += chunk
        if (until.test(log)) resolve()
      })
    })
  } finally {
    child.kill('SIGKILL')
  }
  return log
}
