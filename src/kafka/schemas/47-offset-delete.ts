import type { Schema } from '../schema.ts'

// KIP-496.
export default {
  key: 47,
  name: 'OffsetDelete',
  versions: '0-0',
  flexible: 'none',
  request: [
    { name: 'groupId', type: 'string' },
    {
      name: 'topics',
      type: '[]OffsetDeleteRequestTopic',
      fields: [
        { name: 'name', type: 'string' },
        {
          name: 'partitions',
          type: '[]OffsetDeleteRequestPartition',
          fields: [{ name: 'partitionIndex', type: 'int32' }],
        },
      ],
    },
  ],
  response: [
    { name: 'errorCode', type: 'int16' },
    { name: 'throttleTimeMs', type: 'int32' },
    {
      name: 'topics',
      type: '[]OffsetDeleteResponseTopic',
      fields: [
        { name: 'name', type: 'string' },
        {
          name: 'partitions',
          type: '[]OffsetDeleteResponsePartition',
          fields: [
            { name: 'partitionIndex', type: 'int32' },
            { name: 'errorCode', type: 'int16' },
          ],
        },
      ],
    },
  ],
} satisfies Schema
