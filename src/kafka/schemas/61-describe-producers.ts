import type { Schema } from '../schema.ts'

// KIP-664.
export default {
  key: 61,
  name: 'DescribeProducers',
  versions: '0-0',
  flexible: '0+',
  request: [
    {
      name: 'topics',
      type: '[]DescribeProducersTopic',
      fields: [
        { name: 'name', type: 'string' },
        { name: 'partitionIndexes', type: '[]int32' },
      ],
    },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    {
      name: 'topics',
      type: '[]DescribeProducersTopicResponse',
      fields: [
        { name: 'name', type: 'string' },
        {
          name: 'partitions',
          type: '[]DescribeProducersPartitionResponse',
          fields: [
            { name: 'partitionIndex', type: 'int32' },
            { name: 'errorCode', type: 'int16' },
            { name: 'errorMessage', type: 'string', nullable: '0+' },
            {
              name: 'activeProducers',
              type: '[]ProducerState',
              fields: [
                { name: 'producerId', type: 'int64' },
                { name: 'producerEpoch', type: 'int32' },
                { name: 'lastSequence', type: 'int32', default: -1 },
                { name: 'lastTimestamp', type: 'int64', default: -1 },
                { name: 'coordinatorEpoch', type: 'int32' },
                { name: 'currentTxnStartOffset', type: 'int64', default: -1 },
              ],
            },
          ],
        },
      ],
    },
  ],
} satisfies Schema
