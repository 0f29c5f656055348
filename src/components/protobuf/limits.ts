/** How deep messages may be nested in each other, by their types or in an `Any`. The original's limit of 10,000 takes its stack. */
export const MAX_DEPTH = 500

/** Bytes or a document that a message type cannot be made of. */
export class ProtobufError extends Error {
  /** What failed: reading the first form, or writing the second one. */
  readonly stage: 'read' | 'write'

  constructor(reason: string, stage: 'read' | 'write' = 'read') {
    super(`proto: ${reason}`)
    this.name = 'ProtobufError'
    this.stage = stage
  }
}
