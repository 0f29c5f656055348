import type { Schema } from '../schema.ts'

// KIP-966: paginated partitions.
export default {
  key: 75,
  name: 'DescribeTopicPartitions',
  versions: '0-0',
  flexible: '0+',
  request: [
    { name: 'topics', type: '[]TopicRequest', fields: [{ name: 'name', type: 'string' }] },
    { name: 'responsePartitionLimit', type: 'int32', default: 2000 },
    {
      name: 'cursor',
      type: 'RequestCursor',
      nullable: '0+',
      fields: [
        { name: 'topicName', type: 'string' },
        { name: 'partitionIndex', type: 'int32' },
      ],
    },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    {
      name: 'topics',
      type: '[]DescribeTopicPartitionsResponseTopic',
      fields: [
        { name: 'errorCode', type: 'int16' },
        { name: 'name', type: 'string', nullable: '0+' },
        { name: 'topicId', type: 'uuid' },
        { name: 'isInternal', type: 'bool' },
        {
          name: 'partitions',
          type: '[]DescribeTopicPartitionsResponsePartition',
          fields: [
            { name: 'errorCode', type: 'int16' },
            { name: 'partitionIndex', type: 'int32' },
            { name: 'leaderId', type: 'int32' },
            { name: 'leaderEpoch', type: 'int32', default: -1 },
            { name: 'replicaNodes', type: '[]int32' },
            { name: 'isrNodes', type: '[]int32' },
            { name: 'eligibleLeaderReplicas', type: '[]int32', nullable: '0+' },
            { name: 'lastKnownElr', type: '[]int32', nullable: '0+' },
            { name: 'offlineReplicas', type: '[]int32' },
          ],
        },
        { name: 'topicAuthorizedOperations', type: 'int32', default: -2147483648 },
      ],
    },
    {
      name: 'nextCursor',
      type: 'Cursor',
      nullable: '0+',
      fields: [
        { name: 'topicName', type: 'string' },
        { name: 'partitionIndex', type: 'int32' },
      ],
    },
  ],
} satisfies Schema
