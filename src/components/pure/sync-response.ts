import { type Batch, logicalBatches } from '../../engine/index.ts'

/** Hands each batch to the input that waits for an answer to it, if one does. */
export function respond(batch: Batch): void {
  for (const { messages } of logicalBatches(batch)) {
    const context = messages[0]?.context
    context?.respond(messages)
  }
}
