// How outputs behave at a server that speaks another protocol: they report it, retry, and do not buffer without bound.
import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import process from 'node:process'
import { test } from 'node:test'
import { listen } from '../../test/servers/ports.ts'
import { Sender } from '../../test/connectors/streams.ts'
import { until } from '../engine/contract/rig.ts'
import { rig } from './contract/rig.suite.ts'

const aws = (port: number) => ({
  endpoint: `http://127.0.0.1:${port}`,
  region: 'x',
  credentials: { id: 'x', secret: 'x' },
})

const sql = (driver: string, dsn: string) => ({
  sql_insert: { driver, dsn, table: 't', columns: ['c'], args_mapping: 'root = [ 1 ]' },
})

/** With the account and the key of every emulator. */
const azure = (service: string, port: number) => ({
  storage_connection_string: [
    'DefaultEndpointsProtocol=http;AccountName=devstoreaccount1',
    'AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
    `${service}Endpoint=http://127.0.0.1:${port}/devstoreaccount1`,
  ].join(';'),
})

/** Outputs of each protocol, for a port. */
const outputs: Readonly<Record<string, (port: number) => Readonly<Record<string, unknown>>>> = {
  amqp_0_9: port => ({ amqp_0_9: { urls: [`amqp://127.0.0.1:${port}/`], exchange: 'x' } }),
  amqp_1: port => ({ amqp_1: { urls: [`amqp://127.0.0.1:${port}/`], target_address: 'x' } }),
  aws_sqs: port => ({ aws_sqs: { url: `http://127.0.0.1:${port}/1/x`, max_retries: 1, ...aws(port) } }),
  aws_s3: port => ({ aws_s3: { bucket: 'x', path: 'x', timeout: '2s', ...aws(port) } }),
  beanstalkd: port => ({ beanstalkd: { address: `127.0.0.1:${port}` } }),
  elasticsearch_v2: port => ({
    elasticsearch_v2: { urls: [`http://127.0.0.1:${port}`], index: 'x', action: 'index', id: 'x' },
  }),
  http_client: port => ({ http_client: { url: `http://127.0.0.1:${port}/`, verb: 'POST', retries: 0, timeout: '2s' } }),
  kafka_franz: port => ({ kafka_franz: { seed_brokers: [`127.0.0.1:${port}`], topic: 'x' } }),
  mongodb: port => ({
    mongodb: {
      url: `mongodb://127.0.0.1:${port}/?serverSelectionTimeoutMS=1000`,
      database: 'x',
      collection: 'x',
      operation: 'insert-one',
      document_map: 'root = {}',
    },
  }),
  mqtt: port => ({ mqtt: { urls: [`tcp://127.0.0.1:${port}`], topic: 'x', connect_timeout: '2s' } }),
  nats: port => ({ nats: { urls: [`nats://127.0.0.1:${port}`], subject: 'x' } }),
  redis_list: port => ({ redis_list: { url: `redis://127.0.0.1:${port}`, key: 'x' } }),
  sftp: port => ({
    sftp: { address: `127.0.0.1:${port}`, path: 'x', credentials: { username: 'x', password: 'x' } },
  }),
  'sql_insert, clickhouse': port => sql('clickhouse', `http://127.0.0.1:${port}/x`),
  'sql_insert, mssql': port => sql('mssql', `sqlserver://x@127.0.0.1:${port}?dial timeout=5`),
  'sql_insert, mysql': port => sql('mysql', `x@tcp(127.0.0.1:${port})/x`),
  'sql_insert, postgres': port => sql('postgres', `postgres://x@127.0.0.1:${port}/x?sslmode=disable`),
  'sql_insert, trino': port => sql('trino', `http://x@127.0.0.1:${port}`),
  websocket: port => ({ websocket: { url: `ws://127.0.0.1:${port}/` } }),
}

/** Those that speak HTTP, and read the body of a successful response. */
const overHttp: typeof outputs = {
  aws_kinesis: port => ({ aws_kinesis: { stream: 'x', partition_key: 'x', ...aws(port) } }),
  aws_s3: outputs['aws_s3']!,
  aws_sqs: outputs['aws_sqs']!,
  azure_blob_storage: port => ({ azure_blob_storage: { ...azure('Blob', port), container: 'x', path: 'x' } }),
  azure_queue_storage: port => ({ azure_queue_storage: { ...azure('Queue', port), queue_name: 'x' } }),
  elasticsearch_v2: outputs['elasticsearch_v2']!,
  gcp_cloud_storage: port => ({
    gcp_cloud_storage: { endpoint: `http://127.0.0.1:${port}`, bucket: 'x', path: 'x', timeout: '60s' },
  }),
  http_client: port => ({
    http_client: { url: `http://127.0.0.1:${port}/`, verb: 'POST', retries: 0, timeout: '200ms' },
  }),
}

const block = Buffer.alloc(65_536, 'A')

/** More than a client needs to recognise the problem; one that buffers everything receives it within seconds. */
const mostBytes = 300 * 2 ** 20

/**
 * Outputs whose libraries do buffer: those for Kafka and MongoDB take the first bytes for a message length, here a
 * gigabyte, and that for NATS searches for the end of the first line, all until the connection times out.
 */
const collecting = ['kafka_franz', 'mongodb', 'nats']

type Answer = (socket: Socket) => void

const answers: readonly (readonly [answer: string, act: Answer, outputs: typeof overHttp])[] = [
  ['closes the connection', socket => void socket.end(), outputs],
  [
    'answers half of something else',
    socket => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"half":'),
    outputs,
  ],
  [
    'answers without an end',
    socket => writeWithoutEnd(socket, block),
    Object.fromEntries(Object.entries(outputs).filter(([name]) => !collecting.includes(name))),
  ],
  [
    'answers with a body without an end',
    socket =>
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
        writeWithoutEnd(socket, Buffer.concat([Buffer.from('10000\r\n'), block, Buffer.from('\r\n')]))
      }),
    overHttp,
  ],
]

function writeWithoutEnd(socket: Socket, piece: Buffer): void {
  const more = () => {
    if (socket.destroyed) return
    if (socket.write(piece)) setImmediate(more)
    else socket.once('drain', more)
  }
  more()
}

for (const [answer, act, some] of answers) {
  for (const [name, output] of Object.entries(some)) {
    test(`${name}: a server that ${answer} is reported, and no message counts as sent`, {
      timeout: 120_000,
    }, async t => {
      const before = process.memoryUsage().rss
      const server = createServer(socket => {
        socket.on('error', () => undefined) // of a client that gave up
        act(socket)
      })
      t.after(() => server.close())
      const sender = await Sender.start(output(await listen(server)))
      let outcome = 'waiting'
      const sending = sender.send('x').then(
        () => (outcome = 'sent'),
        () => (outcome = 'refused'),
      )
      await until(rig, () => sender.log.length > 0, 'it is reported')
      assert.notEqual(outcome, 'sent')
      const grown = process.memoryUsage().rss - before
      assert.ok(grown < mostBytes, `${grown} bytes were collected`)
      await sender.close()
      await sending
    })
  }
}

/** Outputs with short time limits, and that for Kafka with 30 seconds. */
const patient = ['aws_s3', 'beanstalkd', 'http_client', 'kafka_franz', 'mongodb', 'mqtt', 'redis_list']

test('a server that answers nothing is reported, and no message counts as sent', { timeout: 240_000 }, async t => {
  const tried = patient.map(async name => {
    const sockets: Socket[] = []
    const server = createServer(socket => void sockets.push(socket.on('error', () => undefined)))
    t.after(() => server.close())
    const sender = await Sender.start(outputs[name]!(await listen(server)))
    let outcome = 'waiting'
    const sending = sender.send('x').then(
      () => (outcome = 'sent'),
      () => (outcome = 'refused'),
    )
    await until(rig, () => sender.log.length > 0, `${name}: it is reported`)
    assert.notEqual(outcome, 'sent', name)
    await sender.close()
    await sending
    for (const socket of sockets) socket.destroy()
  })
  await Promise.all(tried)
})
