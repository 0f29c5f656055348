/** Arithmetic on 32-bit and 64-bit numbers within small integers, for hashes and compression. */

/** Four bytes at `at`, little-endian, signed. */
export function littleEndian32(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

/** Four bytes at `at`, big-endian, unsigned. */
export function bigEndian32(bytes: ArrayLike<number>, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

/**
 * The high word of the product of two 64-bit numbers, that is the upper 32 of its 64 bits, computed from 16-bit
 * products so that no step exceeds 32 bits. The low word is `Math.imul` of the low words.
 */
export function productHigh(aHigh: number, aLow: number, bHigh: number, bLow: number): number {
  const left = aLow & 0xffff
  const right = bLow & 0xffff
  const cross = (Math.imul(aLow >>> 16, right) + (Math.imul(left, right) >>> 16)) | 0
  const middle = (Math.imul(left, bLow >>> 16) + (cross & 0xffff)) | 0
  const top = (Math.imul(aLow >>> 16, bLow >>> 16) + (cross >>> 16) + (middle >>> 16)) | 0
  return (Math.imul(aHigh, bLow) + Math.imul(aLow, bHigh) + top) | 0
}
