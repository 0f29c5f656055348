/**
 * How deeply messages may be nested, by their types or in an `Any`. The original's limit of 10,000 would overflow the
 * stack.
 */
export const MAX_DEPTH = 500

/** Bytes that are not a valid message of a type, or a document that cannot be converted to it. */
export class ProtobufError extends Error {
  /** What failed: reading the source format, or writing the target format. */
  readonly stage: 'read' | 'write'

  constructor(reason: string, stage: 'read' | 'write' = 'read') {
    super(`proto: ${reason}`)
    this.name = 'ProtobufError'
    this.stage = stage
  }
}
