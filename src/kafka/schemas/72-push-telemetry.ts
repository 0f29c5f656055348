import type { Schema } from '../schema.ts'

// KIP-714.
export default {
  key: 72,
  name: 'PushTelemetry',
  versions: '0-0',
  flexible: '0+',
  request: [
    { name: 'clientInstanceId', type: 'uuid' },
    { name: 'subscriptionId', type: 'int32' },
    { name: 'terminating', type: 'bool' },
    { name: 'compressionType', type: 'int8' },
    { name: 'metrics', type: 'bytes', about: 'OTLP metrics, compressed as compressionType says.' },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    { name: 'errorCode', type: 'int16' },
  ],
} satisfies Schema
