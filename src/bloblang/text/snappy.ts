/** Snappy's block format, which has no checksum. */
import { MappingError } from '../errors.ts'
import { ByteWriter } from './byte-writer.ts'
import { MatchTable } from './match-table.ts'
import { MAX_RESULT_BYTES } from './target.ts'

const HASH_BITS = 14
const MIN_MATCH = 4
const MAX_OFFSET = 65_535

const table = new MatchTable(HASH_BITS)
const out = new ByteWriter()

/** The compressed form of some bytes. */
export function compressSnappy(input: Uint8Array): Uint8Array {
  for (let length = input.length; ; length = Math.floor(length / 128)) {
    if (length < 128) {
      out.byte(length)
      break
    }
    out.byte((length % 128) | 128)
  }
  let literalStart = 0
  let at = 0
  while (at + MIN_MATCH <= input.length) {
    const word = readWord(input, at)
    const slot = Math.imul(word, 0x1e35a7bd) >>> (32 - HASH_BITS)
    const candidate = table.exchange(slot, at)
    if (candidate < 0 || at - candidate > MAX_OFFSET || readWord(input, candidate) !== word) {
      at++
      continue
    }
    writeLiteral(input, literalStart, at)
    let length = MIN_MATCH
    while (at + length < input.length && input[candidate + length] === input[at + length]) length++
    writeCopy(at - candidate, length)
    at += length
    literalStart = at
  }
  writeLiteral(input, literalStart, input.length)
  table.clear()
  return out.take()
}

function readWord(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

function writeLiteral(input: Uint8Array, from: number, to: number): void {
  const length = to - from
  if (length === 0) return
  if (length <= 60) out.byte((length - 1) << 2)
  else {
    const width = length <= 256 ? 1 : length <= 65_536 ? 2 : length <= 16_777_216 ? 3 : 4
    out.byte((59 + width) << 2)
    for (let i = 0; i < width; i++) out.byte(((length - 1) >>> (8 * i)) & 255)
  }
  out.slice(input, from, to)
}

function writeCopy(offset: number, length: number): void {
  for (let rest = length; rest > 0; ) {
    const part = Math.min(rest, 64)
    out.byte(((part - 1) << 2) | 2)
    out.byte(offset & 255)
    out.byte(offset >> 8)
    rest -= part
  }
}

/** The bytes that were compressed. Throws `s2: corrupt input`. */
export function decompressSnappy(input: Uint8Array): Uint8Array {
  let at = 0
  let size = 0
  for (let shift = 1; ; shift *= 128) {
    const byte = input[at++]
    if (byte === undefined || at > 5) throw corrupt()
    size += (byte & 127) * shift
    if (byte < 128) break
  }
  if (size > 0xffffffff) throw corrupt()
  if (size > MAX_RESULT_BYTES) throw new MappingError('s2: decoded block is too large')
  const out = new Uint8Array(size)
  let filled = 0
  while (at < input.length) {
    const tag = input[at]!
    const kind = tag & 3
    if (kind === 0) {
      const width = Math.max(0, (tag >> 2) - 59)
      if (at + 1 + width > input.length) throw corrupt()
      const length = (width === 0 ? tag >> 2 : readNumber(input, at + 1, width)) + 1
      at += 1 + width
      if (length > out.length - filled || length > input.length - at) throw corrupt()
      out.set(input.subarray(at, at + length), filled)
      at += length
      filled += length
      continue
    }
    const width = kind === 3 ? 4 : kind
    if (at + 1 + width > input.length) throw corrupt()
    const length = kind === 1 ? 4 + ((tag >> 2) & 7) : (tag >> 2) + 1
    const offset = kind === 1 ? ((tag & 0xe0) << 3) | input[at + 1]! : readNumber(input, at + 1, width)
    at += 1 + width
    if (offset <= 0 || offset > filled || length > out.length - filled) throw corrupt()
    for (let i = 0; i < length; i++, filled++) out[filled] = out[filled - offset]!
  }
  if (filled !== size) throw corrupt()
  return out
}

function readNumber(bytes: Uint8Array, at: number, width: number): number {
  let value = 0
  for (let i = width - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!
  return value
}

function corrupt(): MappingError {
  return new MappingError('s2: corrupt input')
}
