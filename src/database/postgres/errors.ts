import { messageOf } from '../../base/index.ts'
import pg from 'pg'
import { DatabaseError, type DatabaseErrorCode } from '../errors.ts'

/** Whether the server reported the error; everything else that the driver throws is about the connection. */
export function isServerError(cause: unknown): cause is pg.DatabaseError {
  return cause instanceof pg.DatabaseError
}

/**
 * Converts an error from PostgreSQL or its driver to a DatabaseError.
 * @param lost the code for a lost connection: before the commit was sent nothing
 * has happened, after that anything may have
 */
export function postgresError(cause: unknown, lost: 'unreachable' | 'unknown_outcome', message: string): DatabaseError {
  const code = isServerError(cause) ? codeOf(cause.code ?? '', lost) : lost
  // When several addresses were tried, the driver's error has no text, only their errors.
  const reasons = cause instanceof AggregateError ? cause.errors : [cause]
  const text = reasons.map(reason => messageOf(reason)).join(', ')
  return new DatabaseError(code, `${message}: ${text}`, { cause })
}

/** SQLSTATEs (https://www.postgresql.org/docs/current/errcodes-appendix.html). */
function codeOf(sqlState: string, lost: 'unreachable' | 'unknown_outcome'): DatabaseErrorCode {
  switch (sqlState) {
    case '40001': // serialization_failure
    case '40P01': // deadlock_detected
      return 'conflict'
    case '23505': // unique_violation
      return 'duplicate'
    case '53100': // disk_full
      return 'full'
    case '53200': // out_of_memory
    case '53300': // too_many_connections
    case '55P03': // lock_not_available
    case '57014': // query_canceled
      return 'busy'
    case '25P03': // idle_in_transaction_session_timeout
    case '57P01': // admin_shutdown
    case '57P02': // crash_shutdown
      return lost
    case '25006': // read_only_sql_transaction, where a standby answers
    case '57P03': // cannot_connect_now
      return 'unreachable'
    default:
      return sqlState.startsWith('08') ? lost : 'failed'
  }
}
