import type { Schema } from '../schema.ts'

// v2 is v1 with compact lengths.
export default {
  key: 21,
  name: 'DeleteRecords',
  versions: '0-2',
  flexible: '2+',
  request: [
    {
      name: 'topics',
      type: '[]DeleteRecordsTopic',
      fields: [
        { name: 'name', type: 'string' },
        {
          name: 'partitions',
          type: '[]DeleteRecordsPartition',
          fields: [
            { name: 'partitionIndex', type: 'int32' },
            { name: 'offset', type: 'int64', about: 'The first offset to keep; -1 for the high watermark.' },
          ],
        },
      ],
    },
    { name: 'timeoutMs', type: 'int32' },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    {
      name: 'topics',
      type: '[]DeleteRecordsTopicResult',
      fields: [
        { name: 'name', type: 'string' },
        {
          name: 'partitions',
          type: '[]DeleteRecordsPartitionResult',
          fields: [
            { name: 'partitionIndex', type: 'int32' },
            { name: 'lowWatermark', type: 'int64', default: -1 },
            { name: 'errorCode', type: 'int16' },
          ],
        },
      ],
    },
  ],
} satisfies Schema
