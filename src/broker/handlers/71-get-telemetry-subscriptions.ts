// GetTelemetrySubscriptions v0: which metrics a client should push, and how often (KIP-714).
//
// Behaviour: a client without an id gets one. Subscriptions are created with kafka-client-metrics; without any the
// client asks again in five minutes. One that asks more often than it has reason to is THROTTLING_QUOTA_EXCEEDED.
import { uuid } from '../../base/index.ts'
import { ErrorCode, zeroUuid } from '../../kafka/index.ts'
import { defineHandler, telemetryClientOf } from '../handler.ts'
import { acceptedCompressionTypes, telemetryMaxBytes } from '../telemetry/client-metrics.ts'

export default defineHandler('GetTelemetrySubscriptions', {
  handle({ clientInstanceId: given }, context) {
    const clientInstanceId = given === zeroUuid ? uuid(context.broker.random) : given
    const answer = context.broker.telemetry.subscribe(telemetryClientOf(clientInstanceId, context))
    if (!answer.ok) return { ...nothing, errorCode: ErrorCode[answer.error] }
    const { id: subscriptionId, metrics, intervalMs } = answer.subscription
    return {
      clientInstanceId,
      subscriptionId,
      acceptedCompressionTypes: [...acceptedCompressionTypes],
      pushIntervalMs: intervalMs,
      telemetryMaxBytes,
      deltaTemporality: true,
      requestedMetrics: [...metrics],
    }
  },
  failed: (_request, errorCode) => ({ ...nothing, errorCode }),
})

const nothing = {
  clientInstanceId: zeroUuid,
  subscriptionId: 0,
  acceptedCompressionTypes: [],
  pushIntervalMs: 0,
  telemetryMaxBytes: 0,
  deltaTemporality: false,
  requestedMetrics: [],
}
