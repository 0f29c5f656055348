// The libraries that connectors load when they connect, as they are in the program that people run: bundled.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { program } from './support.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-sdks-'))
after(() => rmSync(folder, { recursive: true }))

/** Nothing listens on port 1, so that each says so as soon as its library works. */
const outputs: Readonly<Record<string, string>> = {
  amqp_0_9: 'urls: [ "amqp://127.0.0.1:1" ], exchange: x',
  aws_sqs: 'url: "http://127.0.0.1:1/x", region: x, credentials: { id: x, secret: x }, max_retries: 1',
  gcp_pubsub: 'project: x, topic: x, endpoint: "127.0.0.1:1"',
  mongodb:
    'url: "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200", database: x, collection: x, operation: insert-one, document_map: root = this',
  mqtt: 'urls: [ "tcp://127.0.0.1:1" ], topic: x',
  nats: 'urls: [ "nats://127.0.0.1:1" ], subject: x',
  nats_jetstream: 'urls: [ "nats://127.0.0.1:1" ], subject: x',
  nats_kv: 'urls: [ "nats://127.0.0.1:1" ], bucket: x, key: x',
  redis_list: 'url: "redis://127.0.0.1:1", key: x',
}

const generate = 'http: { enabled: false }\ninput: { generate: { count: 1, interval: "", mapping: root.a = 1 } }\n'

for (const [name, fields] of Object.entries(outputs)) {
  test(`the library of ${name} works in the bundle`, async () => {
    const line = await firstFailure(name, `${generate}output: { ${name}: { ${fields} } }\n`)
    assert.doesNotMatch(line, /not a (function|constructor)|undefined|read only|Cannot/)
  })
}

for (const tracer of [
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

/** What a program logs until something is in it. */
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
