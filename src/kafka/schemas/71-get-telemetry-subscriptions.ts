import type { Schema } from '../schema.ts'

// KIP-714.
export default {
  key: 71,
  name: 'GetTelemetrySubscriptions',
  versions: '0-0',
  flexible: '0+',
  request: [{ name: 'clientInstanceId', type: 'uuid' }],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    { name: 'errorCode', type: 'int16' },
    { name: 'clientInstanceId', type: 'uuid' },
    { name: 'subscriptionId', type: 'int32' },
    { name: 'acceptedCompressionTypes', type: '[]int8' },
    { name: 'pushIntervalMs', type: 'int32' },
    { name: 'telemetryMaxBytes', type: 'int32' },
    { name: 'deltaTemporality', type: 'bool' },
    { name: 'requestedMetrics', type: '[]string' },
  ],
} satisfies Schema
