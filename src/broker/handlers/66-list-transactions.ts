// ListTransactions v0–v2: the transactional ids that this broker coordinates (KIP-664).
//
// Behaviour: filters are combined; unknown states are returned as such. v1 how long a transaction has been open
// (KIP-994). v2 a regular expression in RE2 syntax that must match the whole id (KIP-1152).
import { ErrorCode } from '../../kafka/index.ts'
import { MetadataError, type Transaction } from '../../metadata/index.ts'
import { defineHandler, type RequestOf } from '../handler.ts'
import { compilePattern } from '../pattern.ts'

type Request = RequestOf<'ListTransactions'>

/** All states that Kafka names; no transaction here is ever in some of them. */
const states = new Set([
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  'PrepareEpochFence',
])

export default defineHandler('ListTransactions', {
  unavailable: 'COORDINATOR_NOT_AVAILABLE',
  async handle(request, { access, broker }) {
    const unknownStateFilters = request.stateFilters.filter(state => !states.has(state))
    const pattern = compile(request.transactionalIdPattern)
    if (pattern === undefined) {
      return { errorCode: ErrorCode.INVALID_REGULAR_EXPRESSION, unknownStateFilters, transactionStates: [] }
    }
    try {
      const wanted = (await broker.transactions.list()).filter(
        transaction =>
          access.allows('describe', 'transactional_id', transaction.id) &&
          isWanted(transaction, request, broker.clock.now()) &&
          (pattern === null || pattern.matches(transaction.id)),
      )
      return {
        errorCode: ErrorCode.NONE,
        unknownStateFilters,
        transactionStates: wanted.map(({ id, producerId, phase }) => ({
          transactionalId: id,
          producerId,
          transactionState: phase,
        })),
      }
    } catch (error) {
      if (!(error instanceof MetadataError)) throw error
      broker.log.warn('transactions could not be listed', { error: error.message })
      return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, unknownStateFilters, transactionStates: [] }
    }
  },
  failed: (_request, errorCode) => ({ errorCode, unknownStateFilters: [], transactionStates: [] }),
})

function isWanted({ phase, producerId, startedAt }: Transaction, request: Request, now: number): boolean {
  const { stateFilters, producerIdFilters, durationFilter } = request
  if (stateFilters.length > 0 && !stateFilters.includes(phase)) return false
  if (producerIdFilters.length > 0 && !producerIdFilters.includes(producerId)) return false
  return durationFilter < 0 || (startedAt !== null && now - startedAt > durationFilter)
}

/** Null if every id is wanted, undefined if the pattern is invalid. */
function compile(pattern: string | null) {
  if (pattern === null || pattern === '') return null
  try {
    return compilePattern(pattern)
  } catch {
    return undefined
  }
}
