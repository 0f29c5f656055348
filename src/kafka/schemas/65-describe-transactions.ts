import type { Schema } from '../schema.ts'

// KIP-664.
export default {
  key: 65,
  name: 'DescribeTransactions',
  versions: '0-0',
  flexible: '0+',
  request: [{ name: 'transactionalIds', type: '[]string' }],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    {
      name: 'transactionStates',
      type: '[]TransactionStateDescription',
      fields: [
        { name: 'errorCode', type: 'int16' },
        { name: 'transactionalId', type: 'string' },
        { name: 'transactionState', type: 'string' },
        { name: 'transactionTimeoutMs', type: 'int32' },
        { name: 'transactionStartTimeMs', type: 'int64' },
        { name: 'producerId', type: 'int64' },
        { name: 'producerEpoch', type: 'int16' },
        {
          name: 'topics',
          type: '[]TransactionTopic',
          fields: [
            { name: 'topic', type: 'string' },
            { name: 'partitions', type: '[]int32' },
          ],
        },
      ],
    },
  ],
} satisfies Schema
