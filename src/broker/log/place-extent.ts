import { batchCrcFits, batchExtent, placeBatch, placedHeader } from '../../kafka/index.ts'
import type { Extent } from '../../metadata/index.ts'

/** An object in the bucket does not hold what was written to it. */
export class CorruptObjectError extends Error {}

/** Throws a CorruptObjectError unless the bytes, exactly those of the extent, are whole batches with right checksums. */
export function checkExtent(bytes: Buffer, { key, position }: Extent): void {
  for (let start = 0; start < bytes.length; ) {
    const batch = batchExtent(bytes, start)
    const end = start + (batch?.sizeBytes ?? 0)
    if (end <= start || end > bytes.length || !batchCrcFits(bytes.subarray(start, end))) {
      throw new CorruptObjectError(
        `the object ${key} is damaged: there is no batch with a right checksum at ${position + start}`,
      )
    }
    start = end
  }
}

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
      throw new CorruptObjectError(`the object ${extent.key} holds no batch at ${extent.position + start}`)
    if (extent.appendTimestamp < 0) {
      placeBatch(bytes, start, offset)
    } else {
      placedHeader(bytes.subarray(start), batch.sizeBytes, offset, extent.appendTimestamp).copy(bytes, start)
    }
    start += batch.sizeBytes
    offset += batch.offsets
  }
  if (offset !== extent.lastOffset + 1 || start !== bytes.length) {
    throw new CorruptObjectError(
      `the object ${extent.key} does not hold the offsets ${extent.baseOffset} to ${extent.lastOffset}`,
    )
  }
}
