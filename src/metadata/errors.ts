/**
 * `epoch_closed`: the upload epoch was closed, so its objects cannot be committed. `fenced`: the lease under which the
 * call was made has passed to another holder. `busy`: the database is locked, full or unreachable; a retry may succeed.
 * `failed`: the database refused the call. `unknown_outcome`: the connection broke, so the call may or may not have
 * been executed. `closed`: after close().
 */
export type MetadataErrorCode = 'epoch_closed' | 'fenced' | 'busy' | 'failed' | 'unknown_outcome' | 'closed'

/** The failure of a call as a whole, as opposed to the outcome of a single item. */
export class MetadataError extends Error {
  readonly code: MetadataErrorCode

  constructor(code: MetadataErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'MetadataError'
    this.code = code
  }
}
