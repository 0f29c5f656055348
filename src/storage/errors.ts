/**
 * `not_found`: no such object. `already_exists`: a conditional put lost. `out_of_range`: the object is shorter than
 * what was asked for. `invalid_key`, `invalid_url`: the caller's mistake. `full`: no room. `unavailable`: trying again
 * may help. `failed`: it will not.
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

/** What went wrong in an object store; decide on the code, never on the text. */
export class StorageError extends Error {
  readonly code: StorageErrorCode

  constructor(code: StorageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StorageError'
    this.code = code
  }
}
