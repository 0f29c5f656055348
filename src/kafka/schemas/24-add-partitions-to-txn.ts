import type { Schema } from '../schema.ts'

// v4 several transactions per request, for brokers that verify a transaction (KIP-890). v5 only permits a new error.
export default {
  key: 24,
  name: 'AddPartitionsToTxn',
  versions: '0-5',
  flexible: '3+',
  request: [
    {
      name: 'transactions',
      type: '[]AddPartitionsToTxnTransaction',
      versions: '4+',
      fields: [
        { name: 'transactionalId', type: 'string', versions: '4+' },
        { name: 'producerId', type: 'int64', versions: '4+' },
        { name: 'producerEpoch', type: 'int16', versions: '4+' },
        {
          name: 'verifyOnly',
          type: 'bool',
          versions: '4+',
          about: 'Only checks whether the partitions are in the transaction.',
        },
        {
          name: 'topics',
          type: '[]AddPartitionsToTxnTopic',
          versions: '4+',
          fields: [
            { name: 'name', type: 'string' },
            { name: 'partitions', type: '[]int32' },
          ],
        },
      ],
    },
    { name: 'v3AndBelowTransactionalId', type: 'string', versions: '0-3' },
    { name: 'v3AndBelowProducerId', type: 'int64', versions: '0-3' },
    { name: 'v3AndBelowProducerEpoch', type: 'int16', versions: '0-3' },
    { name: 'v3AndBelowTopics', type: '[]AddPartitionsToTxnTopic', versions: '0-3' },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    { name: 'errorCode', type: 'int16', versions: '4+' },
    {
      name: 'resultsByTransaction',
      type: '[]AddPartitionsToTxnResult',
      versions: '4+',
      fields: [
        { name: 'transactionalId', type: 'string', versions: '4+' },
        {
          name: 'topicResults',
          type: '[]AddPartitionsToTxnTopicResult',
          versions: '4+',
          fields: [
            { name: 'name', type: 'string' },
            {
              name: 'resultsByPartition',
              type: '[]AddPartitionsToTxnPartitionResult',
              fields: [
                { name: 'partitionIndex', type: 'int32' },
                { name: 'partitionErrorCode', type: 'int16' },
              ],
            },
          ],
        },
      ],
    },
    { name: 'resultsByTopicV3AndBelow', type: '[]AddPartitionsToTxnTopicResult', versions: '0-3' },
  ],
} satisfies Schema
