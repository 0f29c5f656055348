import type { Schema } from '../schema.ts'

// v4 isolation levels and record batches of format 2. v7 sessions (KIP-227). v11 rack (KIP-392). v12 leader epochs
// (KIP-595). v13 topic ids (KIP-516). v15 the follower's state as a tag. v16 the new leaders' addresses (KIP-951). v17
// the follower's directory (KIP-853). v18 the follower's high watermark.
export default {
  key: 1,
  name: 'Fetch',
  versions: '4-18',
  flexible: '12+',
  request: [
    { name: 'clusterId', type: 'string', versions: '12+', nullable: '12+', tag: 0 },
    { name: 'replicaId', type: 'int32', versions: '0-14', default: -1 },
    {
      name: 'replicaState',
      type: 'ReplicaState',
      versions: '15+',
      tag: 1,
      fields: [
        { name: 'replicaId', type: 'int32', default: -1 },
        { name: 'replicaEpoch', type: 'int64', default: -1 },
      ],
    },
    { name: 'maxWaitMs', type: 'int32' },
    { name: 'minBytes', type: 'int32' },
    { name: 'maxBytes', type: 'int32', versions: '3+', default: 0x7fffffff },
    { name: 'isolationLevel', type: 'int8', versions: '4+', about: '0: read uncommitted, 1: read committed.' },
    { name: 'sessionId', type: 'int32', versions: '7+' },
    { name: 'sessionEpoch', type: 'int32', versions: '7+', default: -1 },
    {
      name: 'topics',
      type: '[]FetchTopic',
      fields: [
        { name: 'topic', type: 'string', versions: '0-12' },
        { name: 'topicId', type: 'uuid', versions: '13+' },
        {
          name: 'partitions',
          type: '[]FetchPartition',
          fields: [
            { name: 'partition', type: 'int32' },
            { name: 'currentLeaderEpoch', type: 'int32', versions: '9+', default: -1 },
            { name: 'fetchOffset', type: 'int64' },
            { name: 'lastFetchedEpoch', type: 'int32', versions: '12+', default: -1 },
            { name: 'logStartOffset', type: 'int64', versions: '5+', default: -1 },
            { name: 'partitionMaxBytes', type: 'int32' },
            { name: 'replicaDirectoryId', type: 'uuid', versions: '17+', tag: 0 },
            { name: 'highWatermark', type: 'int64', versions: '18+', tag: 1, default: 9007199254740991 },
          ],
        },
      ],
    },
    {
      name: 'forgottenTopicsData',
      type: '[]ForgottenTopic',
      versions: '7+',
      fields: [
        { name: 'topic', type: 'string', versions: '7-12' },
        { name: 'topicId', type: 'uuid', versions: '13+' },
        { name: 'partitions', type: '[]int32' },
      ],
    },
    { name: 'rackId', type: 'string', versions: '11+' },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32', versions: '1+' },
    { name: 'errorCode', type: 'int16', versions: '7+' },
    { name: 'sessionId', type: 'int32', versions: '7+' },
    {
      name: 'responses',
      type: '[]FetchableTopicResponse',
      fields: [
        { name: 'topic', type: 'string', versions: '0-12' },
        { name: 'topicId', type: 'uuid', versions: '13+' },
        {
          name: 'partitions',
          type: '[]PartitionData',
          fields: [
            { name: 'partitionIndex', type: 'int32' },
            { name: 'errorCode', type: 'int16' },
            { name: 'highWatermark', type: 'int64' },
            { name: 'lastStableOffset', type: 'int64', versions: '4+', default: -1 },
            { name: 'logStartOffset', type: 'int64', versions: '5+', default: -1 },
            {
              name: 'divergingEpoch',
              type: 'EpochEndOffset',
              versions: '12+',
              tag: 0,
              fields: [
                { name: 'epoch', type: 'int32', default: -1 },
                { name: 'endOffset', type: 'int64', default: -1 },
              ],
            },
            {
              name: 'currentLeader',
              type: 'LeaderIdAndEpoch',
              versions: '12+',
              tag: 1,
              fields: [
                { name: 'leaderId', type: 'int32', default: -1 },
                { name: 'leaderEpoch', type: 'int32', default: -1 },
              ],
            },
            {
              name: 'snapshotId',
              type: 'SnapshotId',
              versions: '12+',
              tag: 2,
              fields: [
                { name: 'endOffset', type: 'int64', default: -1 },
                { name: 'epoch', type: 'int32', default: -1 },
              ],
            },
            {
              name: 'abortedTransactions',
              type: '[]AbortedTransaction',
              versions: '4+',
              nullable: '4+',
              fields: [
                { name: 'producerId', type: 'int64' },
                { name: 'firstOffset', type: 'int64' },
              ],
            },
            { name: 'preferredReadReplica', type: 'int32', versions: '11+', default: -1 },
            { name: 'records', type: 'records', nullable: '0+' },
          ],
        },
      ],
    },
    {
      name: 'nodeEndpoints',
      type: '[]NodeEndpoint',
      versions: '16+',
      tag: 0,
      fields: [
        { name: 'nodeId', type: 'int32' },
        { name: 'host', type: 'string' },
        { name: 'port', type: 'int32' },
        { name: 'rack', type: 'string', nullable: '16+' },
      ],
    },
  ],
} satisfies Schema
