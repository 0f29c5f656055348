const FIRST_BYTES = 16 * 1024
const MAX_KEPT_BYTES = 1024 * 1024

let kept = Buffer.allocUnsafeSlow(FIRST_BYTES)

/**
 * Memory that a function writes its result into before it becomes a string or bytes of its own: new memory costs more than most
 * functions do. It is the same for all, so whoever calls another function meanwhile has lost what it wrote.
 */
export function scratch(byteLength: number): Buffer {
  if (byteLength <= kept.length) return kept
  const larger = Buffer.allocUnsafeSlow(Math.max(byteLength, Math.min(kept.length * 2, MAX_KEPT_BYTES)))
  if (byteLength <= MAX_KEPT_BYTES) kept = larger
  return larger
}

/** The first bytes of such memory, as a value that stays. */
export function copyOf(bytes: Buffer, byteLength: number): Buffer {
  const copy = Buffer.allocUnsafe(byteLength)
  bytes.copy(copy, 0, 0, byteLength)
  return copy
}
