const FIRST_BYTES = 16 * 1024
const MAX_KEPT_BYTES = 1024 * 1024

let kept = Buffer.allocUnsafeSlow(FIRST_BYTES)

/**
 * Scratch memory for building a result before it is copied to a string or bytes: allocating costs more than most
 * functions do. It is shared, so calling another function that uses it overwrites the content.
 */
export function scratch(byteLength: number): Buffer {
  if (byteLength <= kept.length) return kept
  const larger = Buffer.allocUnsafeSlow(Math.max(byteLength, Math.min(kept.length * 2, MAX_KEPT_BYTES)))
  if (byteLength <= MAX_KEPT_BYTES) kept = larger
  return larger
}

/** A copy of the first bytes of scratch memory, as a value that is kept. */
export function copyOf(bytes: Buffer, byteLength: number): Buffer {
  const copy = Buffer.allocUnsafe(byteLength)
  bytes.copy(copy, 0, 0, byteLength)
  return copy
}
