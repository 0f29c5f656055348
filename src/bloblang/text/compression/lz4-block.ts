/** LZ4 blocks: sequences of literals followed by a match. Byte-identical to the output of the original's library. */
import { MappingError } from '../../errors.ts'
import { littleEndian32, productHigh } from '../words.ts'

const HASH_BITS = 16
/** Shorter repetitions are emitted as literals. */
export const MIN_MATCH = 4
/** A nibble with this value is continued in further bytes. */
const FULL = 15
/** No match starts within the last bytes. */
export const LAST_BYTES = 14
/** The maximum distance of a match. */
export const WINDOW_BYTES = 65_536
/** The step grows by one byte for every 2^7 bytes without a match. */
export const SKIP_BITS = 7
/** The prime for hashing six bytes: its upper 16 and lower 32 bits. */
const PRIME_HIGH = 0xcf1b
const PRIME_LOW = 0xbcdcbf9b | 0

/**
 * The last position of six bytes, by hash, counted across all blocks so far: entries from earlier blocks are below
 * {@link base} and ignored, so that the table need not be cleared.
 */
const places = new Int32Array(1 << HASH_BITS).fill(-1)
let base = 0
const MAX_BASE = 2 ** 30

/** The maximum size of a compressed block. */
export function lz4Bound(byteLength: number): number {
  return byteLength + Math.ceil(byteLength / 255) + 16
}

/** A self-contained block, which consists of literals if it cannot be compressed. */
export function lz4Block(input: Uint8Array): Uint8Array {
  const out = new Uint8Array(lz4Bound(input.length))
  const end = compressLz4Block(input, out, 0)
  if (end >= 0) return out.subarray(0, end)
  const to = writeToken(out, 0, input.length, 0)
  out.set(input, to)
  return out.subarray(0, to + input.length)
}

/** Writes the block to `out` at `start`; returns its end, or -1 if it would not be smaller. */
export function compressLz4Block(input: Uint8Array, out: Uint8Array, start: number): number {
  const last = input.length - LAST_BYTES
  let anchor = 0
  let to = start
  for (let at = 0; at < last; ) {
    const low = littleEndian32(input, at)
    const high = littleEndian32(input, at + 4)
    const first = slotOf(low, high)
    const second = slotOf((low >>> 8) | (high << 24), high >>> 8)
    let found = candidate(first, at)
    const foundNext = candidate(second, at + 1)
    places[first] = base + at
    places[second] = base + at + 1
    if (at - found >= WINDOW_BYTES || littleEndian32(input, found) !== low) {
      // The next two positions are tried as well before stepping.
      const third = slotOf((low >>> 16) | (high << 16), high >>> 16)
      const foundThird = candidate(third, at + 2)
      at++
      found = foundNext
      if (at - found >= WINDOW_BYTES || littleEndian32(input, found) !== littleEndian32(input, at)) {
        at++
        found = foundThird
        places[third] = base + at
        if (at - found >= WINDOW_BYTES || littleEndian32(input, found) !== littleEndian32(input, at)) {
          at += 2 + ((at - anchor) >> SKIP_BITS)
          continue
        }
      }
    }
    const offset = at - found
    const foundAt = at
    while (at > anchor && at > offset && input[at - 1] === input[at - 1 - offset]) at--
    const from = at
    at = matchEnd(input, foundAt + MIN_MATCH, offset, last)
    to = writeSequence(input, anchor, from, out, to, offset, at - from - MIN_MATCH)
    anchor = at
    if (at < last) places[slotOf(littleEndian32(input, at - 2), littleEndian32(input, at + 2))] = base + at - 2
  }
  base += input.length + WINDOW_BYTES
  if (base > MAX_BASE) {
    places.fill(-1)
    base = 0
  }
  return anchor === 0 ? -1 : writeLast(input, anchor, out, to, start)
}

/** Compares eight bytes at a time; a shorter remainder before the last bytes is left to literals. */
function matchEnd(input: Uint8Array, from: number, offset: number, last: number): number {
  let at = from
  for (; at + 8 <= last; at += 8) {
    for (let i = at; i < at + 8; i++) if (input[i] !== input[i - offset]) return i
  }
  return at
}

/** The latest position of a slot within the window before `at`. The original stores only its lower 16 bits. */
function candidate(slot: number, at: number): number {
  const place = places[slot]! - base
  const found = (place < 0 ? 0 : place & 0xffff) + (at & ~0xffff)
  return found >= at ? found - WINDOW_BYTES : found
}

/** A 16-bit hash: the product of six bytes, in two parts, and a prime. */
function slotOf(low: number, high: number): number {
  return productHigh(high, low, PRIME_HIGH, PRIME_LOW) & 0xffff
}

/** Writes literals and a match; returns the end. `more` is the match length beyond the minimum. */
export function writeSequence(
  input: Uint8Array,
  from: number,
  end: number,
  out: Uint8Array,
  start: number,
  offset: number,
  more: number,
): number {
  let to = writeToken(out, start, end - from, more)
  for (let at = from; at < end; at++) out[to++] = input[at]!
  out[to++] = offset
  out[to++] = offset >> 8
  return more < FULL ? to : writeLength(out, to, more)
}

/** Writes the remaining literals; -1 if the block has not become smaller by then. */
export function writeLast(
  input: Uint8Array,
  anchor: number,
  out: Uint8Array,
  start: number,
  blockStart: number,
): number {
  let to = writeToken(out, start, input.length - anchor, 0)
  if (to - blockStart >= anchor) return -1
  for (let at = anchor; at < input.length; at++) out[to++] = input[at]!
  return to
}

function writeToken(out: Uint8Array, at: number, literals: number, more: number): number {
  out[at] = (Math.min(literals, FULL) << 4) | Math.min(more, FULL)
  return literals < FULL ? at + 1 : writeLength(out, at + 1, literals)
}

function writeLength(out: Uint8Array, at: number, length: number): number {
  let to = at
  let rest = length - FULL
  for (; rest >= 255; rest -= 255) out[to++] = 255
  out[to++] = rest
  return to
}

/** The decompressed size of a block by its tokens; if corrupt, at least what is written before the error. */
export function lz4ContentLength(input: Uint8Array, start: number, end: number): number {
  let length = 0
  for (let at = start; at < end; ) {
    const token = input[at++]!
    let literals = token >> 4
    if (literals === FULL) {
      let byte
      do literals += byte = input[at++] ?? 0
      while (byte === 255)
    }
    at += literals
    length += literals
    if (at >= end) break
    at += 2
    let match = token & FULL
    if (match === FULL) {
      let byte
      do match += byte = input[at++] ?? 0
      while (byte === 255)
    }
    length += match + MIN_MATCH
  }
  return length
}

/** Longer runs are copied with a single call. */
const LONG = 48

/**
 * Decompresses the bytes of `input` from `start` up to but excluding `end` into `out` at `filled`; matches may reach
 * back to `lowest`. Returns the end of the content, which must not exceed `limit`; `out` has room up to there.
 */
export function decompressLz4Block(
  input: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  filled: number,
  lowest: number,
  limit: number,
): number {
  let to = filled
  for (let at = start; at < end; ) {
    const token = input[at++]!
    let literals = token >> 4
    if (literals === FULL) {
      let byte
      do {
        if (at >= end) throw corrupt()
        byte = input[at++]!
        literals += byte
      } while (byte === 255)
    }
    if (at + literals > end || to + literals > limit) throw corrupt()
    if (literals > LONG) {
      out.set(input.subarray(at, at + literals), to)
      at += literals
      to += literals
    } else for (const stop = at + literals; at < stop; ) out[to++] = input[at++]!
    if (at === end && (token & FULL) === 0) break
    if (at + 2 > end) throw corrupt()
    const offset = input[at]! | (input[at + 1]! << 8)
    at += 2
    let length = (token & FULL) + MIN_MATCH
    if (length === FULL + MIN_MATCH) {
      let byte
      do {
        if (at >= end) throw corrupt()
        byte = input[at++]!
        length += byte
      } while (byte === 255)
    }
    if (offset === 0 || to - offset < lowest || to + length > limit) throw corrupt()
    if (length > LONG && offset >= length) {
      out.copyWithin(to, to - offset, to - offset + length)
      to += length
    } else for (const stop = to + length; to < stop; to++) out[to] = out[to - offset]!
  }
  return to
}

function corrupt(): MappingError {
  return new MappingError('lz4: invalid source or destination buffer too short')
}
