// The built program loads the libraries of connectors: what works from the sources may fail in the bundle, where a
// library finds neither its own folder nor its compiled parts.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { freePort } from '../servers/ports.ts'

const program = join(import.meta.dirname, '../../bin/penstock')
const folder = mkdtempSync(join(tmpdir(), 'penstock-libraries-'))
after(() => rmSync(folder, { recursive: true }))

/** Inputs whose library has to open a connection to the port, on which nothing listens. */
const inputs: Readonly<Record<string, (port: number) => string>> = {
  amqp_0_9: port => `{ urls: [ 'amqp://127.0.0.1:${port}/' ], queue: q }`,
  amqp_1: port => `{ urls: [ 'amqp://127.0.0.1:${port}/' ], source_address: q }`,
  aws_sqs: port =>
    `{ url: 'http://127.0.0.1:${port}/q', region: r, endpoint: 'http://127.0.0.1:${port}', credentials: { id: a, secret: b } }`,
  gcp_pubsub: port => `{ project: p, subscription: s, endpoint: '127.0.0.1:${port}' }`,
  kafka: port => `{ addresses: [ '127.0.0.1:${port}' ], topics: [ t ], consumer_group: g }`,
  mongodb: port =>
    `{ url: 'mongodb://127.0.0.1:${port}/?serverSelectionTimeoutMS=500', database: d, collection: c, query: 'root = {}' }`,
  mqtt: port => `{ urls: [ 'tcp://127.0.0.1:${port}' ], topics: [ t ] }`,
  nats_jetstream: port => `{ urls: [ 'nats://127.0.0.1:${port}' ], subject: s }`,
  redis_list: port => `{ url: 'redis://127.0.0.1:${port}', key: k }`,
  sftp: port => `{ address: '127.0.0.1:${port}', paths: [ /in ], credentials: { username: a, password: b } }`,
  sql_raw: port => `{ driver: mysql, dsn: 'a:b@tcp(127.0.0.1:${port})/c', query: 'SELECT 1' }`,
}

for (const [name, configOf] of Object.entries(inputs)) {
  test(`the built program loads the library of ${name}`, async t => {
    const file = join(folder, `${name}.yaml`)
    const input = configOf(await freePort())
    writeFileSync(file, `http: { enabled: false }\ninput: { ${name}: ${input} }\noutput: { drop: {} }\n`)
    const run = spawn(program, ['run', file], { stdio: ['ignore', 'pipe', 'pipe'] })
    t.after(() => run.kill('SIGKILL'))
    let log = ''
    run.stderr.on('data', piece => (log += String(piece)))
    for await (const piece of run.stdout) {
      log += String(piece)
      if (/level=error .*\n/.test(log)) break
    }
    assert.match(log, /ECONNREFUSED|connection refused|Cannot connect to any broker/)
  })
}
