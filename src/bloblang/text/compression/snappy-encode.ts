/**
 * Compression to Snappy's block format, byte-identical to the original's library on amd64. Looks up a long and a short
 * hash of the bytes at each position; larger inputs use larger tables and steps.
 */
import { littleEndian32, productHigh } from '../words.ts'

/** Shorter inputs are emitted as literals. */
const MIN_BYTES = 32
const END_MARGIN = 8
const SHORT_PRIME = 0x9e3779b1 | 0

interface Variant {
  readonly maxBytes: number
  readonly longBits: number
  readonly shortBits: number
  /** The step grows by one byte for every 2^skipBits bytes without a match. */
  readonly skipBits: number
  /** How much the long hash covers beyond the first four bytes, in bits. */
  readonly moreBits: 16 | 24
  /** The maximum size of a literal's tag. */
  readonly tagBytes: number
}

const VARIANTS: readonly Variant[] = [
  { maxBytes: 511, longBits: 10, shortBits: 8, skipBits: 4, moreBits: 16, tagBytes: 3 },
  { maxBytes: 4095, longBits: 12, shortBits: 10, skipBits: 5, moreBits: 16, tagBytes: 3 },
  { maxBytes: 16_383, longBits: 14, shortBits: 12, skipBits: 6, moreBits: 16, tagBytes: 3 },
  { maxBytes: 65_536, longBits: 16, shortBits: 13, skipBits: 7, moreBits: 24, tagBytes: 3 },
]
const LARGE: Variant = { maxBytes: Infinity, longBits: 17, shortBits: 14, skipBits: 7, moreBits: 24, tagBytes: 5 }
const MAX_STEP = 100
const FAR = 65_536

/** Primes for six and for seven bytes: the upper part and the lower 32 bits. */
const PRIMES = { 16: [0xcf1b, 0xbcdcbf9b | 0], 24: [0xcf1bbc, 0xdcbfa563 | 0] } as const

/** Positions count across all inputs so far; those below {@link base} are stale, so the tables need no clearing. */
const longPlaces = new Int32Array(1 << LARGE.longBits).fill(-1)
const shortPlaces = new Int32Array(1 << LARGE.shortBits).fill(-1)
let base = 0
const MAX_BASE = 2 ** 30

/** The maximum size of a compressed input, without its length prefix. */
export function snappyBound(byteLength: number): number {
  return byteLength + Math.ceil(byteLength / 6) + 32
}

/** Writes the elements to `out` at `start`; returns the end. */
export function encodeSnappy(input: Uint8Array, out: Uint8Array, start: number): number {
  const end = input.length < MIN_BYTES ? -1 : encodeMatches(input, out, start)
  return end < 0 ? writeLiteral(input, 0, input.length, out, start) : end
}

/** Returns -1 unless the input becomes smaller by at least 1/32. */
function encodeMatches(input: Uint8Array, out: Uint8Array, start: number): number {
  const variant = VARIANTS.find(({ maxBytes }) => input.length <= maxBytes) ?? LARGE
  const { longBits, shortBits, skipBits, moreBits, tagBytes } = variant
  const [primeHigh, primeLow] = PRIMES[moreBits]
  const mask = 2 ** moreBits - 1
  const longShift = moreBits - longBits
  const shortShift = 32 - shortBits
  const longSlot = (low: number, high: number) => (productHigh(high, low, primeHigh, primeLow) & mask) >>> longShift
  const shortSlot = (low: number) => Math.imul(low, SHORT_PRIME) >>> shortShift
  const { length } = input
  const last = length - END_MARGIN
  const limit = start + length - (length >>> 5) - 9 - tagBytes
  const origin = base + length > MAX_BASE ? restarted() : base
  base = origin + length

  let emitted = 0
  let to = start
  let at = 1
  for (;;) {
    const step = (at - emitted) >> skipBits
    const next = at + (variant === LARGE ? Math.min(step + 1, MAX_STEP) : step + 1)
    if (next >= last) break
    const low = littleEndian32(input, at)
    const high = littleEndian32(input, at + 4)
    const long = longSlot(low, high)
    const short = shortSlot(low)
    let found = Math.max(0, longPlaces[long]! - origin)
    const shortFound = Math.max(0, shortPlaces[short]! - origin)
    longPlaces[long] = shortPlaces[short] = origin + at
    const isLong = littleEndian32(input, found) === low
    const isShort = littleEndian32(input, shortFound) === low
    if (!isLong || littleEndian32(input, found + 4) !== high) {
      if (isShort && littleEndian32(input, shortFound + 4) === high) found = shortFound
      else if (!isLong) {
        if (!isShort) {
          at = next
          continue
        }
        // A long match one byte later is better than a short one here.
        const nextLow = (low >>> 8) | (high << 24)
        const nextLong = longSlot(nextLow, high >>> 8)
        found = Math.max(0, longPlaces[nextLong]! - origin)
        longPlaces[nextLong] = origin + at + 1
        if (littleEndian32(input, found) === nextLow) at++
        else found = shortFound
      }
    }
    while (found > 0 && at > emitted && input[found - 1] === input[at - 1]) {
      found--
      at--
    }
    if (to + at - emitted >= limit) return -1
    const offset = at - found
    const from = at
    at += 4
    while (at < length && input[at] === input[at - offset]) at++
    if (at - from <= 5 && offset >= FAR) {
      at = next + 1
      continue
    }
    to = writeLiteral(input, emitted, from, out, to)
    to = offset < FAR ? writeCopy(out, to, offset, at - from) : writeFarCopy(out, to, offset, at - from)
    emitted = at
    if (at >= last) break
    if (to >= limit + tagBytes) return -1
    let first = from + 1
    let final = at - 2
    longPlaces[longSlot(littleEndian32(input, first), littleEndian32(input, first + 4))] = origin + first
    longPlaces[longSlot(littleEndian32(input, final), littleEndian32(input, final + 4))] = origin + final
    shortPlaces[shortSlot(littleEndian32(input, first + 1))] = origin + first + 1
    shortPlaces[shortSlot(littleEndian32(input, final + 1))] = origin + final + 1
    // Of the positions in between, every second one is indexed, starting at both halves.
    let middle = (first + final + 1) >> 1
    for (first++, final--; middle < final; first += 2, middle += 2) {
      longPlaces[longSlot(littleEndian32(input, first), littleEndian32(input, first + 4))] = origin + first
      longPlaces[longSlot(littleEndian32(input, middle), littleEndian32(input, middle + 4))] = origin + middle
    }
  }
  return to + length - emitted >= limit ? -1 : writeLiteral(input, emitted, length, out, to)
}

function restarted(): number {
  longPlaces.fill(-1)
  shortPlaces.fill(-1)
  return 0
}

function writeLiteral(input: Uint8Array, from: number, end: number, out: Uint8Array, start: number): number {
  let to = start
  const length = end - from
  if (length === 0) return to
  if (length <= 60) out[to++] = (length - 1) << 2
  else {
    const width = length <= 256 ? 1 : length <= 65_536 ? 2 : length <= 16_777_216 ? 3 : 4
    out[to++] = (59 + width) << 2
    for (let i = 0; i < width; i++) out[to++] = (length - 1) >>> (8 * i)
  }
  if (length > 64) {
    out.set(input.subarray(from, end), to)
    return to + length
  }
  for (let at = from; at < end; at++) out[to++] = input[at]!
  return to
}

function writeCopy(out: Uint8Array, start: number, offset: number, length: number): number {
  let to = start
  let rest = length
  for (; rest > 64; rest -= 60) {
    out[to++] = (59 << 2) | 2
    out[to++] = offset
    out[to++] = offset >> 8
  }
  if (rest < 12 && offset < 2048) {
    out[to++] = ((offset >> 8) << 5) | ((rest - 4) << 2) | 1
    out[to++] = offset
    return to
  }
  out[to++] = ((rest - 1) << 2) | 2
  out[to++] = offset
  out[to++] = offset >> 8
  return to
}

/** Writes a copy with a four-byte offset. */
function writeFarCopy(out: Uint8Array, start: number, offset: number, length: number): number {
  let to = start
  for (let rest = length; rest > 0; rest -= 64) {
    out[to++] = ((Math.min(rest, 64) - 1) << 2) | 3
    for (let shift = 0; shift < 32; shift += 8) out[to++] = offset >> shift
  }
  return to
}
