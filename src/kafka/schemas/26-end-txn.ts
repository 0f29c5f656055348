import type { Schema } from '../schema.ts'

// v4 only permits a new error, v5 returns the epoch of the next transaction (KIP-890).
export default {
  key: 26,
  name: 'EndTxn',
  versions: '0-5',
  flexible: '3+',
  request: [
    { name: 'transactionalId', type: 'string' },
    { name: 'producerId', type: 'int64' },
    { name: 'producerEpoch', type: 'int16' },
    { name: 'committed', type: 'bool', about: 'Whether to commit; false aborts.' },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    { name: 'errorCode', type: 'int16' },
    { name: 'producerId', type: 'int64', versions: '5+', default: -1 },
    { name: 'producerEpoch', type: 'int16', versions: '5+', default: -1 },
  ],
} satisfies Schema
