import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { nullLog, systemClock, systemRandom } from '../../base/index.ts'
import { Broker, localLogConfig } from '../../broker/index.ts'
import { type Stream, startStream } from '../../engine/index.ts'
import { type Metadata, openSqliteMetadata } from '../../metadata/index.ts'
import { openStore } from '../../storage/index.ts'
import { createRegistry } from '../index.ts'
import { systemHost } from '../../host/index.ts'

let broker: Broker
let metadata: Metadata
let brokers: string
let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-kafka-franz-'))
  metadata = await openSqliteMetadata({ path: ':memory:', clock: systemClock, random: systemRandom })
  broker = await Broker.open({
    port: 0,
    metadata,
    store: await openStore('mem://kafka-franz-test'),
    clock: systemClock,
    random: systemRandom,
    log: nullLog,
    logConfig: localLogConfig,
    config: { groupInitialRebalanceDelayMs: 0, numPartitions: 3 },
  })
  brokers = `127.0.0.1:${broker.port}`
})

after(async () => {
  await broker.close()
  await metadata.close()
  await rm(folder, { recursive: true })
})

const start = (config: string): Promise<Stream> =>
  startStream(config, { registry: createRegistry(), host: systemHost, clock: systemClock, log: nullLog })

async function produce(topic: string, count: number, more = ''): Promise<void> {
  const stream = await start(`
http: { enabled: false }
input: { generate: { count: ${count}, interval: "", batch_size: 10, mapping: ${JSON.stringify('meta colour = "red"\nroot.n = counter()')} } }
output:
  kafka_franz: { seed_brokers: [ "${brokers}" ], topic: ${topic}, key: '\${! json("n") }' ${more} }
`)
  await stream.done
}

/** Runs an input into a file until the file has `lines` lines, then stops it. */
async function consume(
  name: string,
  input: string,
  lines: number,
  mapping = 'root = this.n.string()',
  atMostMs = 240_000,
): Promise<string[]> {
  const path = join(folder, name)
  const stream = await start(`
http: { enabled: false }
input: { kafka_franz: { seed_brokers: [ "${brokers}" ], fetch_max_wait: 100ms, ${input} } }
pipeline: { threads: 1, processors: [ { mapping: '${mapping}' } ] }
output: { file: { path: ${path}, codec: lines } }
`)
  const read = async () => (await readFile(path, 'utf8').catch(() => '')).split('\n').slice(0, -1)
  const deadline = Date.now() + atMostMs
  while ((await read()).length < lines && Date.now() < deadline) await systemClock.sleep(20)
  await stream.stop()
  return read()
}

test('an input reads as fast as its rate limit allows, and keeps the order', async () => {
  await produce('limited', 30)
  const input = 'topics: [ limited ], rate_limit: slow'
  const path = join(folder, 'limited-lines')
  const run = async (count: number) => {
    const stream = await start(`
http: { enabled: false }
input: { kafka_franz: { seed_brokers: [ "${brokers}" ], fetch_max_wait: 100ms, ${input} } }
output: { file: { path: ${path}, codec: lines } }
rate_limit_resources: [ { label: slow, local: { count: ${count}, interval: 1h } } ]
`)
    const read = async () => (await readFile(path, 'utf8').catch(() => '')).split('\n').slice(0, -1)
    while ((await read()).length < Math.min(count, 30)) await systemClock.sleep(20)
    // Long enough for any excess batches to arrive.
    await systemClock.sleep(300)
    await stream.stop()
    const lines = await read()
    await rm(path)
    return lines.length
  }
  assert.equal(await run(7), 7)
  assert.equal(await run(100), 30)
  await assert.rejects(
    start(`input: { kafka_franz: { seed_brokers: [ "${brokers}" ], ${input} } }\noutput: { drop: {} }\n`),
    /slow/,
  )
})

test('a group reads every record once and resumes where it stopped', async () => {
  await produce('orders', 100)
  const group = 'topics: [ orders ], consumer_group: readers, commit_period: 50ms'
  const first = await consume('first', group, 100)
  assert.deepEqual(
    first.map(Number).toSorted((a, b) => a - b),
    Array.from({ length: 100 }, (_, index) => index + 1),
  )
  await produce('orders', 7)
  assert.equal((await consume('second', group, 7)).length, 7)
})

test('records carry their position, time, key and headers as metadata', async () => {
  await produce('places', 1, ", metadata: { include_patterns: [ '^col' ] }")
  const [line] = await consume(
    'places',
    'topics: [ places ], consumer_group: g',
    1,
    'root = [@kafka_topic, @kafka_partition.type(), @kafka_offset, @kafka_key, @colour, @kafka_tombstone_message, @kafka_timestamp_unix_ms > 1700000000000]',
  )
  assert.deepEqual(JSON.parse(line!), ['places', 'number', 0, '1', 'red', false, true])
})

test('without a group, explicit partitions are read, from an offset if given', async () => {
  await produce('parts', 30, ', partitioner: manual, partition: \'${! json("n") % 3 }\'')
  assert.deepEqual(await consume('parts', 'topics: [ "parts:1:7" ]', 3), ['22', '25', '28'])
  assert.equal((await consume('all', 'topics: [ parts ]', 30)).length, 30)
})

test('topics may be patterns', async () => {
  await produce('logs-a', 2)
  await produce('logs-b', 3)
  assert.equal((await consume('logs', 'topics: [ "^logs-" ], regexp_topics: true, consumer_group: logs', 5)).length, 5)
})

test('a batching policy gathers the messages of a partition', async () => {
  await produce('batched', 12, ', partitioner: manual, partition: "0"')
  const sizes = await consume(
    'batched',
    'topics: [ batched ], consumer_group: b, batching: { count: 5, period: 200ms }',
    12,
    'root = batch_size().string()',
  )
  assert.deepEqual(sizes, [...Array<string>(10).fill('5'), '2', '2'])
})

test('no record is lost while members join and leave a group', async () => {
  const group = 'topics: [ shared ], consumer_group: team, commit_period: 50ms'
  await produce('shared', 30)
  const first = consume('member-1', group, 60)
  await systemClock.sleep(500)
  const second = consume('member-2', group, 1)
  await systemClock.sleep(4000)
  await produce('shared', 60)
  await second
  await produce('shared', 30)
  await first
  const rest = await consume('member-3', group, 1_000_000, undefined, 1500)
  const [one, two] = await Promise.all(['member-1', 'member-2'].map(name => readFile(join(folder, name), 'utf8')))
  const seen = `${one}${two}${rest.join('\n')}`.split('\n').filter(line => line !== '')
  assert.ok(seen.length >= 120, `${seen.length} of 120 records were read`)
  assert.deepEqual(
    [...new Set(seen)].map(Number).toSorted((a, b) => a - b),
    Array.from({ length: 60 }, (_, index) => index + 1),
  )
})
