// SaslAuthenticate v0–v2: one message of the exchange that SaslHandshake began.
//
// Behaviour: a refusal is sent after a pause, which slows down guessing
// (connection.failed.authentication.delay.ms), and then the connection is closed. From v1 on the response carries
// the session lifetime, after which the client reauthenticates (KIP-368).
import { waitOrAbort } from '../../base/index.ts'
import { ErrorCode } from '../../kafka/index.ts'
import { defineHandler } from '../handler.ts'
import { SaslError } from '../security/sasl.ts'

const refusalDelayMs = 100
const nothing = Buffer.alloc(0)

export default defineHandler('SaslAuthenticate', {
  async handle({ authBytes }, { connection, broker }) {
    const { sasl } = connection
    if (sasl === undefined) {
      const errorMessage = 'SaslAuthenticate request received on a port without SASL.'
      return { errorCode: ErrorCode.ILLEGAL_SASL_STATE, errorMessage, authBytes: nothing }
    }
    try {
      const { reply, lifetimeMs } = await sasl.authenticate(authBytes)
      return {
        errorCode: ErrorCode.NONE,
        errorMessage: null,
        authBytes: Buffer.from(reply),
        sessionLifetimeMs: lifetimeMs,
      }
    } catch (error) {
      if (!(error instanceof SaslError)) throw error
      await waitOrAbort(broker.clock, refusalDelayMs, connection.signal)
      const errorCode = ErrorCode.SASL_AUTHENTICATION_FAILED
      return { errorCode, errorMessage: error.message, authBytes: nothing }
    }
  },
  // Clients take any error for a wrong password and give up; after a closed connection they retry.
  failed: () => undefined,
})
