// Runs the contract suite of the Kafka connectors against our own broker; an independent client writes and reads the
// test data.
import { randomUUID } from 'node:crypto'
import { after, before } from 'node:test'
import { type Admin, Kafka, logLevel, type Producer } from 'kafkajs'
import type { TcpProxy } from '../../../test/servers/tcp-proxy.ts'
import { inputContract, type InputTarget } from '../../engine/contract/input.suite.ts'
import { outputContract } from '../../engine/contract/output.suite.ts'
import { bodies, until } from '../../engine/contract/rig.ts'
import { rig } from '../contract/rig.suite.ts'
import { openProxiedBroker, type ProxiedBroker } from './proxied-broker.suite.ts'

let broker: ProxiedBroker
/** Sits between the connectors and the broker. */
let proxy: TcpProxy
let kafka: Kafka
let admin: Admin
let producer: Producer

before(async () => {
  broker = await openProxiedBroker()
  proxy = broker.proxy
  kafka = new Kafka({ brokers: [`127.0.0.1:${proxy.port}`], logLevel: logLevel.NOTHING })
  admin = kafka.admin()
  producer = kafka.producer()
  await admin.connect()
  await producer.connect()
})

after(async () => {
  await producer.disconnect()
  await admin.disconnect()
  await broker.close()
})

const newTopic = async () => {
  const topic = `t-${randomUUID().slice(0, 8)}`
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
  return topic
}

outputContract('kafka_franz', rig, {
  inFlight: 'many',
  without: { hold: 'the broker answers at once' },
  async open() {
    const topic = await newTopic()
    const named = `\${! if content() == "poison" { throw("refused") } else { "${topic}" } }`
    return {
      poison: 'poison',
      config: (maxInFlight = 64) =>
        `{ kafka_franz: { seed_brokers: [ '127.0.0.1:${proxy.port}' ], topic: '${named}', max_in_flight: ${maxInFlight} } }`,
      delivered: () => valuesOf(topic),
      cut: () => proxy.cut(),
      close: () => undefined,
    }
  },
})

inputContract('kafka_franz', rig, {
  ends: false,
  replays: true,
  reconnects: true,
  resumes: true,
  remembers: true,
  open: () => filled(bodies(25), franzInput),
  plenty: texts => filled(texts, franzInput),
})

outputContract('kafka', rig, {
  inFlight: 'many',
  without: { hold: 'the broker answers at once' },
  async open() {
    const topic = await newTopic()
    const named = `\${! if content() == "poison" { throw("refused") } else { "${topic}" } }`
    const own = `addresses: [ '127.0.0.1:${proxy.port}' ], topic: '${named}', backoff: { initial_interval: 10ms }`
    return {
      poison: 'poison',
      config: (maxInFlight = 64) => `{ kafka: { ${own}, max_in_flight: ${maxInFlight} } }`,
      delivered: () => valuesOf(topic),
      cut: () => proxy.cut(),
      close: () => undefined,
    }
  },
})

inputContract('kafka', rig, {
  ends: false,
  replays: true,
  reconnects: true,
  resumes: true,
  remembers: true,
  open: () => filled(bodies(25), saramaInput),
  plenty: texts => filled(texts, saramaInput),
})

/** Keeps a batch within 1 MB. */
const MOST_IN_BATCH = 2000

/** Creates a topic with one record for each text. */
async function filled(texts: readonly string[], input: (topic: string) => string): Promise<InputTarget> {
  const topic = await newTopic()
  for (let at = 0; at < texts.length; at += MOST_IN_BATCH) {
    await producer.send({ topic, messages: texts.slice(at, at + MOST_IN_BATCH).map(value => ({ value })) })
  }
  return { config: input(topic), bodies: texts, cut: () => proxy.cut() }
}

function franzInput(topic: string): string {
  const own = `topics: [ ${topic} ], consumer_group: ${topic}, fetch_max_wait: 100ms, commit_period: 50ms`
  return `{ kafka_franz: { seed_brokers: [ '127.0.0.1:${proxy.port}' ], ${own} } }`
}

function saramaInput(topic: string): string {
  const own = `topics: [ ${topic} ], consumer_group: ${topic}, commit_period: 50ms`
  return `{ kafka: { addresses: [ '127.0.0.1:${proxy.port}' ], ${own} } }`
}

/** The values of a single-partition topic, in order. */
async function valuesOf(topic: string): Promise<readonly string[]> {
  const [bounds] = await admin.fetchTopicOffsets(topic)
  const count = Number(bounds?.high ?? 0)
  const values: string[] = []
  if (count === 0) return values
  const consumer = kafka.consumer({ groupId: randomUUID(), maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage({ message }) {
      values.push(String(message.value))
      return Promise.resolve()
    },
  })
  await until(rig, () => values.length >= count, 'all records are read')
  await consumer.disconnect()
  return values
}
