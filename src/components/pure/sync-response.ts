import type { Batch } from '../../engine/index.ts'

/** Hands a batch to the input that awaits it as a response, if any. */
export function respond(batch: Batch): void {
  batch[0]?.context?.respond?.(batch)
}
