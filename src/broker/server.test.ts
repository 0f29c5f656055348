import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ErrorCode, readRecords, writeRecords } from '../kafka/index.ts'
import { openMemoryStore } from '../storage/index.ts'
import { startTestBroker, type TestBroker, type TestClient } from './test-client.ts'

describe('the Kafka port', () => {
  let broker: TestBroker
  before(async () => {
    broker = await startTestBroker({ socketRequestMaxBytes: 1_000_000 })
  })
  after(() => broker.close())

  async function isAlive(): Promise<void> {
    const client = await broker.connect()
    const { errorCode } = await client.call('ApiVersions', 3, {
      clientSoftwareName: 'test',
      clientSoftwareVersion: '1',
    })
    assert.equal(errorCode, ErrorCode.NONE)
  }

  const garbage: Record<string, Buffer> = {
    'a frame that is too large': Buffer.from([0x7f, 0xff, 0xff, 0xff, 1, 2, 3]),
    'a negative frame length': Buffer.from([0xff, 0xff, 0xff, 0xff]),
    'an empty frame': Buffer.from([0, 0, 0, 0]),
    'a frame without a header': Buffer.from([0, 0, 0, 3, 0, 0, 0]),
    'another protocol': Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    'an unknown api key': Buffer.from([0, 0, 0, 10, 3, 0xe7, 0, 0, 0, 0, 0, 1, 0xff, 0xff]),
    'a version that is not served': Buffer.from([0, 0, 0, 10, 0, 3, 0, 99, 0, 0, 0, 1, 0xff, 0xff]),
    'an array that does not fit the frame': Buffer.from([
      0, 0, 0, 14, 0, 3, 0, 5, 0, 0, 0, 1, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff,
    ]),
  }
  garbage['a string that is too long'] = Buffer.concat([
    Buffer.from([0, 0, 0x9c, 0x52, 0, 18, 0, 3, 0, 0, 0, 1, 0xff, 0xff, 0, 0xc1, 0xb8, 2]),
    Buffer.alloc(40_004, 97),
  ])
  for (const [what, bytes] of Object.entries(garbage)) {
    it(`closes the connection on ${what}, and no other connection`, async () => {
      const client = await broker.connect()
      client.socket.write(bytes)
      await client.closed
      await isAlive()
    })
  }

  it('answers an unsupported version of ApiVersions in version 0 and keeps the connection', async () => {
    const client = await broker.connect()
    client.socket.write(Buffer.from([0, 0, 0, 12, 0, 18, 0, 77, 0, 0, 0, 9, 0xff, 0xff, 1, 2]))
    const { correlationId, response } = await client.receiveAs('ApiVersions', 0)
    assert.equal(correlationId, 9)
    assert.equal(response.errorCode, ErrorCode.UNSUPPORTED_VERSION)
    assert.deepEqual(response.apiKeys, [{ apiKey: 18, minVersion: 0, maxVersion: 4 }])
    assert.equal((await client.call('ApiVersions', 0, {})).errorCode, ErrorCode.NONE)
  })

  it('accepts requests split and joined in any way', async () => {
    const client = await broker.connect()
    const frame = Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 5, 0xff, 0xff])
    for (const byte of frame) {
      client.socket.write(Buffer.from([byte]))
      await new Promise(resolve => setTimeout(resolve, 1))
    }
    assert.equal((await client.receiveAs('ApiVersions', 0)).correlationId, 5)
    client.socket.write(Buffer.concat([frame, frame, frame]))
    for (let i = 0; i < 3; i++) assert.equal((await client.receiveAs('ApiVersions', 0)).correlationId, 5)
  })

  it('answers in the order of the requests, each of which sees the effects of earlier ones', async () => {
    const topic = await createTopic(broker, 'ordered')
    const client = await broker.connect()
    const expected: [number, number][] = []
    for (let i = 0; i < 30; i++) {
      expected.push([client.send('Produce', 8, produceRequest(topic, `${i}`)), i])
      const partitions = [{ partitionIndex: 0, timestamp: -1 }]
      expected.push([client.send('ListOffsets', 5, { topics: [{ name: topic, partitions }] }), i + 1])
    }
    for (let i = 0; i < expected.length; i += 2) {
      const produced = await client.receiveAs('Produce', 8)
      const listed = await client.receiveAs('ListOffsets', 5)
      const baseOffset = produced.response.responses[0]!.partitionResponses[0]!.baseOffset
      assert.deepEqual([produced.correlationId, baseOffset], expected[i])
      assert.deepEqual([listed.correlationId, listed.response.topics[0]!.partitions[0]!.offset], expected[i + 1])
    }
  })

  it('executes a produce request with acks=0 without a response, even if the client has disconnected', async () => {
    const topic = await createTopic(broker, 'silent')
    const client = await broker.connect()
    for (let i = 0; i < 5; i++) client.send('Produce', 8, { ...produceRequest(topic, `${i}`), acks: 0 })
    client.socket.end()
    await client.closed
    const reader = await broker.connect()
    assert.deepEqual(await readValues(reader, topic, 5), ['0', '1', '2', '3', '4'])
  })

  it('closes the connection if records with acks=0 cannot be stored, after sending earlier responses', async () => {
    const topic = await createTopic(broker, 'unanswered')
    const corrupt = writeRecords([{ value: Buffer.from('x') }], { timestamp: 1 })
    corrupt[17]! ^= 1
    const refused = [produceRequest('no-such-topic', 'x'), produceRequest(topic, 'x', corrupt)]
    for (const request of refused) {
      const client = await broker.connect()
      client.send('Produce', 8, produceRequest(topic, 'answered'))
      client.send('Produce', 8, { ...request, acks: 0 })
      const { response } = await client.receiveAs('Produce', 8)
      assert.equal(response.responses[0]!.partitionResponses[0]!.errorCode, ErrorCode.NONE)
      await client.closed
      await isAlive()
    }
    const kept = await broker.connect()
    kept.send('Produce', 8, { ...produceRequest(topic, 'kept'), acks: 0 })
    const all = [...refused.map(() => 'answered'), 'kept']
    assert.deepEqual(await readValues(kept, topic, all.length), all)
  })

  it('rejects offsets beyond the safe integer range', async () => {
    const name = await createTopic(broker, 'far')
    const client = await broker.connect()
    const commit = async (committedOffset: number) => {
      const request = { groupId: 'g', generationIdOrMemberEpoch: -1, memberId: '' }
      const topics = [{ name, partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: '' }] }]
      const { topics: answers } = await client.call('OffsetCommit', 8, { ...request, topics })
      return answers[0]!.partitions[0]!.errorCode
    }
    assert.equal(await commit(5), ErrorCode.NONE)
    assert.equal(await commit(2 ** 60), ErrorCode.INVALID_COMMIT_OFFSET_SIZE)
    const fetched = await client.call('OffsetFetch', 7, { groupId: 'g', topics: null })
    assert.equal(fetched.topics[0]!.partitions[0]!.committedOffset, 5)
  })

  it('expires the offsets of an unused group', { timeout: 30_000 }, async () => {
    // The retention is half a second.
    const own = await startTestBroker({ offsetsRetentionMinutes: 1 / 120, offsetsRetentionCheckIntervalMs: 20 })
    const name = await createTopic(own, 'idle')
    const client = await own.connect()
    const partitions = [{ partitionIndex: 0, committedOffset: 5, committedMetadata: '' }]
    const request = { groupId: 'g', generationIdOrMemberEpoch: -1, memberId: '', topics: [{ name, partitions }] }
    await client.call('OffsetCommit', 8, request)
    const groups = async () => (await client.call('ListGroups', 4, { statesFilter: [] })).groups.length
    assert.equal(await groups(), 1)
    while ((await groups()) > 0) await new Promise(resolve => setTimeout(resolve, 50))
    const fetched = await client.call('OffsetFetch', 7, { groupId: 'g', topics: null })
    assert.deepEqual(fetched.topics, [])
    await own.close()
  })

  it('stops answering a client that does not read its responses', async () => {
    const topic = await createTopic(broker, 'slow')
    const client = await broker.connect()
    for (let i = 0; i < 4; i++) await client.call('Produce', 8, produceRequest(topic, 'x'.repeat(500_000)))
    client.socket.pause()
    const sentBefore = broker.broker.counters.bytesOut
    for (let i = 0; i < 100; i++) client.send('Fetch', 11, fetchRequest(topic, 0))
    await new Promise(resolve => setTimeout(resolve, 300))
    assert.ok(broker.broker.counters.bytesOut - sentBefore < 50_000_000)
    await isAlive()
  })

  it('never acknowledges records that a full store rejected, and accepts later ones that fit', async () => {
    const own = await startTestBroker({}, 0, openMemoryStore({ maxBytes: 50_000 }))
    const topic = await createTopic(own, 'full')
    const client = await own.connect()
    const produce = async (text: string) =>
      (await client.call('Produce', 8, produceRequest(topic, text))).responses[0]!.partitionResponses[0]!
    assert.equal((await produce('x'.repeat(100_000))).errorCode, ErrorCode.KAFKA_STORAGE_ERROR)
    assert.equal((await produce('fits')).baseOffset, 0)
    assert.deepEqual(await readValues(client, topic, 1), ['fits'])
    await own.close()
  })

  it('closes without waiting for pending fetches', { timeout: 30_000 }, async () => {
    const own = await startTestBroker()
    const topic = await createTopic(own, 'waiting')
    const client = await own.connect()
    client.send('Fetch', 11, { ...fetchRequest(topic, 0), maxWaitMs: 60_000 })
    await new Promise(resolve => setTimeout(resolve, 50))
    // If it waited for the fetch, the test would time out.
    await own.close()
    await client.closed
  })

  it('reports that its port is in use', async () => {
    await assert.rejects(startTestBroker({}, broker.port), { code: 'EADDRINUSE' })
  })
})

async function createTopic(broker: TestBroker, name: string): Promise<string> {
  const client = await broker.connect()
  const topics = [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }]
  const created = await client.call('CreateTopics', 7, { topics })
  assert.equal(created.topics[0]?.errorCode, ErrorCode.NONE)
  return name
}

function produceRequest(
  name: string,
  value: string,
  records = writeRecords([{ value: Buffer.from(value) }], { timestamp: Date.now() }),
) {
  return { acks: -1, topicData: [{ name, partitionData: [{ index: 0, records }] }] }
}

function fetchRequest(topic: string, fetchOffset: number) {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 50_000_000 }]
  return { maxWaitMs: 500, minBytes: 1, isolationLevel: 0, topics: [{ topic, partitions }] }
}

async function readValues(client: TestClient, topic: string, count: number): Promise<string[]> {
  const values: string[] = []
  while (values.length < count) {
    const { responses } = await client.call('Fetch', 11, fetchRequest(topic, values.length))
    let batches = responses[0]!.partitions[0]!.records ?? Buffer.alloc(0)
    while (batches.length > 0) {
      values.push(...readRecords(batches).map(record => String(record.value)))
      batches = batches.subarray(12 + batches.readInt32BE(8))
    }
  }
  return values
}
