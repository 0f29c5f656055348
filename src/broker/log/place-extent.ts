import { batchCrcFits, batchExtent, placeBatch, placedHeader } from '../../kafka/index.ts'
import type { Extent } from '../../metadata/index.ts'

/** An object in the bucket does not contain what was written to it. */
export class CorruptObjectError extends Error {}

/** Throws a CorruptObjectError unless the bytes are the whole extent: complete batches with correct checksums. */
export function checkExtent(bytes: Buffer, { key, position, sizeBytes }: Extent): void {
  if (bytes.length !== sizeBytes) {
    throw new CorruptObjectError(`the object ${key} is damaged: it ends before byte ${position + sizeBytes}`)
  }
  for (let start = 0; start < bytes.length; ) {
    const batch = batchExtent(bytes, start)
    const end = start + (batch?.sizeBytes ?? 0)
    if (end <= start || end > bytes.length || !batchCrcFits(bytes.subarray(start, end))) {
      throw new CorruptObjectError(
        `the object ${key} is damaged: there is no batch with a correct checksum at byte ${position + start}`,
      )
    }
    start = end
  }
}

/**
 * Sets the offsets of an extent's batches in place, and their time for LogAppendTime. From then on all readers see the
 * same bytes, because an extent's offsets never change. `bytes` are exactly those of the extent.
 */
export function placeExtent(bytes: Buffer, extent: Extent): void {
  let offset = extent.baseOffset
  let start = 0
  while (start < bytes.length) {
    const batch = batchExtent(bytes, start)
    if (!batch || batch.sizeBytes <= 0)
      throw new CorruptObjectError(`the object ${extent.key} contains no batch at byte ${extent.position + start}`)
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
      `the object ${extent.key} does not contain the offsets ${extent.baseOffset} to ${extent.lastOffset}`,
    )
  }
}
