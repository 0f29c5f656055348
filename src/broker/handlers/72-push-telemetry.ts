// PushTelemetry v0: metrics of a client in OTLP format, compressed (KIP-714).
//
// Behaviour: the metrics appear on the agent's /metrics, by client. A client whose subscription has changed gets
// UNKNOWN_SUBSCRIPTION_ID and requests the new one. One that pushes too early gets THROTTLING_QUOTA_EXCEEDED,
// except for the last push when it closes.
import { ErrorCode, zeroUuid } from '../../kafka/index.ts'
import { defineHandler, telemetryClientOf } from '../handler.ts'

export default defineHandler('PushTelemetry', {
  handle({ clientInstanceId, subscriptionId, terminating, compressionType, metrics }, context) {
    if (clientInstanceId === zeroUuid) return { errorCode: ErrorCode.INVALID_REQUEST }
    const push = { subscriptionId, compressionType, isTerminating: terminating, metrics }
    return { errorCode: ErrorCode[context.broker.telemetry.push(telemetryClientOf(clientInstanceId, context), push)] }
  },
  failed: (_request, errorCode) => ({ errorCode }),
})
