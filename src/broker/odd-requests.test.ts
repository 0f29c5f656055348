// The answers of Apache Kafka 4.1 to unusual but legal requests: each case was observed there.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { errorName, writeRecords, zeroUuid } from '../kafka/index.ts'
import { resourceTypes } from './config-resources.ts'
import { startTestBroker, type TestBroker, type TestClient } from './test-client.ts'

const SET = 0
const DELETE = 1
const APPEND = 2
const SUBTRACT = 3

describe('unusual requests are answered as by Kafka', () => {
  let broker: TestBroker
  let client: TestClient

  before(async () => {
    broker = await startTestBroker({ transactionAbortIntervalMs: 20 })
    client = await broker.connect()
    await createTopic('orders')
    await createTopic('compacted', { 'cleanup.policy': 'compact' })
    await createTopic('both', { 'cleanup.policy': 'compact,delete' })
  })
  after(() => broker.close())

  async function createTopic(name: string, configs: Record<string, string> = {}): Promise<string> {
    const topic = {
      name,
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    }
    const { topics } = await client.call('CreateTopics', 7, { topics: [topic], timeoutMs: 1000, validateOnly: false })
    return errorName(topics[0]!.errorCode)
  }

  async function alter(
    resourceType: number,
    resourceName: string,
    name: string,
    configOperation: number,
    value: string | null,
  ): Promise<string> {
    const configs = [{ name, configOperation, value }]
    const resources = [{ resourceType, resourceName, configs }]
    const { responses } = await client.call('IncrementalAlterConfigs', 1, { resources, validateOnly: false })
    return errorName(responses[0]!.errorCode)
  }

  async function described(resourceType: number, resourceName: string, configurationKeys: string[] | null = null) {
    const { results } = await client.call('DescribeConfigs', 4, {
      resources: [{ resourceType, resourceName, configurationKeys }],
      includeSynonyms: true,
      includeDocumentation: false,
    })
    const [result] = results
    return { error: errorName(result!.errorCode), configs: result!.configs }
  }

  const { topic, broker: ofBroker, brokerLogger, clientMetrics, group } = resourceTypes

  it('topic settings: bounds, lists and contradictory pairs', async () => {
    const refused: [string, Record<string, string>][] = [
      ['gzip-0', { 'compression.gzip.level': '0' }],
      ['gzip-10', { 'compression.gzip.level': '10' }],
      ['segment', { 'segment.bytes': '1048575' }],
      ['throttled', { 'leader.replication.throttled.replicas': 'all' }],
      ['lag', { 'min.compaction.lag.ms': '10', 'max.compaction.lag.ms': '5' }],
    ]
    for (const [name, configs] of refused) assert.equal(await createTopic(name, configs), 'INVALID_CONFIG', name)
    assert.equal(await createTopic('taken', { 'leader.replication.throttled.replicas': '0:1, 1:1' }), 'NONE')
    assert.equal(await createTopic('none', { 'cleanup.policy': '' }), 'NONE')
    assert.equal(await createTopic('__cluster_metadata'), 'INVALID_REQUEST')

    assert.equal(await alter(topic, 'orders', 'min.compaction.lag.ms', SET, '9'), 'NONE')
    assert.equal(await alter(topic, 'orders', 'max.compaction.lag.ms', SET, '8'), 'INVALID_CONFIG')
    assert.equal(await alter(topic, 'orders', 'retention.ms', SET, null), 'INVALID_REQUEST')
    assert.equal(await alter(topic, 'orders', 'cleanup.policy', APPEND, null), 'INVALID_REQUEST')
    assert.equal(await alter(topic, 'orders', 'no.such.setting', DELETE, null), 'NONE')
    assert.equal(await alter(topic, 'orders', 'cleanup.policy', SET, ' compact , delete '), 'NONE')
    const policy = async () => (await described(topic, 'orders', ['cleanup.policy'])).configs[0]!.value
    assert.equal(await policy(), 'compact,delete')
    assert.equal(await alter(topic, 'orders', 'cleanup.policy', SUBTRACT, 'delete,compact'), 'NONE')
    assert.equal(await policy(), '')
  })

  // Kafka drops the first batch here; both are kept, because nothing that is sent should vanish.
  it('a partition twice in one Produce request', async () => {
    await createTopic('twice')
    const partitionData = ['a', 'b'].map(value => ({
      index: 0,
      records: writeRecords([{ value: Buffer.from(value) }], { timestamp: Date.now() }),
    }))
    const topicData = [{ name: 'twice', partitionData }]
    const request = { acks: -1, timeoutMs: 5000, transactionalId: null, topicData }
    const { responses } = await client.call('Produce', 9, request)
    assert.deepEqual(
      responses[0]!.partitionResponses.map(({ index, errorCode, baseOffset }) => [index, errorCode, baseOffset]),
      [
        [0, 0, 0],
        [0, 0, 1],
      ],
    )
  })

  it('invalid names of configuration resources', async () => {
    assert.equal(await alter(topic, 'a b', 'retention.ms', SET, '5'), 'INVALID_TOPIC_EXCEPTION')
    assert.equal(await alter(topic, '', 'retention.ms', SET, '5'), 'INVALID_REQUEST')
    assert.equal((await described(topic, 'a b')).error, 'INVALID_TOPIC_EXCEPTION')
    for (const type of [brokerLogger, clientMetrics, group]) {
      assert.equal((await described(type, '')).error, 'INVALID_REQUEST', `type ${type}`)
    }
    assert.ok((await described(topic, 'orders', [])).configs.length > 30, 'no keys ask for all')
    const { errorCode } = await client.call('ListConfigResources', 1, { resourceTypes: [99] })
    assert.equal(errorName(errorCode), 'UNSUPPORTED_VERSION')
  })

  it('illegal settings of brokers and client metrics', async () => {
    assert.equal(await alter(ofBroker, '', 'log.retention.ms', SET, 'x'), 'INVALID_REQUEST')
    assert.equal(await alter(ofBroker, '', 'node.id', SET, '7'), 'INVALID_REQUEST')
    assert.equal(await alter(clientMetrics, 'all', 'interval.ms', SET, '5'), 'INVALID_REQUEST')
    assert.equal(await alter(clientMetrics, 'all', 'no.such.setting', SET, '5'), 'INVALID_REQUEST')
    assert.equal(await alter(clientMetrics, 'all', 'match', SET, 'colour=red'), 'INVALID_CONFIG')
  })

  it('the value of one broker lists that of all brokers among its synonyms', async () => {
    await alter(ofBroker, '', 'log.retention.ms', SET, '7200000')
    await alter(ofBroker, '1', 'log.retention.ms', SET, '3600000')
    const { configs } = await described(topic, 'orders', ['retention.ms'])
    assert.deepEqual(
      configs[0]!.synonyms.map(({ value, source }) => [value, source]),
      [
        ['3600000', 2],
        ['7200000', 3],
        ['604800000', 5],
      ],
    )
    await alter(ofBroker, '1', 'log.retention.ms', DELETE, null)
    await alter(ofBroker, '', 'log.retention.ms', DELETE, null)
  })

  it('pages of partitions: cursors outside the requested topics, and invalid topic names', async () => {
    const page = async (names: string[], cursor: { topicName: string; partitionIndex: number } | null) => {
      const topics = names.map(name => ({ name }))
      const request = { topics, responsePartitionLimit: 10, cursor }
      const answer = await client.call('DescribeTopicPartitions', 0, request)
      return answer.topics.map(({ errorCode, partitions }) => [errorName(errorCode), partitions.length])
    }
    assert.deepEqual(await page(['orders'], { topicName: 'orders', partitionIndex: 0 }), [['NONE', 1]])
    assert.deepEqual(await page(['orders'], { topicName: 'orders', partitionIndex: -1 }), [['INVALID_REQUEST', 0]])
    assert.deepEqual(await page(['orders'], { topicName: 'others', partitionIndex: 0 }), [['INVALID_REQUEST', 0]])
    assert.deepEqual(await page([], { topicName: 'zz-gone-since-the-last-page', partitionIndex: 3 }), [])
    assert.deepEqual(await page(['a b', 'nothing'], null), [
      ['INVALID_TOPIC_EXCEPTION', 0],
      ['UNKNOWN_TOPIC_OR_PARTITION', 0],
    ])
  })

  it('a topic without an id in a version that uses ids', async () => {
    const partition = { partition: 0, fetchOffset: 0, partitionMaxBytes: 100 }
    const answer = await client.call('Fetch', 13, {
      ...{ maxWaitMs: 0, minBytes: 0, isolationLevel: 0 },
      topics: [{ topicId: zeroUuid, partitions: [partition] }],
      forgottenTopicsData: [],
    })
    assert.equal(errorName(answer.responses[0]!.partitions[0]!.errorCode), 'UNKNOWN_TOPIC_ID')
  })

  it('records of internal topics cannot be deleted', async () => {
    const commit = { partitionIndex: 0, committedOffset: 1, committedMetadata: '' }
    const topics = [{ name: 'orders', partitions: [commit] }]
    await client.call('OffsetCommit', 8, { groupId: 'simple', generationIdOrMemberEpoch: -1, memberId: '', topics })
    const answer = await client.call('DeleteRecords', 2, {
      topics: [{ name: '__consumer_offsets', partitions: [{ partitionIndex: 0, offset: -1 }] }],
      timeoutMs: 1000,
    })
    assert.equal(errorName(answer.topics[0]!.partitions[0]!.errorCode), 'INVALID_TOPIC_EXCEPTION')
  })

  it('a topic named twice in a DeleteTopics request is answered once', async () => {
    const { responses } = await client.call('DeleteTopics', 5, { topicNames: ['orders', 'orders'], timeoutMs: 1000 })
    assert.deepEqual(
      responses.map(({ name, errorCode }) => [name, errorName(errorCode)]),
      [['orders', 'INVALID_REQUEST']],
    )
    const neither = await client.call('DeleteTopics', 6, {
      topics: [{ name: null, topicId: zeroUuid }],
      timeoutMs: 1000,
    })
    assert.equal(errorName(neither.responses[0]!.errorCode), 'INVALID_REQUEST')
  })

  it('records of a topic that is compacted but never deleted cannot be deleted by offset', async () => {
    const outcome = async (name: string) => {
      const topics = [{ name, partitions: [{ partitionIndex: 0, offset: -1 }] }]
      const answer = await client.call('DeleteRecords', 2, { topics, timeoutMs: 1000 })
      return errorName(answer.topics[0]!.partitions[0]!.errorCode)
    }
    assert.equal(await outcome('compacted'), 'POLICY_VIOLATION')
    assert.equal(await outcome('both'), 'NONE')
  })

  it('an election of an unknown type', async () => {
    const topicPartitions = [{ topic: 'orders', partitions: [0] }]
    const answer = await client.call('ElectLeaders', 2, { electionType: 2, topicPartitions, timeoutMs: 1000 })
    assert.equal(errorName(answer.errorCode), 'INVALID_REQUEST')
    assert.equal(errorName(answer.replicaElectionResults[0]!.partitionResult[0]!.errorCode), 'INVALID_REQUEST')
  })

  it('quotas: match types with a superfluous or missing name, and invalid addresses', async () => {
    const filter = async (matchType: number, match: string | null) => {
      const components = [{ entityType: 'user', matchType, match }]
      return errorName((await client.call('DescribeClientQuotas', 1, { components, strict: false })).errorCode)
    }
    assert.deepEqual([await filter(0, null), await filter(2, 'x')], ['INVALID_REQUEST', 'INVALID_REQUEST'])
    const limit = async (entityName: string) => {
      const ops = [{ key: 'connection_creation_rate', value: 5, remove: false }]
      const entries = [{ entity: [{ entityType: 'ip', entityName }], ops }]
      const answer = await client.call('AlterClientQuotas', 1, { entries, validateOnly: true })
      return errorName(answer.entries[0]!.errorCode)
    }
    assert.equal(await limit('not a host'), 'INVALID_REQUEST')
    for (const name of ['10.0.0.1', '::1', 'host-1.example']) assert.equal(await limit(name), 'NONE', name)
  })

  it('a rejected feature update lists no features', async () => {
    const update = async (upgradeType: number, feature: string, maxVersionLevel: number) => {
      const featureUpdates = [{ feature, maxVersionLevel, upgradeType }]
      const answer = await client.call('UpdateFeatures', 1, { featureUpdates, validateOnly: true })
      return [errorName(answer.errorCode), answer.results.length]
    }
    assert.deepEqual(await update(1, 'no.such.feature', 1), ['INVALID_UPDATE_VERSION', 0])
    assert.deepEqual(await update(0, 'transaction.version', 2), ['INVALID_UPDATE_VERSION', 0])
    assert.deepEqual(await update(1, 'transaction.version', 2), ['NONE', 1])
  })

  it('a null topic name is invalid before version 12 of Metadata', async () => {
    const topics = [{ topicId: zeroUuid, name: null }]
    const answer = await client.call('Metadata', 11, { topics, allowAutoTopicCreation: false })
    assert.equal(errorName(answer.topics[0]!.errorCode), 'INVALID_REQUEST')
  })

  it('records: unknown magic, a transaction without an id, and invalid timestamps with their indexes', async () => {
    await createTopic('dated', { 'message.timestamp.before.max.ms': '1000' })
    const produce = async (name: string, records: Buffer) => {
      const topicData = [{ name, partitionData: [{ index: 0, records }] }]
      const request = { transactionalId: null, acks: -1, timeoutMs: 1000, topicData }
      const answer = await client.call('Produce', 9, request)
      const { errorCode, recordErrors } = answer.responses[0]!.partitionResponses[0]!
      return [errorName(errorCode), recordErrors.map(({ batchIndex }) => batchIndex)]
    }
    const value = Buffer.from('v')
    const now = Date.now()
    const strange = writeRecords([{ value }], { timestamp: now })
    strange[16] = 3
    assert.deepEqual(await produce('orders', strange), ['CORRUPT_MESSAGE', []])
    const producer = { producerId: 5, producerEpoch: 0, baseSequence: 0 }
    const transactional = writeRecords([{ value }], { timestamp: now, transactional: true, ...producer })
    assert.deepEqual(await produce('orders', transactional), ['TRANSACTIONAL_ID_AUTHORIZATION_FAILED', []])
    assert.deepEqual(await produce('dated', writeRecords([{ value }, { value }], { timestamp: 5 })), [
      'INVALID_TIMESTAMP',
      [0, 1],
    ])
    assert.deepEqual(await produce('dated', writeRecords([{ value }], { timestamp: -1 })), ['NONE', []])
    const topicData = [{ topicId: zeroUuid, partitionData: [{ index: 0, records: strange }] }]
    const byId = await client.call('Produce', 13, { transactionalId: null, acks: -1, timeoutMs: 1000, topicData })
    assert.equal(errorName(byId.responses[0]!.partitionResponses[0]!.errorCode), 'UNKNOWN_TOPIC_ID')
  })

  it('empty transactional ids, and a producer epoch without a producer id', async () => {
    const producer = { producerId: 1, producerEpoch: 0 }
    const added = await client.call('AddOffsetsToTxn', 3, { transactionalId: '', ...producer, groupId: 'g' })
    const ended = await client.call('EndTxn', 3, { transactionalId: '', ...producer, committed: true })
    const partitions = await client.call('AddPartitionsToTxn', 3, {
      v3AndBelowTransactionalId: '',
      v3AndBelowProducerId: 1,
      v3AndBelowProducerEpoch: 0,
      v3AndBelowTopics: [{ name: 'orders', partitions: [0] }],
    })
    const { transactionStates } = await client.call('DescribeTransactions', 0, { transactionalIds: [''] })
    const request = { transactionalId: null, transactionTimeoutMs: 1000, producerId: -1, producerEpoch: 3 }
    const half = await client.call('InitProducerId', 4, request)
    const codes = [
      added.errorCode,
      ended.errorCode,
      partitions.resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode,
      transactionStates[0]!.errorCode,
      half.errorCode,
    ]
    assert.deepEqual(
      codes.map(errorName),
      Array.from(codes, () => 'INVALID_REQUEST'),
    )
  })

  it('members of unknown groups, and groups without a name', async () => {
    const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }] }]
    const commit = async (version: number) => {
      const member = { memberId: 'm', generationIdOrMemberEpoch: 3 }
      const answer = await client.call('OffsetCommit', version, { groupId: 'nobody', ...member, topics })
      return errorName(answer.topics[0]!.partitions[0]!.errorCode)
    }
    assert.equal(await commit(8), 'ILLEGAL_GENERATION')
    assert.equal(await commit(9), 'GROUP_ID_NOT_FOUND')
    const inTransaction = async (groupId: string) => {
      const member = { memberId: 'm', generationId: 3, producerId: 1, producerEpoch: 0 }
      const answer = await client.call('TxnOffsetCommit', 3, { transactionalId: 'tx', groupId, ...member, topics })
      return errorName(answer.topics[0]!.partitions[0]!.errorCode)
    }
    assert.deepEqual(
      [await inTransaction('nobody'), await inTransaction('')],
      ['ILLEGAL_GENERATION', 'INVALID_GROUP_ID'],
    )
    const nameless = { groupId: '', generationIdOrMemberEpoch: -1, memberId: '', topics }
    await client.call('OffsetCommit', 8, nameless)
    const removed = async () => {
      const { results } = await client.call('DeleteGroups', 2, { groupsNames: [''] })
      return errorName(results[0]!.errorCode)
    }
    assert.deepEqual([await removed(), await removed()], ['NONE', 'GROUP_ID_NOT_FOUND'], 'a commit makes such a group')
    const deleted = await client.call('OffsetDelete', 0, { groupId: '', topics: [] })
    assert.equal(errorName(deleted.errorCode), 'INVALID_GROUP_ID')
    const sync = { groupId: 'g', generationId: 1, memberId: 'm', assignments: [] }
    const synced = await client.call('SyncGroup', 5, { ...sync, protocolType: null, protocolName: null })
    assert.equal(errorName(synced.errorCode), 'INCONSISTENT_GROUP_PROTOCOL')
  })

  it('members of the new protocol that use an old OffsetCommit, are rejected, or leave', async () => {
    const heartbeat = (memberId: string, memberEpoch: number, serverAssignor: string | null = null) =>
      client.call('ConsumerGroupHeartbeat', 1, {
        groupId: 'new',
        memberId,
        memberEpoch,
        serverAssignor,
        rebalanceTimeoutMs: 5000,
        subscribedTopicNames: ['orders'],
        topicPartitions: [],
      })
    const refused = await heartbeat('a', 0, 'by-colour')
    assert.deepEqual([errorName(refused.errorCode), refused.memberId], ['UNSUPPORTED_ASSIGNOR', null])
    const { memberEpoch } = await heartbeat('a', 0)
    const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }] }]
    const member = { groupId: 'new', memberId: 'a', generationIdOrMemberEpoch: memberEpoch }
    const old = await client.call('OffsetCommit', 8, { ...member, topics })
    assert.equal(errorName(old.topics[0]!.partitions[0]!.errorCode), 'UNSUPPORTED_VERSION')
    const left = await heartbeat('a', -1)
    assert.deepEqual([left.memberId, left.memberEpoch, left.heartbeatIntervalMs], ['a', -1, 0])
  })

  it('a producer whose transaction timed out can continue with its old id and epoch', async () => {
    const request = { transactionalId: 'slow', transactionTimeoutMs: 1, producerId: -1, producerEpoch: -1 }
    const { producerId, producerEpoch } = await client.call('InitProducerId', 4, request)
    await client.call('AddPartitionsToTxn', 3, {
      v3AndBelowTransactionalId: 'slow',
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: [{ name: 'orders', partitions: [0] }],
    })
    const phase = async () =>
      (await client.call('DescribeTransactions', 0, { transactionalIds: ['slow'] })).transactionStates[0]!
        .transactionState
    while ((await phase()) !== 'CompleteAbort') await setTimeout(10)
    const again = await client.call('InitProducerId', 4, { ...request, producerId, producerEpoch })
    assert.deepEqual([errorName(again.errorCode), again.producerEpoch], ['NONE', producerEpoch + 1])
  })

  it('a group whose only client has not rejoined with its member id can be deleted', async () => {
    const { errorCode } = await join('waiting', '')
    assert.equal(errorName(errorCode), 'MEMBER_ID_REQUIRED')
    const { results } = await client.call('DeleteGroups', 2, { groupsNames: ['waiting'] })
    assert.equal(errorName(results[0]!.errorCode), 'NONE')
  })

  it('offsets of a group are not deleted while the subscription of a member is unknown', async () => {
    const { memberId } = await join('secretive', '')
    assert.equal(errorName((await join('secretive', memberId)).errorCode), 'NONE')
    const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0 }] }]
    const answer = await client.call('OffsetDelete', 0, { groupId: 'secretive', topics })
    assert.equal(errorName(answer.topics[0]!.partitions[0]!.errorCode), 'GROUP_SUBSCRIBED_TO_TOPIC')
  })

  it('verifying a partition of a completed transaction answers TRANSACTION_ABORTABLE', async () => {
    const init = { transactionalId: 'over', transactionTimeoutMs: 1000, producerId: -1, producerEpoch: -1 }
    const { producerId, producerEpoch } = await client.call('InitProducerId', 4, init)
    for (const version of [4, 5]) {
      const topics = [{ name: 'orders', partitions: [0] }]
      const transaction = { transactionalId: 'over', producerId, producerEpoch, verifyOnly: true, topics }
      const answer = await client.call('AddPartitionsToTxn', version, { transactions: [transaction] })
      const [result] = answer.resultsByTransaction[0]!.topicResults[0]!.resultsByPartition
      assert.equal(errorName(result!.partitionErrorCode), 'TRANSACTION_ABORTABLE')
    }
  })

  it('a rejected heartbeat carries an error message', async () => {
    const answer = await client.call('ConsumerGroupHeartbeat', 1, {
      groupId: 'nobody',
      memberId: 'a',
      memberEpoch: 3,
      subscribedTopicNames: null,
      topicPartitions: null,
    })
    assert.equal(errorName(answer.errorCode), 'GROUP_ID_NOT_FOUND')
    assert.ok(answer.errorMessage)
  })

  const join = (groupId: string, memberId: string) =>
    client.call('JoinGroup', 5, {
      groupId,
      memberId,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 1000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.from('m') }],
    })
})
