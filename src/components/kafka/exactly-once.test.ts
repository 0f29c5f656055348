import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Consumer, Kafka, logLevel, type Producer } from 'kafkajs'
import { nullLog, systemClock, systemRandom } from '../../base/index.ts'
import { Broker, localLogConfig } from '../../broker/index.ts'
import { type Stream, startStream } from '../../engine/index.ts'
import { systemHost } from '../../host/index.ts'
import { type Metadata, openSqliteMetadata } from '../../metadata/index.ts'
import { openStore } from '../../storage/index.ts'
import { createRegistry } from '../index.ts'
import { until } from '../../base/until.suite.ts'

let broker: Broker
let metadata: Metadata
let kafka: Kafka
let producer: Producer

before(async () => {
  metadata = await openSqliteMetadata({ path: ':memory:', clock: systemClock, random: systemRandom })
  broker = await Broker.open({
    port: 0,
    metadata,
    store: await openStore('mem://exactly-once-test'),
    clock: systemClock,
    random: systemRandom,
    log: nullLog,
    logConfig: localLogConfig,
    config: { groupInitialRebalanceDelayMs: 0, numPartitions: 3 },
  })
  kafka = new Kafka({ brokers: [`127.0.0.1:${broker.port}`], logLevel: logLevel.NOTHING })
  producer = kafka.producer()
  await producer.connect()
})

after(async () => {
  await producer.disconnect()
  await broker.close()
  await metadata.close()
})

const copy = (from: string, to: string, more = ''): Promise<Stream> =>
  startStream(
    `
http: { enabled: false }
input:
  kafka_franz:
    seed_brokers: [ "127.0.0.1:${broker.port}" ]
    topics: [ ${from} ]
    consumer_group: copy-${from}
    exactly_once: true
    fetch_max_wait: 50ms
pipeline: { processors: [ { mapping: 'root = this * 10' } ] }
output:
  kafka_franz: { seed_brokers: [ "127.0.0.1:${broker.port}" ], topic: ${to}, exactly_once: true ${more} }
`,
    { registry: createRegistry(), host: systemHost, clock: systemClock, log: nullLog },
  )

let sent = 0

/** Sends numbers that have not been sent before. */
async function send(topic: string, count: number): Promise<void> {
  const messages = Array.from({ length: count }, () => ({ value: String(++sent), partition: sent % 3 }))
  await producer.send({ topic, messages })
}

/** Collects what a read-committed consumer sees, as it arrives. */
async function follow(topic: string): Promise<{ values: string[]; reader: Consumer }> {
  const reader = kafka.consumer({ groupId: `read-${topic}`, maxWaitTimeInMs: 100 })
  const values: string[] = []
  await reader.connect()
  await reader.subscribe({ topic, fromBeginning: true })
  await reader.run({ eachMessage: async ({ message }) => void values.push(String(message.value)) })
  return { values, reader }
}

/** Waits for `count` values, then a little longer for any that should not arrive. */
async function settle(values: readonly string[], count: number): Promise<string[]> {
  await until(
    () => values.length >= count,
    () => values,
  )
  await systemClock.sleep(300)
  return values.toSorted((a, b) => Number(a) - Number(b))
}

const tenfold = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => String((from + at + 1) * 10))

async function committed(group: string, topic: string): Promise<number> {
  const admin = kafka.admin()
  await admin.connect()
  const [offsets] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
  await admin.disconnect()
  return offsets!.partitions.reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0)
}

test('offsets and written records are committed together, across restarts', async () => {
  const first = sent
  await send('in', 100)
  const { values, reader } = await follow('out')
  for (let run = 0; run < 3; run++) {
    const stream = await copy('in', 'out')
    await send('in', 100)
    await settle(values, (run + 2) * 100)
    await stream.stop()
  }
  assert.deepEqual(await settle(values, 400), tenfold(first, sent))
  assert.equal(await committed('copy-in', 'in'), 400)
  await reader.disconnect()
})

test('records of a lost transaction are read again, and visible once', async () => {
  const first = sent
  await send('fenced', 50)
  const stream = await copy('fenced', 'once', ', transactional_id: copier')
  const { values, reader } = await follow('once')
  for (let round = 0; round < 3; round++) {
    await send('fenced', 50)
    // Initializing the transactional id aborts its owner's open transaction and fences that owner.
    await broker.transactions.init('copier', null, 60_000)
    await settle(values, 50 * (round + 2))
  }
  assert.deepEqual(await settle(values, 200), tenfold(first, sent))
  await stream.stop()
  await reader.disconnect()
})

test('every record is visible once while members join and leave', async () => {
  const first = sent
  await send('shared', 90)
  const streams = [await copy('shared', 'joined')]
  const { values, reader } = await follow('joined')
  for (let round = 0; round < 2; round++) {
    streams.push(await copy('shared', 'joined'))
    await send('shared', 90)
    await systemClock.sleep(1500)
    await send('shared', 90)
    await streams.shift()!.stop()
  }
  assert.deepEqual(await settle(values, 450), tenfold(first, sent))
  for (const stream of streams) await stream.stop()
  await reader.disconnect()
})

test('an output without a transactional input writes nothing', async () => {
  const stream = await startStream(
    `
http: { enabled: false }
input: { generate: { count: 1, interval: "", mapping: 'root = 1' } }
output:
  fallback:
    - kafka_franz: { seed_brokers: [ "127.0.0.1:${broker.port}" ], topic: never, exactly_once: true }
    - drop: {}
`,
    { registry: createRegistry(), host: systemHost, clock: systemClock, log: nullLog },
  )
  await stream.done
  assert.ok(!metadata.catalog().byName.has('never'))
})
