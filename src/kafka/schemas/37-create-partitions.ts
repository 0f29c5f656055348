import type { Schema } from '../schema.ts'

// v3 permits a throttling error.
export default {
  key: 37,
  name: 'CreatePartitions',
  versions: '0-3',
  flexible: '2+',
  request: [
    {
      name: 'topics',
      type: '[]CreatePartitionsTopic',
      fields: [
        { name: 'name', type: 'string' },
        { name: 'count', type: 'int32', about: 'The new total.' },
        {
          name: 'assignments',
          type: '[]CreatePartitionsAssignment',
          nullable: '0+',
          fields: [{ name: 'brokerIds', type: '[]int32' }],
        },
      ],
    },
    { name: 'timeoutMs', type: 'int32' },
    { name: 'validateOnly', type: 'bool' },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    {
      name: 'results',
      type: '[]CreatePartitionsTopicResult',
      fields: [
        { name: 'name', type: 'string' },
        { name: 'errorCode', type: 'int16' },
        { name: 'errorMessage', type: 'string', nullable: '0+' },
      ],
    },
  ],
} satisfies Schema
