import { batchExtent, placeBatch, placedHeader } from '../../kafka/index.ts'
import type { Extent } from '../../metadata/index.ts'

/**
 * Gives the batches of an extent their offsets, and their time where the log gives it, in place. All readers see the
 * same bytes from then on, because an extent's offsets never change. `bytes` are exactly those of the extent.
 */
export function placeExtent(bytes: Buffer, extent: Extent): void {
  let offset = extent.baseOffset
  let start = 0
  while (start < bytes.length) {
    const batch = batchExtent(bytes, start)
    if (!batch || batch.sizeBytes <= 0)
      throw new Error(`the object ${extent.key} holds no batch at ${extent.position + start}`)
    if (extent.appendTimestamp < 0) {
      placeBatch(bytes, start, offset)
    } else {
      placedHeader(bytes.subarray(start), batch.sizeBytes, offset, extent.appendTimestamp).copy(bytes, start)
    }
    start += batch.sizeBytes
    offset += batch.offsets
  }
  if (offset !== extent.lastOffset + 1 || start !== bytes.length) {
    throw new Error(`the object ${extent.key} does not hold the offsets ${extent.baseOffset} to ${extent.lastOffset}`)
  }
}
