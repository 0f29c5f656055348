// The memory of requests and of recently written and read records is reused continually, which must never be visible.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { batchCrcFits, readBatchHeader, readRecords, writeRecords } from '../kafka/index.ts'
import { openMemoryStore } from '../storage/index.ts'
import { localLogConfig } from './log/index.ts'
import { startTestBroker, type TestBroker, type TestClient } from './test-client.ts'

const MIB = 1024 * 1024
const BATCH_BYTES = 500_000

describe('reused memory', { timeout: 120_000 }, () => {
  let broker: TestBroker
  let producer: TestClient
  let sent = 0
  before(async () => {
    const logConfig = { ...localLogConfig, cacheBytes: 8 * MIB }
    broker = await startTestBroker({}, 0, openMemoryStore(), {}, undefined, logConfig)
    producer = await broker.connect()
    const topic = { name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
    await producer.call('CreateTopics', 5, { topics: [topic] })
  })
  after(() => broker.close())

  /** Each batch is a record filled with its offset. */
  async function produce(count: number): Promise<void> {
    for (let more = 0; more < count; more++) {
      const records = writeRecords([{ value: Buffer.alloc(BATCH_BYTES, sent + more) }], { timestamp: 1 })
      const partitionData = [{ index: 0, records }]
      producer.send('Produce', 9, { acks: -1, topicData: [{ name: 't', partitionData }] })
    }
    for (let more = 0; more < count; more++) {
      const { response } = await producer.receiveAs('Produce', 9)
      assert.equal(response.responses[0]?.partitionResponses[0]?.baseOffset, sent + more)
    }
    sent += count
  }

  const fetchFrom = (client: TestClient, fetchOffset: number) =>
    client.send('Fetch', 11, {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 16 * MIB,
      isolationLevel: 0,
      topics: [{ topic: 't', partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 16 * MIB }] }],
    })

  async function receiveFrom(client: TestClient, first: number): Promise<number> {
    const { response } = await client.receiveAs('Fetch', 11)
    const records = response.responses[0]!.partitions[0]!.records!
    let offset = first
    for (let start = 0; start < records.length; offset++) {
      const batch = records.subarray(start, start + readBatchHeader(records, start)!.sizeBytes)
      assert.ok(batchCrcFits(batch), `batch ${offset}`)
      const [record] = readRecords(batch)
      assert.equal(record?.offset, offset)
      assert.deepEqual(record.value, Buffer.alloc(BATCH_BYTES, offset))
      start += batch.length
    }
    assert.ok(offset > first, `nothing from ${first} on`)
    return offset
  }

  it('is not reused while a slow client is still reading a response', async () => {
    await produce(16)
    const client = await broker.connect()
    client.socket.pause()
    fetchFrom(client, 0)
    await produce(40)
    client.socket.resume()
    assert.ok((await receiveFrom(client, 0)) >= 16)
  })

  it('is read by many clients at once, from the cache and from the store', async () => {
    const clients = await Promise.all(Array.from({ length: 6 }, () => broker.connect()))
    await Promise.all(
      clients.map(async (client, index) => {
        for (let offset = index; offset < 40; ) {
          fetchFrom(client, offset)
          offset = await receiveFrom(client, offset)
          await produceMore(index)
        }
      }),
    )
  })

  /** One at a time, since answers arrive in the order of the requests. */
  let last = Promise.resolve()
  const produceMore = (index: number) => (index === 0 ? (last = last.then(() => produce(3))) : last)

  it('is held by requests with acks=0 until their records are stored', async () => {
    const client = await broker.connect()
    for (let more = 0; more < 12; more++) {
      const records = writeRecords([{ value: Buffer.alloc(BATCH_BYTES, sent + more) }], { timestamp: 1 })
      client.send('Produce', 9, { acks: 0, topicData: [{ name: 't', partitionData: [{ index: 0, records }] }] })
    }
    // The next request of the connection is executed after them; their records are stored before what comes later.
    await client.call('ApiVersions', 0, {})
    const first = sent
    sent += 12
    await produce(1)
    fetchFrom(client, first)
    assert.equal(await receiveFrom(client, first), sent)
  })

  it('is not corrupted by clients that disconnect before they are answered', async () => {
    for (let round = 0; round < 20; round++) {
      const client = await broker.connect()
      fetchFrom(client, round)
      if (round % 2 === 0) await produce(1)
      client.close()
    }
    await produce(20)
    const client = await broker.connect()
    fetchFrom(client, sent - 10)
    assert.equal(await receiveFrom(client, sent - 10), sent)
  })
})
