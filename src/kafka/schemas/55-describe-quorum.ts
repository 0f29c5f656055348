import type { Schema } from '../schema.ts'

// KIP-595. v1 timestamps of replicas (KIP-836). v2 directories and listeners (KIP-853).
export default {
  key: 55,
  name: 'DescribeQuorum',
  versions: '0-2',
  flexible: '0+',
  request: [
    {
      name: 'topics',
      type: '[]DescribeQuorumTopic',
      fields: [
        { name: 'topicName', type: 'string' },
        { name: 'partitions', type: '[]DescribeQuorumPartition', fields: [{ name: 'partitionIndex', type: 'int32' }] },
      ],
    },
  ],
  response: [
    { name: 'errorCode', type: 'int16' },
    { name: 'errorMessage', type: 'string', versions: '2+', nullable: '2+' },
    {
      name: 'topics',
      type: '[]DescribeQuorumTopicResult',
      fields: [
        { name: 'topicName', type: 'string' },
        {
          name: 'partitions',
          type: '[]DescribeQuorumPartitionResult',
          fields: [
            { name: 'partitionIndex', type: 'int32' },
            { name: 'errorCode', type: 'int16' },
            { name: 'errorMessage', type: 'string', versions: '2+', nullable: '2+' },
            { name: 'leaderId', type: 'int32' },
            { name: 'leaderEpoch', type: 'int32' },
            { name: 'highWatermark', type: 'int64' },
            {
              name: 'currentVoters',
              type: '[]ReplicaState',
              fields: [
                { name: 'replicaId', type: 'int32' },
                { name: 'replicaDirectoryId', type: 'uuid', versions: '2+' },
                { name: 'logEndOffset', type: 'int64' },
                { name: 'lastFetchTimestamp', type: 'int64', versions: '1+', default: -1 },
                { name: 'lastCaughtUpTimestamp', type: 'int64', versions: '1+', default: -1 },
              ],
            },
            { name: 'observers', type: '[]ReplicaState' },
          ],
        },
      ],
    },
    {
      name: 'nodes',
      type: '[]DescribeQuorumNode',
      versions: '2+',
      fields: [
        { name: 'nodeId', type: 'int32', versions: '2+' },
        {
          name: 'listeners',
          type: '[]DescribeQuorumListener',
          versions: '2+',
          fields: [
            { name: 'name', type: 'string' },
            { name: 'host', type: 'string' },
            { name: 'port', type: 'uint16' },
          ],
        },
      ],
    },
  ],
} satisfies Schema
