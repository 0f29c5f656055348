// SaslHandshake v0–v1: the client chooses a mechanism.
//
// Behaviour: for a mechanism that is not offered, the response lists those that are. After v0 the exchange
// continues in messages without Kafka's headers, after v1 in SaslAuthenticate requests (KIP-152). A port
// without SASL answers ILLEGAL_SASL_STATE.
import { ErrorCode } from '../../kafka/index.ts'
import { defineHandler } from '../handler.ts'

export default defineHandler('SaslHandshake', {
  handle({ mechanism }, { version, connection }) {
    const { sasl } = connection
    if (sasl === undefined) return { errorCode: ErrorCode.ILLEGAL_SASL_STATE, mechanisms: [] }
    const error = sasl.handshake(mechanism, version === 0)
    return { errorCode: error === undefined ? ErrorCode.NONE : ErrorCode[error], mechanisms: [...sasl.mechanisms] }
  },
  failed: (_request, errorCode) => ({ errorCode, mechanisms: [] }),
})
