import type { Schema } from '../schema.ts'

// In Kafka it is sent between brokers; here kafka-transactions.sh sends it to abort a hanging transaction.
export default {
  key: 27,
  name: 'WriteTxnMarkers',
  versions: '1-1',
  flexible: '1+',
  request: [
    {
      name: 'markers',
      type: '[]WritableTxnMarker',
      fields: [
        { name: 'producerId', type: 'int64' },
        { name: 'producerEpoch', type: 'int16' },
        { name: 'transactionResult', type: 'bool', about: 'Whether to commit; false aborts.' },
        {
          name: 'topics',
          type: '[]WritableTxnMarkerTopic',
          fields: [
            { name: 'name', type: 'string' },
            { name: 'partitionIndexes', type: '[]int32' },
          ],
        },
        { name: 'coordinatorEpoch', type: 'int32' },
      ],
    },
  ],
  response: [
    {
      name: 'markers',
      type: '[]WritableTxnMarkerResult',
      fields: [
        { name: 'producerId', type: 'int64' },
        {
          name: 'topics',
          type: '[]WritableTxnMarkerTopicResult',
          fields: [
            { name: 'name', type: 'string' },
            {
              name: 'partitions',
              type: '[]WritableTxnMarkerPartitionResult',
              fields: [
                { name: 'partitionIndex', type: 'int32' },
                { name: 'errorCode', type: 'int16' },
              ],
            },
          ],
        },
      ],
    },
  ],
} satisfies Schema
