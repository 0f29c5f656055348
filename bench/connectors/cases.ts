// The measured cases, with the defaults of each component.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import amqp from 'amqplib'
import { Kafka, logLevel } from 'kafkajs'
import mqtt from 'mqtt'
import pg from 'pg'
import amqp09 from '../../test/connectors/amqp09.family.ts'
import type { Family } from '../../test/connectors/family.ts'
import nats from '../../test/connectors/nats.family.ts'
import redis from '../../test/connectors/redis.family.ts'
import sql from '../../test/connectors/sql.family.ts'
import { freePort } from '../../test/servers/ports.ts'
import { startS3Server } from '../../test/servers/s3-server.ts'
import { ServerProcess } from '../../test/servers/server-process.ts'

type Environment = Readonly<Record<string, string>>

/** The body of an input or an output. `id` names its own topic, queue … */
export type Stream = (id: string, environment: Environment) => Readonly<Record<string, unknown>>

export interface Case {
  readonly name: string
  readonly messages: number
  readonly start: Family['start']
  readonly output?: Stream
  readonly input?: Stream
  /** Creates what both programs expect to exist. */
  prepare?(id: string, environment: Environment): Promise<void>
}

const tableOf = (id: string) => id.replaceAll('-', '_')

const sqlCase = (name: string, messages: number, more: object): Case => ({
  name,
  messages,
  start: tools => sql.start(tools),
  async prepare(id, { PENSTOCK_TEST_POSTGRES: connectionString }) {
    const client = new pg.Client({ connectionString: connectionString! })
    await client.connect()
    await client.query(`CREATE TABLE ${tableOf(id)} (body TEXT)`)
    await client.end()
  },
  output: (id, { PENSTOCK_TEST_POSTGRES: dsn }) => ({
    sql_insert: {
      driver: 'postgres',
      dsn,
      table: tableOf(id),
      columns: ['body'],
      args_mapping: 'root = [ content().string() ]',
      ...more,
    },
  }),
})

export const cases: readonly Case[] = [
  {
    name: 'redis_streams',
    messages: 100_000,
    start: tools => redis.start(tools),
    output: (stream, { PENSTOCK_TEST_REDIS: url }) => ({ redis_streams: { url, stream } }),
    input: (stream, { PENSTOCK_TEST_REDIS: url }) => ({
      redis_streams: { url, streams: [stream], consumer_group: 'group', client_id: 'one' },
    }),
  },
  {
    name: 'nats_jetstream',
    messages: 100_000,
    start: tools => nats.start(tools),
    async prepare(id, { PENSTOCK_TEST_NATS: servers }) {
      const connection = await connect({ servers: servers! })
      await (await jetstreamManager(connection)).streams.add({ name: id, subjects: [id] })
      await connection.close()
    },
    output: (subject, { PENSTOCK_TEST_NATS: url }) => ({ nats_jetstream: { urls: [url], subject } }),
    input: (subject, { PENSTOCK_TEST_NATS: url }) => ({
      nats_jetstream: { urls: [url], subject, durable: 'reader', deliver: 'all' },
    }),
  },
  {
    name: 'amqp_0_9',
    messages: 100_000,
    start: tools => amqp09.start(tools),
    async prepare(id, { PENSTOCK_TEST_AMQP09: url }) {
      const connection = await amqp.connect(url!)
      await (await connection.createChannel()).assertQueue(id)
      await connection.close()
    },
    output: (key, { PENSTOCK_TEST_AMQP09: url }) => ({ amqp_0_9: { urls: [url], exchange: '', key } }),
    input: (queue, { PENSTOCK_TEST_AMQP09: url }) => ({ amqp_0_9: { urls: [url], queue } }),
  },
  {
    name: 'mqtt',
    messages: 100_000,
    start: startMosquitto,
    // The broker keeps messages from the first subscription on.
    async prepare(id, { PENSTOCK_BENCH_MQTT: url }) {
      const session = await mqtt.connectAsync(url!, { clientId: id, clean: false })
      await session.subscribeAsync(id, { qos: 1 })
      await session.endAsync()
    },
    output: (topic, { PENSTOCK_BENCH_MQTT: url }) => ({ mqtt: { urls: [url], topic, client_id: `${topic}-out` } }),
    input: (topic, { PENSTOCK_BENCH_MQTT: url }) => ({
      mqtt: { urls: [url], topics: [topic], client_id: topic, clean_session: false },
    }),
  },
  sqlCase('sql_insert', 20_000, {}),
  sqlCase('sql_insert batched', 100_000, { batching: { count: 100 } }),
  {
    name: 'aws_s3',
    // Enough that starting the program is a small part of the processor time.
    messages: 20_000,
    start: startS3,
    output: (id, environment) => ({ aws_s3: { path: `${id}/\${! counter() }`, ...s3(environment) } }),
    input: (id, environment) => ({ aws_s3: { prefix: `${id}/`, ...s3(environment) } }),
  },
  {
    name: 'kafka_franz',
    messages: 30_000,
    start: startPenstock,
    async prepare(topic, { PENSTOCK_BENCH_KAFKA: broker }) {
      const admin = new Kafka({ brokers: [broker!], logLevel: logLevel.NOTHING }).admin()
      await admin.connect()
      await admin.createTopics({ topics: [{ topic, numPartitions: 4 }] })
      await admin.disconnect()
    },
    output: (topic, { PENSTOCK_BENCH_KAFKA: broker }) => ({ kafka_franz: { seed_brokers: [broker], topic } }),
    input: (topic, { PENSTOCK_BENCH_KAFKA: broker }) => ({
      kafka_franz: { seed_brokers: [broker], topics: [topic], consumer_group: topic },
    }),
  },
]

const s3Keys = { id: 'AKIATEST', secret: 'secret' }

function s3({ PENSTOCK_BENCH_S3: endpoint }: Environment) {
  return { bucket: 'bench', region: 'us-east-1', endpoint, credentials: s3Keys, force_path_style_urls: true }
}

/** The server of the tests, because that of the family takes 10 ms for a request. */
async function startS3(): ReturnType<Family['start']> {
  const server = await startS3Server({ bucket: 'bench', accessKeyId: s3Keys.id, secretAccessKey: s3Keys.secret })
  return { environment: { PENSTOCK_BENCH_S3: server.endpoint }, close: () => server.close() }
}

/** The family's server keeps 10,000 messages for a session, this one keeps all. */
async function startMosquitto({ folder }: Parameters<Family['start']>[0]): ReturnType<Family['start']> {
  const port = await freePort()
  const settings = join(folder, 'mosquitto.conf')
  writeFileSync(settings, `listener ${port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n`)
  const server = await ServerProcess.start({ program: '/usr/sbin/mosquitto', args: ['-c', settings], ports: [port] })
  return { environment: { PENSTOCK_BENCH_MQTT: `tcp://127.0.0.1:${port}` }, close: () => server.stop() }
}

async function startPenstock({ folder }: Parameters<Family['start']>[0]): ReturnType<Family['start']> {
  const port = await freePort()
  const server = await ServerProcess.start({
    program: join(import.meta.dirname, '../../bin/penstock'),
    args: [
      'standalone',
      '-dataDir',
      folder,
      '-kafkaPort',
      String(port),
      '-httpPort=0',
      '-pipelinesPort=0',
      '-consolePort=0',
    ],
    ports: [port],
  })
  return { environment: { PENSTOCK_BENCH_KAFKA: `127.0.0.1:${port}` }, close: () => server.stop() }
}
