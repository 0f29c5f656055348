import type { Schema } from '../schema.ts'

// v2 null requests all topics. v5 leader epochs. v7 stable offsets only (KIP-447). v8 several groups per request
// (KIP-709). v9 members of the new protocol (KIP-848). v10 topic ids.
export default {
  key: 9,
  name: 'OffsetFetch',
  versions: '1-10',
  flexible: '6+',
  request: [
    { name: 'groupId', type: 'string', versions: '0-7' },
    {
      name: 'topics',
      type: '[]OffsetFetchRequestTopic',
      versions: '0-7',
      nullable: '2-7',
      fields: [
        { name: 'name', type: 'string' },
        { name: 'partitionIndexes', type: '[]int32' },
      ],
    },
    {
      name: 'groups',
      type: '[]OffsetFetchRequestGroup',
      versions: '8+',
      fields: [
        { name: 'groupId', type: 'string' },
        { name: 'memberId', type: 'string', versions: '9+', nullable: '9+' },
        { name: 'memberEpoch', type: 'int32', versions: '9+', default: -1 },
        {
          name: 'topics',
          type: '[]OffsetFetchRequestTopics',
          nullable: '8+',
          fields: [
            { name: 'name', type: 'string', versions: '8-9' },
            { name: 'topicId', type: 'uuid', versions: '10+' },
            { name: 'partitionIndexes', type: '[]int32' },
          ],
        },
      ],
    },
    { name: 'requireStable', type: 'bool', versions: '7+' },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32', versions: '3+' },
    {
      name: 'topics',
      type: '[]OffsetFetchResponseTopic',
      versions: '0-7',
      fields: [
        { name: 'name', type: 'string' },
        {
          name: 'partitions',
          type: '[]OffsetFetchResponsePartition',
          fields: [
            { name: 'partitionIndex', type: 'int32' },
            { name: 'committedOffset', type: 'int64' },
            { name: 'committedLeaderEpoch', type: 'int32', versions: '5+', default: -1 },
            { name: 'metadata', type: 'string', nullable: '0+' },
            { name: 'errorCode', type: 'int16' },
          ],
        },
      ],
    },
    { name: 'errorCode', type: 'int16', versions: '2-7' },
    {
      name: 'groups',
      type: '[]OffsetFetchResponseGroup',
      versions: '8+',
      fields: [
        { name: 'groupId', type: 'string' },
        {
          name: 'topics',
          type: '[]OffsetFetchResponseTopics',
          fields: [
            { name: 'name', type: 'string', versions: '8-9' },
            { name: 'topicId', type: 'uuid', versions: '10+' },
            {
              name: 'partitions',
              type: '[]OffsetFetchResponsePartitions',
              fields: [
                { name: 'partitionIndex', type: 'int32' },
                { name: 'committedOffset', type: 'int64' },
                { name: 'committedLeaderEpoch', type: 'int32', default: -1 },
                { name: 'metadata', type: 'string', nullable: '8+' },
                { name: 'errorCode', type: 'int16' },
              ],
            },
          ],
        },
        { name: 'errorCode', type: 'int16' },
      ],
    },
  ],
} satisfies Schema
