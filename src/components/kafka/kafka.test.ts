import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { type Admin, Kafka, logLevel, type Producer } from 'kafkajs'
import { Receiver, Sender } from '../../../test/connectors/streams.ts'
import { nullLog, systemClock, systemRandom } from '../../base/index.ts'
import { Broker, localLogConfig } from '../../broker/index.ts'
import { until } from '../../engine/contract/rig.ts'
import { murmur2 } from '../../kafka/index.ts'
import { type Metadata, openSqliteMetadata } from '../../metadata/index.ts'
import { openStore } from '../../storage/index.ts'
import { rig } from '../contract/rig.suite.ts'

let broker: Broker
let metadata: Metadata
let addresses: readonly string[]
let admin: Admin
let producer: Producer

before(async () => {
  metadata = await openSqliteMetadata({ path: ':memory:', clock: systemClock, random: systemRandom })
  broker = await Broker.open({
    port: 0,
    metadata,
    store: await openStore('mem://kafka-test'),
    clock: systemClock,
    random: systemRandom,
    log: nullLog,
    logConfig: localLogConfig,
    config: { groupInitialRebalanceDelayMs: 0, numPartitions: 4 },
  })
  addresses = [`127.0.0.1:${broker.port}`]
  const kafka = new Kafka({ brokers: [...addresses], logLevel: logLevel.NOTHING })
  admin = kafka.admin()
  producer = kafka.producer()
  await admin.connect()
  await producer.connect()
})

after(async () => {
  await producer.disconnect()
  await admin.disconnect()
  await broker.close()
  await metadata.close()
})

const newTopic = async (numPartitions = 4) => {
  const topic = `t-${randomUUID().slice(0, 8)}`
  await admin.createTopics({ topics: [{ topic, numPartitions }] })
  return topic
}

/** Maps each text in a topic to the metadata of its message. */
async function contentOf(topic: string, count: number) {
  const receiver = await Receiver.start({ kafka: { addresses, topics: [`${topic}:0-3`] } })
  const found = new Map<string, ReadonlyMap<string, unknown>>()
  while (found.size < count) {
    const received = await receiver.next()
    for (const [index, message] of received.batch.entries()) found.set(received.texts[index]!, message.metadata)
    received.answer()
  }
  await receiver.close()
  return found
}

const partitionsOf = (content: ReadonlyMap<string, ReadonlyMap<string, unknown>>) =>
  Object.fromEntries([...content].map(([text, own]) => [text, Number(own.get('kafka_partition'))]))

const send = async (output: Readonly<Record<string, unknown>>, ...texts: readonly string[]) => {
  const sender = await Sender.start({ kafka: { addresses, ...output } })
  for (const text of texts) await sender.send(text)
  await sender.close()
}

test('partitions are chosen by the hashes of the original: FNV-1a, or that of Kafka', async () => {
  const keys = ['a', 'b', 'alpha', 'beta', 'Ω', '0123456789']
  const fnv = await newTopic()
  await send({ topic: fnv, key: '${! content() }' }, ...keys)
  // Expected values of sarama's NewHashPartitioner, computed with Go.
  assert.deepEqual(partitionsOf(await contentOf(fnv, 6)), { a: 0, b: 3, alpha: 3, beta: 1, Ω: 0, '0123456789': 2 })
  const murmur = await newTopic()
  await send({ topic: murmur, key: '${! content() }', partitioner: 'murmur2_hash' }, ...keys)
  const wanted = keys.map(key => [key, (murmur2(Buffer.from(key)) & 0x7fffffff) % 4])
  assert.deepEqual(partitionsOf(await contentOf(murmur, 6)), Object.fromEntries(wanted))
})

test('the manual partitioner uses the partition number, and fails messages without a valid one', async () => {
  const topic = await newTopic()
  const sender = await Sender.start({
    kafka: { addresses, topic, partitioner: 'manual', partition: '${! content() }' },
  })
  await sender.send('3')
  await sender.send('1')
  await assert.rejects(sender.send('none'), /failed to parse partition/)
  await sender.close()
  assert.deepEqual(partitionsOf(await contentOf(topic, 2)), { '1': 1, '3': 3 })
})

test('metadata becomes headers unless excluded, in addition to configured ones', async () => {
  const topic = await newTopic(4)
  const sender = await Sender.start({
    kafka: { addresses, topic, static_headers: { source: 'test' }, metadata: { exclude_prefixes: ['own_'] } },
  })
  await sender.send({ text: 'x', metadata: { colour: 'blue', own_secret: 'no' } })
  await sender.close()
  const own = (await contentOf(topic, 1)).get('x')!
  assert.deepEqual([own.get('colour'), own.get('own_secret'), own.get('source')], ['blue', undefined, 'test'])
  assert.equal(own.get('kafka_key'), '')
  assert.equal(own.get('kafka_topic'), topic)
})

test('before version 0.11 records have no headers', async () => {
  const topic = await newTopic()
  const sender = await Sender.start({ kafka: { addresses, topic, target_version: '0.10.2.0' } })
  await sender.send({ text: 'x', metadata: { colour: 'blue' } })
  await sender.close()
  assert.equal((await contentOf(topic, 1)).get('x')!.get('colour'), undefined)
})

test('the lag is the number of records after a message', async () => {
  const topic = await newTopic(1)
  await producer.send({ topic, messages: ['a', 'b', 'c'].map(value => ({ value })) })
  const receiver = await Receiver.start({ kafka: { addresses, topics: [topic], consumer_group: topic } })
  const lags: unknown[] = []
  while (lags.length < 3) {
    const received = await receiver.next()
    lags.push(...received.batch.map(message => message.metadata.get('kafka_lag')))
    received.answer()
  }
  assert.deepEqual(lags, [2n, 1n, 0n])
  await receiver.close()
})

test('with explicit partitions, offsets are stored under the name of the group', async () => {
  const topic = await newTopic(2)
  const put = (value: string) => producer.send({ topic, messages: [{ value, partition: 1 }] })
  const input = { kafka: { addresses, topics: [`${topic}:1`], consumer_group: topic, commit_period: '20ms' } }
  await put('first')
  const first = await Receiver.start(input)
  assert.deepEqual(await first.collectDistinct(1), ['first'])
  await first.close()
  await put('second')
  const second = await Receiver.start(input)
  assert.deepEqual(await second.collectDistinct(1), ['second'])
  await second.close()
})

test('two members of a group share the partitions of a topic by ranges', async () => {
  const topic = await newTopic(4)
  const input = { kafka: { addresses, topics: [topic], consumer_group: topic, group: { heartbeat_interval: '100ms' } } }
  const [one, two] = [await Receiver.start(input), await Receiver.start(input)]
  const assignments = async () => {
    const { groups } = await admin.describeGroups([topic])
    return groups[0]!
  }
  await until(
    rig,
    async () => {
      const { members, state, protocol } = await assignments()
      return members.length === 2 && state === 'Stable' && protocol === 'range'
    },
    'both are members',
  )
  await producer.send({ topic, messages: [0, 1, 2, 3].map(partition => ({ value: `${partition}`, partition })) })
  const [ofOne, ofTwo] = await Promise.all([one.collectDistinct(2), two.collectDistinct(2)])
  assert.deepEqual([ofOne.toSorted().join(), ofTwo.toSorted().join()].toSorted(), ['0,1', '2,3'])
  await one.close()
  await two.close()
})

test('topics are created as the configuration says', async () => {
  const topic = `t-${randomUUID().slice(0, 8)}`
  await send({ topic, custom_topic_creation: { enabled: true, partitions: 3, replication_factor: 1 } }, 'x')
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
  assert.equal(topics[0]!.partitions.length, 3)
})

test('only the messages of a batch that are too large fail; with retry_as_batch all of them do', async () => {
  const topic = await newTopic()
  const large = 'x'.repeat(200)
  const each = await Sender.start({ kafka: { addresses, topic, max_msg_bytes: 100 } })
  await assert.rejects(each.send('small', large), /larger than max_msg_bytes, which is 100/)
  await each.close()
  assert.deepEqual([...(await contentOf(topic, 1)).keys()], ['small'])
  const other = await newTopic()
  const whole = await Sender.start({ kafka: { addresses, topic: other, max_msg_bytes: 100, retry_as_batch: true } })
  await assert.rejects(whole.send('small', large), /larger than max_msg_bytes/)
  await whole.send('alone')
  await whole.close()
  assert.deepEqual([...(await contentOf(other, 1)).keys()], ['alone'])
})

/** Resource type with configs, in Kafka's protocol. */
const TOPIC = 2

test('a request holds at most max_message_bytes, and a larger message fails', async () => {
  const topic = await newTopic()
  // Like Apache Kafka, the broker rejects a larger record batch.
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: TOPIC, name: topic, configEntries: [{ name: 'max.message.bytes', value: '1500' }] }],
  })
  const output = { seed_brokers: addresses, topic, max_message_bytes: '1KB', compression: 'none' }
  const sender = await Sender.start({ kafka_franz: output })
  const texts = Array.from({ length: 20 }, (_, index) => `${index} ${'x'.repeat(300)}`)
  await sender.send(...texts)
  await assert.rejects(sender.send('x'.repeat(1001)), /a message of 1001 bytes is larger than max_message_bytes/)
  await sender.close()
  assert.deepEqual([...(await contentOf(topic, 20)).keys()], texts)
})

test('a write to an unreachable cluster fails after its timeout or its attempts', async () => {
  const away = await Broker.open({
    port: 0,
    metadata,
    store: await openStore('mem://kafka-test-away'),
    clock: systemClock,
    random: systemRandom,
    log: nullLog,
    logConfig: localLogConfig,
    config: {},
  })
  const output = {
    addresses: [`127.0.0.1:${away.port}`],
    topic: await newTopic(),
    max_retries: 2,
    backoff: { initial_interval: '1ms', max_interval: '2ms', max_elapsed_time: '0s' },
  }
  const sender = await Sender.start({ kafka: output })
  await sender.send('arrives')
  await away.close()
  await assert.rejects(sender.send('does not'), /failed to send after 3 attempts: .*connection refused/)
  await sender.close()
})
