import { ErrorCode, type ErrorName } from '../../kafka/index.ts'

/** The error code for a client; one that does not know PRODUCER_FENCED gets INVALID_PRODUCER_EPOCH (KIP-588). */
export function transactionErrorCode(name: ErrorName, knowsFenced: boolean): ErrorCode {
  return ErrorCode[name === 'PRODUCER_FENCED' && !knowsFenced ? 'INVALID_PRODUCER_EPOCH' : name]
}
