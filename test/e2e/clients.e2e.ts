// Unmodified clients against the same agent: kcat, kafkajs (the old versions of the protocol) and @platformatic/kafka.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import {
  Admin as PlatformaticAdmin,
  Consumer,
  Producer,
  stringDeserializers,
  stringSerializers,
} from '@platformatic/kafka'
import { Kafka, logLevel } from 'kafkajs'
import { freePorts, type Started, startProgram } from './support.ts'

let playground: Started

before(async () => {
  playground = await startProgram(['playground', ...freePorts])
})
after(async () => {
  await playground.stop()
})

const hasKcat = spawnSync('kcat', ['-V']).status === 0
const needsKcat = hasKcat || process.env['CI'] !== undefined ? false : 'needs kcat: apt-get install kcat'

function kcat(args: readonly string[], input = ''): string {
  const result = spawnSync('kcat', ['-b', playground.kafkaAddress, '-q', ...args], {
    input,
    encoding: 'utf8',
    timeout: 30_000,
  })
  assert.equal(result.status, 0, result.stderr)
  return result.stdout
}

test('kcat produces, reads from anywhere and lists', { skip: needsKcat }, () => {
  kcat(['-P', '-t', 'by-kcat', '-K:', '-H', 'colour=red'], 'k1:one\nk2:two\nk3:three\n')
  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd']) kcat(['-P', '-t', 'by-kcat', '-z', codec], `${codec}\n`)
  const read = kcat(['-C', '-t', 'by-kcat', '-o', 'beginning', '-e', '-f', '%o %k %s %h\n'])
  assert.deepEqual(read.trim().split('\n').slice(0, 3), [
    '0 k1 one colour=red',
    '1 k2 two colour=red',
    '2 k3 three colour=red',
  ])
  assert.equal(kcat(['-C', '-t', 'by-kcat', '-o', '3', '-e']), 'gzip\nsnappy\nlz4\nzstd\n')
  assert.equal(kcat(['-C', '-t', 'by-kcat', '-o', '-1', '-e']), 'zstd\n')
  assert.match(kcat(['-L', '-t', 'by-kcat']), /topic "by-kcat" with 1 partitions/)
})

test('kcat shares a topic in a group and resumes it', { skip: needsKcat }, () => {
  kcat(['-P', '-t', 'kcat-group'], 'a\nb\n')
  const group = ['-G', 'kcat-readers', '-X', 'auto.offset.reset=earliest', '-e', 'kcat-group']
  assert.equal(kcat(group), 'a\nb\n')
  kcat(['-P', '-t', 'kcat-group'], 'c\n')
  assert.equal(kcat(group), 'c\n')
})

test('kafkajs creates a topic, produces, consumes in a group, commits and resumes', async () => {
  const kafka = new Kafka({ clientId: 'kafkajs', brokers: [playground.kafkaAddress], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: 'by-kafkajs', numPartitions: 3 }], waitForLeaders: true })
  const producer = kafka.producer()
  await producer.connect()
  const consume = async (count: number): Promise<string[]> => {
    const consumer = kafka.consumer({ groupId: 'kafkajs-readers', sessionTimeout: 6000, rebalanceTimeout: 6000 })
    await consumer.connect()
    await consumer.subscribe({ topics: ['by-kafkajs'], fromBeginning: true })
    const values: string[] = []
    await new Promise<void>((resolve, reject) => {
      consumer
        .run({
          eachMessage: ({ message }) => {
            values.push(message.value!.toString())
            if (values.length === count) resolve()
            return Promise.resolve()
          },
        })
        .catch(reject)
    })
    await consumer.disconnect()
    return values.toSorted()
  }
  const send = (values: readonly string[]) =>
    producer.send({ topic: 'by-kafkajs', messages: values.map(value => ({ key: value, value })) })
  await send(['a', 'b', 'c', 'd', 'e'])
  assert.deepEqual(await consume(5), ['a', 'b', 'c', 'd', 'e'])
  await send(['f'])
  assert.deepEqual(await consume(1), ['f'])
  const committed = await admin.fetchOffsets({ groupId: 'kafkajs-readers', topics: ['by-kafkajs'] })
  assert.equal(
    committed[0]!.partitions.reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0),
    6,
  )
  await admin.deleteTopics({ topics: ['by-kafkajs'] })
  assert.ok(!(await admin.listTopics()).includes('by-kafkajs'))
  await producer.disconnect()
  await admin.disconnect()
})

test('@platformatic/kafka creates a topic, produces idempotently, consumes in a group, commits and resumes', async () => {
  const connection = { clientId: 'platformatic', bootstrapBrokers: [playground.kafkaAddress] }
  const admin = new PlatformaticAdmin(connection)
  await admin.createTopics({ topics: ['by-platformatic'], partitions: 2, replicas: 1 })
  const producer = new Producer({ ...connection, serializers: stringSerializers, idempotent: true })
  const send = (values: readonly string[]) =>
    producer.send({
      messages: values.map(value => ({ topic: 'by-platformatic', key: value, value, headers: { n: value } })),
    })
  const consume = async (count: number): Promise<string[]> => {
    const consumer = new Consumer({
      ...connection,
      groupId: 'platformatic-readers',
      deserializers: stringDeserializers,
    })
    const stream = await consumer.consume({
      topics: ['by-platformatic'],
      mode: 'committed',
      fallbackMode: 'earliest',
      autocommit: false,
    })
    const values: string[] = []
    for await (const message of stream) {
      assert.equal(message.headers.get('n'), message.value)
      values.push(message.value)
      await message.commit()
      if (values.length === count) break
    }
    await consumer.close(true)
    return values.toSorted()
  }
  await send(['a', 'b', 'c', 'd'])
  assert.deepEqual(await consume(4), ['a', 'b', 'c', 'd'])
  await send(['e'])
  assert.deepEqual(await consume(1), ['e'])
  await producer.close()
  await admin.close()
})
