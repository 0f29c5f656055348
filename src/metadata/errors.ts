/**
 * `epoch_closed`: the upload epoch was closed, its objects can not be committed. `fenced`: the lease under which it
 * was called has passed to another holder. `busy`: the database is locked, full or
 * out of reach; trying again may help. `failed`: the database refused. `unknown_outcome`: the connection broke, so that
 * it may have happened or not. `closed`: after close().
 */
export type MetadataErrorCode = 'epoch_closed' | 'fenced' | 'busy' | 'failed' | 'unknown_outcome' | 'closed'

/** What went wrong with a call as a whole, as opposed to the outcome of a single item. */
export class MetadataError extends Error {
  readonly code: MetadataErrorCode

  constructor(code: MetadataErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'MetadataError'
    this.code = code
  }
}
