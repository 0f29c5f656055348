// Requests encoded by another implementation: ours must decode them and encode the same bytes.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { describe, it } from 'node:test'
import { apis } from './messages/index.gen.ts'
import { Reader } from './reader.ts'
import { Writer } from './writer.ts'

type KafkaJsRequest = (args: object) => { readonly apiVersion: number; encode(): Promise<{ readonly buffer: Buffer }> }

const require = createRequire(import.meta.url)
const kafkaJs = dirname(require.resolve('kafkajs/package.json'))

const acl = {
  resourceType: 2,
  resourceName: 'r',
  resourcePatternType: 4,
  principal: 'User:a',
  host: '*',
  operation: 3,
  permissionType: 3,
}

const cases: readonly [name: keyof typeof apis, version: number, kafkajs: string, args: object, holds: object][] = [
  ['Metadata', 6, 'metadata', { topics: ['a', 'ü'], allowAutoTopicCreation: true }, { allowAutoTopicCreation: true }],
  [
    'Fetch',
    11,
    'fetch',
    {
      replicaId: -1,
      isolationLevel: 1,
      maxWaitTime: 5,
      minBytes: 1,
      maxBytes: 1000,
      rackId: 'r',
      topics: [
        { topic: 't', partitions: [{ partition: 3, currentLeaderEpoch: 7, fetchOffset: '5000000000', maxBytes: 9 }] },
      ],
    },
    { isolationLevel: 1, rackId: 'r' },
  ],
  [
    'ListOffsets',
    3,
    'listOffsets',
    { replicaId: -1, isolationLevel: 0, topics: [{ topic: 't', partitions: [{ partition: 1, timestamp: '-2' }] }] },
    { replicaId: -1 },
  ],
  ['FindCoordinator', 2, 'findCoordinator', { coordinatorKey: 'g', coordinatorType: 1 }, { key: 'g', keyType: 1 }],
  [
    'JoinGroup',
    5,
    'joinGroup',
    {
      groupId: 'g',
      sessionTimeout: 10_000,
      rebalanceTimeout: 20_000,
      memberId: '',
      groupInstanceId: 'i',
      protocolType: 'consumer',
      groupProtocols: [{ name: 'range', metadata: Buffer.from([1, 2, 3]) }],
    },
    { groupInstanceId: 'i', sessionTimeoutMs: 10_000 },
  ],
  [
    'SyncGroup',
    3,
    'syncGroup',
    {
      groupId: 'g',
      generationId: 2,
      memberId: 'm',
      groupInstanceId: null,
      groupAssignment: [{ memberId: 'm', memberAssignment: Buffer.from('x') }],
    },
    { generationId: 2, groupInstanceId: null },
  ],
  [
    'OffsetCommit',
    5,
    'offsetCommit',
    {
      groupId: 'g',
      groupGenerationId: 3,
      memberId: 'm',
      topics: [{ topic: 't', partitions: [{ partition: 0, offset: '9007199254740991', metadata: null }] }],
    },
    { generationIdOrMemberEpoch: 3 },
  ],
  [
    'OffsetFetch',
    4,
    'offsetFetch',
    { groupId: 'g', topics: [{ topic: 't', partitions: [{ partition: 0 }] }] },
    { groupId: 'g' },
  ],
  [
    'CreateTopics',
    3,
    'createTopics',
    {
      topics: [
        {
          topic: 't',
          numPartitions: 2,
          replicationFactor: 1,
          replicaAssignment: [],
          configEntries: [{ name: 'retention.ms', value: '5' }],
        },
      ],
      validateOnly: true,
      timeout: 5,
    },
    { validateOnly: true, timeoutMs: 5 },
  ],
  ['DeleteTopics', 1, 'deleteTopics', { topics: ['a', 'b'], timeout: 1 }, { topicNames: ['a', 'b'] }],
  [
    'AddPartitionsToTxn',
    1,
    'addPartitionsToTxn',
    { transactionalId: 'x', producerId: '7', producerEpoch: 2, topics: [{ topic: 't', partitions: [0, 3] }] },
    { v3AndBelowTransactionalId: 'x', v3AndBelowProducerEpoch: 2 },
  ],
  [
    'AddOffsetsToTxn',
    1,
    'addOffsetsToTxn',
    { transactionalId: 'x', producerId: '7', producerEpoch: 2, groupId: 'g' },
    { groupId: 'g' },
  ],
  [
    'EndTxn',
    1,
    'endTxn',
    { transactionalId: 'x', producerId: '7', producerEpoch: 2, transactionResult: true },
    { committed: true },
  ],
  [
    'TxnOffsetCommit',
    1,
    'txnOffsetCommit',
    {
      transactionalId: 'x',
      groupId: 'g',
      producerId: '7',
      producerEpoch: 2,
      topics: [{ topic: 't', partitions: [{ partition: 1, offset: '9', metadata: 'm' }] }],
    },
    { producerEpoch: 2, groupId: 'g' },
  ],
  ['DescribeAcls', 1, 'describeAcls', acl, { resourceNameFilter: 'r', patternTypeFilter: 4, permissionType: 3 }],
  ['CreateAcls', 1, 'createAcls', { creations: [acl] }, {}],
  ['DeleteAcls', 1, 'deleteAcls', { filters: [acl] }, {}],
  ['InitProducerId', 1, 'initProducerId', { transactionalId: null, transactionTimeout: 5 }, { transactionalId: null }],
]

describe('requests of kafkajs', () => {
  for (const [name, version, folder, args, holds] of cases) {
    it(`${name} v${version}`, async () => {
      const request: KafkaJsRequest = require(`${kafkaJs}/src/protocol/requests/${folder}/v${version}/request.js`)
      const { buffer } = await request(args).encode()
      const api = apis[name]
      const reader = new Reader(buffer)
      const decoded = api.decodeRequest(reader, version)
      assert.equal(reader.remaining, 0)
      assert.deepEqual({ ...decoded, ...holds }, decoded)
      const writer = new Writer()
      // The table pairs each name with its own request, which the types cannot express.
      const encode = api.encodeRequest as (writer: Writer, version: number, request: unknown) => void
      encode(writer, version, decoded)
      assert.deepEqual(Buffer.concat(writer.finish()), buffer)
    })
  }
})
