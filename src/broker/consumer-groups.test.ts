import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { randomUUID } from 'node:crypto'
import { Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import { errorName } from '../kafka/index.ts'
import { startTestBroker, type TestBroker, type TestClient } from './test-client.ts'

describe('groups of the consumer protocol over the Kafka port', () => {
  let broker: TestBroker
  let client: TestClient

  before(async () => {
    broker = await startTestBroker()
    client = await broker.connect()
  })
  after(() => broker.close())

  async function createTopic(name: string, numPartitions: number) {
    const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }
    await client.call('CreateTopics', 7, { topics: [topic], timeoutMs: 1000, validateOnly: false })
  }

  type Heartbeat = Parameters<typeof client.call<'ConsumerGroupHeartbeat'>>[2]

  const heartbeat = (groupId: string, memberId: string, memberEpoch: number, given: Partial<Heartbeat> = {}) =>
    client.call('ConsumerGroupHeartbeat', 1, {
      groupId,
      memberId,
      memberEpoch,
      instanceId: null,
      rackId: null,
      subscribedTopicNames: null,
      subscribedTopicRegex: null,
      serverAssignor: null,
      topicPartitions: null,
      ...given,
    })

  const joining = (topic: string): Partial<Heartbeat> => ({
    rebalanceTimeoutMs: 8000,
    subscribedTopicNames: [topic],
    topicPartitions: [],
  })

  it('reject invalid heartbeats', async () => {
    await createTopic('refused', 1)
    const id = randomUUID()
    const codes = [
      await heartbeat('', id, 0, joining('refused')),
      await heartbeat('g', '', 0, joining('refused')),
      await heartbeat('g', id, 0, { ...joining('refused'), subscribedTopicNames: null }),
      await heartbeat('g', id, 0, { ...joining('refused'), rebalanceTimeoutMs: -1 }),
      await heartbeat('g', id, -2),
      await heartbeat('g', id, -3),
    ].map(({ errorCode }) => errorName(errorCode))
    assert.deepEqual(new Set(codes), new Set(['INVALID_REQUEST']))
  })

  it('are described and listed with their type, and unknown to requests for classic groups', async () => {
    await createTopic('described', 2)
    const id = randomUUID()
    await heartbeat('described', id, 0, joining('described'))
    const { groups } = await client.call('ConsumerGroupDescribe', 1, {
      groupIds: ['described', 'unknown'],
      includeAuthorizedOperations: false,
    })
    const [known, unknown] = groups
    assert.equal(known!.groupState, 'Stable')
    assert.deepEqual(
      known!.members.map(member => [member.memberId, member.assignment.topicPartitions[0]!.partitions]),
      [[id, [0, 1]]],
    )
    assert.equal(errorName(unknown!.errorCode), 'GROUP_ID_NOT_FOUND')
    const listed = await client.call('ListGroups', 5, { statesFilter: [], typesFilter: ['Consumer'] })
    assert.deepEqual(
      listed.groups.map(({ groupId, groupType, groupState }) => [groupId, groupType, groupState]),
      [['described', 'consumer', 'Stable']],
    )
    const classic = await client.call('DescribeGroups', 6, {
      groups: ['described'],
      includeAuthorizedOperations: false,
    })
    assert.equal(errorName(classic.groups[0]!.errorCode), 'GROUP_ID_NOT_FOUND')
  })

  it('follow topics that gain partitions or are created later', async () => {
    const id = randomUUID()
    const first = await heartbeat('grows', id, 0, joining('grows'))
    assert.deepEqual(first.assignment!.topicPartitions, [])
    await createTopic('grows', 1)
    const second = await heartbeat('grows', id, first.memberEpoch)
    assert.deepEqual(second.assignment!.topicPartitions[0]!.partitions, [0])
    await client.call('CreatePartitions', 3, {
      topics: [{ name: 'grows', count: 3, assignments: null }],
      timeoutMs: 1000,
      validateOnly: false,
    })
    const third = await heartbeat('grows', id, second.memberEpoch)
    assert.deepEqual(third.assignment!.topicPartitions[0]!.partitions, [0, 1, 2])
  })

  it('use the intervals configured for the group', async () => {
    const configs = [{ name: 'consumer.heartbeat.interval.ms', configOperation: 0, value: '7000' }]
    await client.call('IncrementalAlterConfigs', 1, {
      resources: [{ resourceType: 32, resourceName: 'slow', configs }],
      validateOnly: false,
    })
    const { heartbeatIntervalMs } = await heartbeat('slow', randomUUID(), 0, joining('slow'))
    assert.equal(heartbeatIntervalMs, 7000)
  })

  it('check the member epoch in offset fetches', async () => {
    await createTopic('offsets', 1)
    const id = randomUUID()
    const { memberEpoch } = await heartbeat('offsets', id, 0, joining('offsets'))
    const fetch = async (memberId: string, epoch: number) => {
      const topics = [{ name: 'offsets', partitionIndexes: [0] }]
      const { groups } = await client.call('OffsetFetch', 9, {
        groups: [{ groupId: 'offsets', memberId, memberEpoch: epoch, topics }],
        requireStable: false,
      })
      return errorName(groups[0]!.errorCode)
    }
    assert.equal(await fetch(id, memberEpoch), 'NONE')
    assert.equal(await fetch(id, memberEpoch + 1), 'STALE_MEMBER_EPOCH')
    assert.equal(await fetch('nobody', memberEpoch), 'UNKNOWN_MEMBER_ID')
  })

  it('let @platformatic/kafka read, commit and resume where it left off', { timeout: 60_000 }, async () => {
    await createTopic('read', 3)
    const bootstrapBrokers = [`127.0.0.1:${broker.port}`]
    const producer = new Producer({ clientId: 'p', bootstrapBrokers, serializers: stringSerializers })
    await producer.send({
      messages: Array.from({ length: 60 }, (_, i) => ({ topic: 'read', key: `${i}`, value: `${i}` })),
    })
    await producer.close()
    const seen: string[] = []
    for (const wanted of [40, 20]) {
      const consumer = new Consumer({
        clientId: 'c',
        groupId: 'read',
        groupProtocol: 'consumer',
        bootstrapBrokers,
        deserializers: stringDeserializers,
      })
      const stream = await consumer.consume({
        topics: ['read'],
        mode: 'committed',
        fallbackMode: 'earliest',
        autocommit: false,
      })
      let count = 0
      for await (const message of stream) {
        seen.push(message.value!)
        await message.commit()
        if (++count === wanted) break
      }
      await stream.close()
      await consumer.close(true)
    }
    assert.deepEqual(
      seen.map(Number).toSorted((a, b) => a - b),
      Array.from({ length: 60 }, (_, i) => i),
    )
  })
})
