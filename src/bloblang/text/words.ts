/** Numbers of 32 and 64 bits in the small integers that the engine calculates with, as hashes and compressions need them. */

/** Four bytes from `at` on, the lowest first, with a sign. */
export function littleEndian32(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

/** Four bytes from `at` on, the highest first, without a sign. */
export function bigEndian32(bytes: ArrayLike<number>, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

/**
 * The high half of the product of two 64-bit numbers, that is its upper 32 of 64 bits, from products of 16 bits: no step leaves
 * 32 bits. The low half is `Math.imul` of the low halves.
 */
export function productHigh(aHigh: number, aLow: number, bHigh: number, bLow: number): number {
  const left = aLow & 0xffff
  const right = bLow & 0xffff
  const cross = (Math.imul(aLow >>> 16, right) + (Math.imul(left, right) >>> 16)) | 0
  const middle = (Math.imul(left, bLow >>> 16) + (cross & 0xffff)) | 0
  const top = (Math.imul(aLow >>> 16, bLow >>> 16) + (cross >>> 16) + (middle >>> 16)) | 0
  return (Math.imul(aHigh, bLow) + Math.imul(aLow, bHigh) + top) | 0
}
