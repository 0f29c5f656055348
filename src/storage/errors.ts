/**
 * `not_found`: no such object. `already_exists`: a conditional put lost. `out_of_range`: the object is shorter than the
 * requested range. `invalid_key`, `invalid_url`: the caller's mistake. `full`: no space left. `unavailable`: a retry
 * may succeed. `failed`: a retry will not.
 */
export type StorageErrorCode =
  | 'not_found'
  | 'already_exists'
  | 'out_of_range'
  | 'invalid_key'
  | 'invalid_url'
  | 'full'
  | 'unavailable'
  | 'failed'

/** An object store error. Decide on the code, never on the text. */
export class StorageError extends Error {
  readonly code: StorageErrorCode

  constructor(code: StorageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StorageError'
    this.code = code
  }
}
