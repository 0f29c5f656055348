import type { Schema } from '../schema.ts'

// v1 one offset by timestamp. v2 isolation. v4 leader epochs. v7 the largest timestamp (-3, KIP-734). v8 the local
// log's start (-4, KIP-405). v9 the last tiered offset (-5). v10 a timeout (KIP-1075).
export default {
  key: 2,
  name: 'ListOffsets',
  versions: '1-10',
  flexible: '6+',
  request: [
    { name: 'replicaId', type: 'int32', default: -1 },
    { name: 'isolationLevel', type: 'int8', versions: '2+' },
    {
      name: 'topics',
      type: '[]ListOffsetsTopic',
      fields: [
        { name: 'name', type: 'string' },
        {
          name: 'partitions',
          type: '[]ListOffsetsPartition',
          fields: [
            { name: 'partitionIndex', type: 'int32' },
            { name: 'currentLeaderEpoch', type: 'int32', versions: '4+', default: -1 },
            { name: 'timestamp', type: 'int64', about: '-1: latest, -2: earliest, -3: the largest timestamp.' },
          ],
        },
      ],
    },
    { name: 'timeoutMs', type: 'int32', versions: '10+' },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32', versions: '2+' },
    {
      name: 'topics',
      type: '[]ListOffsetsTopicResponse',
      fields: [
        { name: 'name', type: 'string' },
        {
          name: 'partitions',
          type: '[]ListOffsetsPartitionResponse',
          fields: [
            { name: 'partitionIndex', type: 'int32' },
            { name: 'errorCode', type: 'int16' },
            { name: 'timestamp', type: 'int64', default: -1 },
            { name: 'offset', type: 'int64', default: -1 },
            { name: 'leaderEpoch', type: 'int32', versions: '4+', default: -1 },
          ],
        },
      ],
    },
  ],
} satisfies Schema
