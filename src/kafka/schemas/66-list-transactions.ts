import type { Schema } from '../schema.ts'

// KIP-664. v1 a filter by duration (KIP-994). v2 a filter by an id pattern (KIP-1152).
export default {
  key: 66,
  name: 'ListTransactions',
  versions: '0-2',
  flexible: '0+',
  request: [
    { name: 'stateFilters', type: '[]string' },
    { name: 'producerIdFilters', type: '[]int64' },
    {
      name: 'durationFilter',
      type: 'int64',
      versions: '1+',
      default: -1,
      about: 'Only transactions that are open for longer than this many milliseconds.',
    },
    {
      name: 'transactionalIdPattern',
      type: 'string',
      versions: '2+',
      nullable: '2+',
      about: 'A regular expression in RE2 syntax.',
    },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    { name: 'errorCode', type: 'int16' },
    { name: 'unknownStateFilters', type: '[]string' },
    {
      name: 'transactionStates',
      type: '[]ListedTransactionState',
      fields: [
        { name: 'transactionalId', type: 'string' },
        { name: 'producerId', type: 'int64' },
        { name: 'transactionState', type: 'string' },
      ],
    },
  ],
} satisfies Schema
