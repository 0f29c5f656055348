/** LZ4 blocks with the longer search of higher `compress` levels, byte-identical to the original's library. */
import { littleEndian32 } from '../words.ts'
import { LAST_BYTES, MIN_MATCH, SKIP_BITS, WINDOW_BYTES, writeLast, writeSequence } from './lz4-block.ts'

const HASH_PRIME = 0x9e3779b1 | 0

interface Tables {
  /** The latest position of four bytes, by hash; 0 for none. */
  readonly latest: Int32Array
  /** For each position of the window, the previous one with the same hash. */
  readonly before: Int32Array
}

let tables: Tables | undefined

/** Like `compressLz4Block`, but tries up to `depth` positions with the same hash. */
export function compressLz4BlockHigh(input: Uint8Array, out: Uint8Array, start: number, depth: number): number {
  tables ??= { latest: new Int32Array(WINDOW_BYTES), before: new Int32Array(WINDOW_BYTES) }
  const { latest, before } = tables
  latest.fill(0)
  before.fill(0)
  const note = (place: number, word: number) => {
    const slot = slotOf(word)
    before[place % WINDOW_BYTES] = latest[slot]!
    latest[slot] = place
  }
  const last = input.length - LAST_BYTES
  let anchor = 0
  let to = start
  for (let at = 0; at < last; ) {
    let word = littleEndian32(input, at)
    let length = 0
    let offset = 0
    let place = latest[slotOf(word)]!
    for (let left = depth; left > 0 && place > 0 && at - place < WINDOW_BYTES; left--) {
      if (input[place + length] === input[at + length]) {
        const found = matchLength(input, place, at, last)
        if (found >= MIN_MATCH && found > length) {
          length = found
          offset = at - place
        }
      }
      place = before[place % WINDOW_BYTES]!
    }
    note(at, word)
    if (length === 0) {
      at += 1 + ((at - anchor) >> SKIP_BITS)
      continue
    }
    for (let next = Math.max(at + 1, at + length - WINDOW_BYTES); next < at + length; next++) {
      word = (word >>> 8) | (input[next + 3]! << 24)
      note(next, word)
    }
    to = writeSequence(input, anchor, at, out, to, offset, length - MIN_MATCH)
    at += length
    anchor = at
  }
  return anchor === 0 ? -1 : writeLast(input, anchor, out, to, start)
}

function slotOf(word: number): number {
  return Math.imul(word, HASH_PRIME) >>> 16
}

/** Compares eight bytes at a time, as long as they start before the last bytes; the comparison may reach into those. */
function matchLength(input: Uint8Array, place: number, at: number, last: number): number {
  let length = 0
  for (; length < last - at; length += 8) {
    for (let i = length; i < length + 8; i++) if (input[place + i] !== input[at + i]) return i
  }
  return length
}
