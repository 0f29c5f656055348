import type { Schema } from '../schema.ts'

// v3 the producer's current id and epoch, to bump the epoch (KIP-360). v4 and v5 only permit new errors (KIP-890).
export default {
  key: 22,
  name: 'InitProducerId',
  versions: '0-5',
  flexible: '2+',
  request: [
    { name: 'transactionalId', type: 'string', nullable: '0+' },
    { name: 'transactionTimeoutMs', type: 'int32' },
    { name: 'producerId', type: 'int64', versions: '3+', default: -1 },
    { name: 'producerEpoch', type: 'int16', versions: '3+', default: -1 },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    { name: 'errorCode', type: 'int16' },
    { name: 'producerId', type: 'int64', default: -1 },
    { name: 'producerEpoch', type: 'int16', default: -1 },
  ],
} satisfies Schema
