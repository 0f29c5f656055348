import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Kafka, logLevel } from 'kafkajs'
import { batchCrcFits, type KafkaRecord, readBatchHeader, readRecords, writeRecords } from '../../kafka/index.ts'
import { compressionNames } from '../../kafka/record-batch.ts'
import { startTestBroker, type TestBroker, type TestClient } from '../test-client.ts'

describe('a compacted topic', () => {
  let broker: TestBroker
  let client: TestClient
  beforeEach(async () => {
    broker = await startTestBroker()
    client = await broker.connect()
  })
  afterEach(() => broker.close())

  const create = async (configs: Readonly<Record<string, string>> = {}) => {
    const all = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0', ...configs }
    const { topics } = await client.call('CreateTopics', 5, {
      topics: [
        {
          name: 't',
          numPartitions: 1,
          replicationFactor: 1,
          assignments: [],
          configs: Object.entries(all).map(([name, value]) => ({ name, value })),
        },
      ],
      timeoutMs: 1000,
    })
    assert.equal(topics[0]!.errorCode, 0)
  }
  /** Produces one batch of `[key, value]`; null is a tombstone. */
  const produce = async (
    records: readonly (readonly [string, string | null])[],
    { codec = 0, ageMs = 0 }: { readonly codec?: number; readonly ageMs?: number } = {},
  ) => {
    const batch = writeRecords(
      records.map(([key, value]) => ({ key: Buffer.from(key), value: value === null ? null : Buffer.from(value) })),
      { timestamp: Date.now() - ageMs, codec },
    )
    const partitionData = [{ index: 0, records: batch }]
    const { responses } = await client.call('Produce', 9, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 5000,
      topicData: [{ name: 't', partitionData }],
    })
    assert.equal(responses[0]!.partitionResponses[0]!.errorCode ?? 0, 0)
  }
  const batches = async (from = 0): Promise<Buffer[]> => {
    const { responses } = await client.call('Fetch', 11, {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 50_000_000,
      isolationLevel: 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [{ topic: 't', partitions: [{ partition: 0, fetchOffset: from, partitionMaxBytes: 50_000_000 }] }],
      forgottenTopicsData: [],
      rackId: '',
    })
    const { errorCode, records } = responses[0]!.partitions[0]!
    assert.equal(errorCode, 0)
    const found: Buffer[] = []
    for (let rest = records ?? Buffer.alloc(0); rest.length > 0; ) {
      const { sizeBytes } = readBatchHeader(rest)!
      found.push(rest.subarray(0, sizeBytes))
      rest = rest.subarray(sizeBytes)
    }
    return found
  }
  const read = async (from = 0): Promise<KafkaRecord[]> => (await batches(from)).flatMap(batch => readRecords(batch))
  const seen = (records: readonly KafkaRecord[]) =>
    records.map(({ offset, key, value }) => [offset, String(key), value === null ? null : String(value)])
  const clean = () => broker.broker.records.runMaintenance()

  it('keeps the last record of each key, at its offset', async () => {
    await create()
    await produce([
      ['a', '1'],
      ['b', '1'],
      ['a', '2'],
    ])
    await produce([
      ['c', '1'],
      ['b', '2'],
    ])
    await clean()
    assert.deepEqual(seen(await read()), [
      [2, 'a', '2'],
      [3, 'c', '1'],
      [4, 'b', '2'],
    ])
    await produce([['a', '3']])
    await clean()
    assert.deepEqual(seen(await read()), [
      [3, 'c', '1'],
      [4, 'b', '2'],
      [5, 'a', '3'],
    ])
  })

  it('keeps batches valid in every codec, and readable from every offset', async () => {
    await create()
    for (const codec of compressionNames.keys()) {
      for (let round = 0; round < 5; round++) {
        await produce(
          [[`key-${codec}`, `${round}`], ...(round % 2 === 0 ? [['shared', `${codec}/${round}`] as const] : [])],
          { codec },
        )
      }
    }
    const before = await read()
    await clean()
    const latest = new Map(before.map(record => [String(record.key), record]))
    const expected = [...latest.values()].toSorted((a, b) => a.offset - b.offset)
    for (let from = 0; from <= before.at(-1)!.offset; from++) {
      const found = (await read(from)).filter(({ offset }) => offset >= from)
      assert.deepEqual(seen(found), seen(expected.filter(({ offset }) => offset >= from)), `from ${from}`)
    }
    for (const batch of await batches()) assert.equal(batchCrcFits(batch), true)
    assert.deepEqual(
      (await read()).map(({ timestamp }) => timestamp),
      expected.map(({ timestamp }) => timestamp),
    )
  })

  it('keeps tombstones for their retention time, then removes the key entirely', async () => {
    await create({ 'delete.retention.ms': '0' })
    await produce([
      ['a', '1'],
      ['a', null],
      ['b', '1'],
    ])
    await clean()
    assert.deepEqual(seen(await read()), [
      [1, 'a', null],
      [2, 'b', '1'],
    ])
    await produce([['b', '2']])
    await clean()
    assert.deepEqual(seen(await read()), [[3, 'b', '2']])
  })

  it('lets readers advance past batches that have no records left', async () => {
    await create({ 'delete.retention.ms': '0' })
    await produce([
      ['a', '1'],
      ['a', null],
    ])
    await clean()
    await produce([['b', null]])
    await clean()
    await produce([['c', null]])
    await clean()
    assert.deepEqual(seen(await read()), [[3, 'c', null]])
    const [first] = await batches()
    const { baseOffset, lastOffsetDelta, recordsCount } = readBatchHeader(first!)!
    assert.deepEqual([baseOffset, lastOffsetDelta, recordsCount], [0, 2, 0])
    assert.equal(batchCrcFits(first!), true)
    for (const from of [0, 1, 2, 3]) assert.equal((await read(from)).at(-1)?.offset, 3)
  })

  it('does not touch records that are too young, nor any after them', async () => {
    await create({ 'min.compaction.lag.ms': '3600000' })
    await produce(
      [
        ['old', '1'],
        ['old', '2'],
      ],
      { ageMs: 7_200_000 },
    )
    await produce([
      ['a', '1'],
      ['a', '2'],
    ])
    await produce([['a', '3']], { ageMs: 7_200_000 })
    await clean()
    assert.deepEqual(seen(await read()), [
      [1, 'old', '2'],
      [2, 'a', '1'],
      [3, 'a', '2'],
      [4, 'a', '3'],
    ])
  })

  it('cleans records past the maximum lag, however few they are', async () => {
    await create({ 'min.cleanable.dirty.ratio': '0.9', 'max.compaction.lag.ms': '3600000' })
    await produce([['b', 'x'.repeat(1000)]], { ageMs: 7_200_000 })
    await clean()
    for (const value of ['1', '2']) await produce([['a', value]])
    await clean()
    assert.equal((await read()).length, 3, 'little is dirty, and it is young')
    await produce([['b', 'x'.repeat(100_000)]])
    await clean()
    assert.equal((await read()).length, 2, 'most is dirty')
    for (const value of ['3', '4']) await produce([['a', value]], { ageMs: 7_200_000 })
    await clean()
    assert.equal((await read()).length, 2, 'little is dirty, and it is old')
  })

  it('removes aborted records but keeps the markers that read_committed readers need', async () => {
    await create()
    const kafka = new Kafka({ brokers: [`127.0.0.1:${broker.port}`], logLevel: logLevel.NOTHING })
    const producer = kafka.producer({ transactionalId: 'tx', idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    try {
      for (const [value, commits] of [
        ['1', true],
        ['aborted', false],
        ['2', true],
        ['aborted as well', false],
      ] as const) {
        const transaction = await producer.transaction()
        await transaction.send({ topic: 't', messages: [{ key: 'a', value }] })
        await (commits ? transaction.commit() : transaction.abort())
      }
    } finally {
      await producer.disconnect()
    }
    await clean()
    const headers = (await batches()).map(batch => readBatchHeader(batch)!)
    assert.deepEqual(
      headers.filter(({ control }) => control).map(({ baseOffset }) => baseOffset),
      [1, 3, 5, 7],
    )
    const data = (await batches()).filter(batch => !readBatchHeader(batch)!.control)
    assert.deepEqual(seen(data.flatMap(batch => readRecords(batch))), [[4, 'a', '2']])
  })

  it('does not clean below the minimum dirty ratio', async () => {
    await create({ 'min.cleanable.dirty.ratio': '0.9' })
    await produce(Array.from({ length: 100 }, (_, index) => [`k${index}`, 'x'.repeat(100)] as const))
    await clean()
    await produce([['k0', 'y']])
    await clean()
    assert.equal((await read()).length, 101)
  })

  it('does not keep expired records longer because newer ones are cleaned with them', async () => {
    await create({ 'cleanup.policy': 'compact,delete', 'retention.ms': '3600000' })
    await produce([['old', '1']], { ageMs: 3_000_000 })
    await produce([['new', '1']], { ageMs: 60_000 })
    await clean()
    assert.equal((await read()).length, 2)
    const { responses } = await client.call('IncrementalAlterConfigs', 1, {
      resources: [
        {
          resourceType: 2,
          resourceName: 't',
          configs: [{ name: 'retention.ms', configOperation: 0, value: '1800000' }],
        },
      ],
      validateOnly: false,
    })
    assert.equal(responses[0]!.errorCode, 0)
    await clean()
    const { topics } = await client.call('ListOffsets', 4, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -2 }] }],
    })
    assert.equal(topics[0]!.partitions[0]!.offset, 1)
  })

  it('keeps only the latest records over repeated appends and cleanings', async () => {
    await create()
    for (let round = 0; round < 40; round++) {
      await produce(Array.from({ length: 50 }, (_, index) => [`k${index}`, `${round}`] as const))
      if (round % 10 === 9) await clean()
    }
    const records = await read()
    assert.equal(records.length, 50)
    assert.ok(records.every(({ value }) => String(value) === '39'))
  })
})
