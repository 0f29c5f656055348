import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { batchExtent, errorName, readRecords, writeRecords, zeroUuid } from '../../kafka/index.ts'
import { startTestBroker, type TestBroker, type TestClient } from '../test-client.ts'
import { shardOf } from '../shard.ts'
import { offsetsTopicName } from './offsets-topic.ts'

describe('the topic that monitoring tools read group offsets from', () => {
  let broker: TestBroker
  let client: TestClient

  before(async () => {
    broker = await startTestBroker()
    client = await broker.connect()
    const topic = { name: 'orders', numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }
    await client.call('CreateTopics', 7, { topics: [topic], timeoutMs: 1000, validateOnly: false })
  })
  after(() => broker.close())

  const commit = async (group: string, partitionIndex: number, committedOffset: number) => {
    const partitions = [{ partitionIndex, committedOffset, committedMetadata: 'note' }]
    const topics = [{ name: 'orders', partitions }]
    const answer = await client.call('OffsetCommit', 5, { groupId: group, memberId: '', topics })
    assert.equal(errorName(answer.topics[0]!.partitions[0]!.errorCode), 'NONE')
  }

  /** The last offset in the topic by group, topic and partition; waits until `isComplete`. */
  const copied = async (group: string, isComplete: (offsets: Map<string, number | null>) => boolean) => {
    const partition = shardOf(group)
    for (;;) {
      const partitions = [{ partition, fetchOffset: 0, partitionMaxBytes: 1e6 }]
      const { responses } = await client.call('Fetch', 11, {
        maxWaitMs: 100,
        minBytes: 1e6,
        maxBytes: 1e6,
        isolationLevel: 0,
        sessionEpoch: -1,
        topics: [{ topic: offsetsTopicName, partitions }],
        forgottenTopicsData: [],
      })
      const offsets = new Map<string, number | null>()
      let bytes = responses[0]!.partitions[0]!.records!
      while (bytes.length > 0) {
        for (const { key, value } of readRecords(bytes)) {
          offsets.set(placeOf(key!), value === null ? null : Number(value.readBigInt64BE(2)))
        }
        bytes = bytes.subarray(batchExtent(bytes, 0)!.sizeBytes)
      }
      if (isComplete(offsets)) return offsets
    }
  }

  it('contains offsets committed in transactions once these commit, and none of aborted ones', async () => {
    const groupId = 'transactional'
    const init = { transactionalId: 'tx', transactionTimeoutMs: 60_000, producerId: -1, producerEpoch: -1 }
    const { producerId, producerEpoch } = await client.call('InitProducerId', 4, init)
    const producer = { transactionalId: 'tx', producerId, producerEpoch }
    const transaction = async (partitionIndex: number, committedOffset: number, committed: boolean) => {
      await client.call('AddOffsetsToTxn', 3, { ...producer, groupId })
      const topics = [{ name: 'orders', partitions: [{ partitionIndex, committedOffset, committedMetadata: '' }] }]
      await client.call('TxnOffsetCommit', 3, { ...producer, groupId, topics })
      await client.call('EndTxn', 3, { ...producer, committed })
    }
    await transaction(1, 9, false)
    await transaction(0, 7, true)
    const offsets = await copied(groupId, all => all.has(`${groupId}/orders/0`))
    assert.deepEqual([...offsets], [[`${groupId}/orders/0`, 7]])
  })

  it('is created, internal and compacted, with the first commit', async () => {
    await commit('g', 0, 5)
    const { topics } = await client.call('Metadata', 9, { topics: [{ name: offsetsTopicName }] })
    assert.deepEqual([topics[0]!.errorCode, topics[0]!.isInternal, topics[0]!.partitions.length], [0, true, 50])
    const resources = [{ resourceType: 2, resourceName: offsetsTopicName, configurationKeys: ['cleanup.policy'] }]
    const { results } = await client.call('DescribeConfigs', 1, { resources })
    assert.equal(results[0]!.configs[0]!.value, 'compact')
  })

  it('contains what groups commit, and tombstones for deleted offsets', async () => {
    await commit('g', 0, 7)
    await commit('g', 1, 9)
    const offsets = await copied('g', known => known.get('g/orders/0') === 7 && known.get('g/orders/1') === 9)
    assert.equal(offsets.size, 2)
    const topics = [{ name: 'orders', partitions: [{ partitionIndex: 1 }] }]
    await client.call('OffsetDelete', 0, { groupId: 'g', topics })
    await copied('g', known => known.get('g/orders/1') === null)
    await client.call('DeleteGroups', 1, { groupsNames: ['g'] })
    await copied('g', known => known.get('g/orders/0') === null)
  })

  it('cannot be written to by clients', async () => {
    const records = writeRecords([{ key: Buffer.from('k'), value: null }], { timestamp: 0 })
    const topicData = [{ name: offsetsTopicName, topicId: zeroUuid, partitionData: [{ index: 0, records }] }]
    const answer = await client.call('Produce', 9, { transactionalId: null, acks: -1, timeoutMs: 1000, topicData })
    assert.equal(errorName(answer.responses[0]!.partitionResponses[0]!.errorCode), 'INVALID_TOPIC_EXCEPTION')
  })
})

/** Formats group, topic and partition of a key of version 1. */
function placeOf(key: Buffer): string {
  assert.equal(key.readInt16BE(0), 1)
  const group = key.subarray(4, 4 + key.readInt16BE(2))
  const rest = key.subarray(4 + group.length)
  const topic = rest.subarray(2, 2 + rest.readInt16BE(0))
  return [group, topic, rest.readInt32BE(2 + topic.length)].map(String).join('/')
}
