import type { Batch } from '../../engine/index.ts'

/** Hands a batch to the input that waits for an answer to it, if one does. */
export function respond(batch: Batch): void {
  batch[0]?.context?.respond?.(batch)
}
