/**
 * - `busy`: locked by others for too long, or out of connections. Retriable.
 * - `conflict`: aborted repeatedly in favour of another transaction. Retriable.
 * - `unreachable`: there is no connection; nothing was sent. Retriable.
 * - `full`: no space left for data. Retriable once there is space.
 * - `unknown_outcome`: the connection or disk failed during the commit, which may or may not have happened.
 * - `duplicate`: a row with this key exists.
 * - `newer_schema`: the tables were created by a newer version of this program.
 * - `closed`: after `close()`.
 * - `failed`: anything else, for instance an error in a statement.
 */
export type DatabaseErrorCode =
  | 'busy'
  | 'conflict'
  | 'unreachable'
  | 'full'
  | 'unknown_outcome'
  | 'duplicate'
  | 'newer_schema'
  | 'closed'
  | 'failed'

const retriable: ReadonlySet<DatabaseErrorCode> = new Set(['busy', 'conflict', 'unreachable', 'full'])

export class DatabaseError extends Error {
  readonly code: DatabaseErrorCode

  constructor(code: DatabaseErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'DatabaseError'
    this.code = code
  }

  /** Whether nothing has happened and the same transaction may succeed later. */
  get isRetriable(): boolean {
    return retriable.has(this.code)
  }
}
