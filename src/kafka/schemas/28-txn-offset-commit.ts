import type { Schema } from '../schema.ts'

// v3 the member of the group and its generation (KIP-447). v4 and v5 only permit new
// errors and need no AddOffsetsToTxn (KIP-890).
export default {
  key: 28,
  name: 'TxnOffsetCommit',
  versions: '0-5',
  flexible: '3+',
  request: [
    { name: 'transactionalId', type: 'string' },
    { name: 'groupId', type: 'string' },
    { name: 'producerId', type: 'int64' },
    { name: 'producerEpoch', type: 'int16' },
    { name: 'generationId', type: 'int32', versions: '3+', default: -1 },
    { name: 'memberId', type: 'string', versions: '3+' },
    { name: 'groupInstanceId', type: 'string', versions: '3+', nullable: '3+' },
    {
      name: 'topics',
      type: '[]TxnOffsetCommitRequestTopic',
      fields: [
        { name: 'name', type: 'string' },
        {
          name: 'partitions',
          type: '[]TxnOffsetCommitRequestPartition',
          fields: [
            { name: 'partitionIndex', type: 'int32' },
            { name: 'committedOffset', type: 'int64' },
            { name: 'committedLeaderEpoch', type: 'int32', versions: '2+', default: -1 },
            { name: 'committedMetadata', type: 'string', nullable: '0+' },
          ],
        },
      ],
    },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    {
      name: 'topics',
      type: '[]TxnOffsetCommitResponseTopic',
      fields: [
        { name: 'name', type: 'string' },
        {
          name: 'partitions',
          type: '[]TxnOffsetCommitResponsePartition',
          fields: [
            { name: 'partitionIndex', type: 'int32' },
            { name: 'errorCode', type: 'int16' },
          ],
        },
      ],
    },
  ],
} satisfies Schema
