/** The LZ4 frame format. */
import { MappingError } from '../errors.ts'
import { ByteWriter } from './byte-writer.ts'
import { xxhash32 } from './hashes.ts'
import { MatchTable } from './match-table.ts'
import { MAX_RESULT_BYTES } from './target.ts'

const MAGIC = 0x184d2204
const SKIPPABLE_MAGIC = 0x184d2a50
const BLOCK_BYTES = 4 * 1024 * 1024
/** Independent blocks and a checksum of the content; blocks of up to 4 MiB. */
const FLAGS = 0x64
const BLOCK_SIZE_CODE = 0x70
const UNCOMPRESSED = 0x80000000
const HASH_BITS = 16
const MIN_MATCH = 4
/** A block ends with literals: no match begins in the last 12 bytes nor reaches into the last 5. */
const LAST_MATCH_START = 12
const LAST_LITERALS = 5
const MAX_OFFSET = 65_535

const HEADER = Uint8Array.of(0x04, 0x22, 0x4d, 0x18, FLAGS, BLOCK_SIZE_CODE, headerChecksum(FLAGS, BLOCK_SIZE_CODE))

/** One frame of independent blocks with a checksum. */
export function compressLz4(input: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [HEADER]
  for (let at = 0; at < input.length; at += BLOCK_BYTES) {
    const block = input.subarray(at, at + BLOCK_BYTES)
    const compressed = compressBlock(block)
    const isSmaller = compressed.length < block.length
    parts.push(word(isSmaller ? compressed.length : block.length + UNCOMPRESSED), isSmaller ? compressed : block)
  }
  parts.push(word(0), word(xxhash32(input)))
  return new Uint8Array(Buffer.concat(parts))
}

function headerChecksum(...descriptor: number[]): number {
  return (xxhash32(Uint8Array.from(descriptor)) >>> 8) & 255
}

function word(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value, true)
  return bytes
}

const table = new MatchTable(HASH_BITS)
const out = new ByteWriter()

function compressBlock(input: Uint8Array): Uint8Array {
  let literalStart = 0
  let at = 0
  while (at + LAST_MATCH_START <= input.length) {
    const value = readWord(input, at)
    const slot = Math.imul(value, 0x9e3779b1) >>> (32 - HASH_BITS)
    const candidate = table.exchange(slot, at)
    if (candidate < 0 || at - candidate > MAX_OFFSET || readWord(input, candidate) !== value) {
      at++
      continue
    }
    let length = MIN_MATCH
    while (at + length < input.length - LAST_LITERALS && input[candidate + length] === input[at + length]) length++
    writeSequence(input, literalStart, at, at - candidate, length)
    at += length
    literalStart = at
  }
  writeSequence(input, literalStart, input.length, 0, 0)
  table.clear()
  return out.take()
}

function readWord(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

function writeSequence(input: Uint8Array, from: number, to: number, offset: number, matchLength: number): void {
  const literals = to - from
  const extra = Math.max(0, matchLength - MIN_MATCH)
  out.byte((Math.min(literals, 15) << 4) | Math.min(extra, 15))
  writeLength(literals)
  out.slice(input, from, to)
  if (matchLength === 0) return
  out.byte(offset & 255)
  out.byte(offset >> 8)
  writeLength(extra)
}

function writeLength(length: number): void {
  if (length < 15) return
  let rest = length - 15
  for (; rest >= 255; rest -= 255) out.byte(255)
  out.byte(rest)
}

/** The content of all frames. Throws for data that is none. */
export function decompressLz4(input: Uint8Array): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength)
  const parts: Uint8Array[] = []
  let at = 0
  while (at < input.length) {
    if (at + 4 > input.length) throw new MappingError('unexpected EOF')
    const magic = view.getUint32(at, true)
    if (magic >= SKIPPABLE_MAGIC && magic < SKIPPABLE_MAGIC + 16) {
      if (at + 8 > input.length) throw new MappingError('unexpected EOF')
      at += 8 + view.getUint32(at + 4, true)
      continue
    }
    if (magic !== MAGIC) throw new MappingError('lz4: bad magic number')
    at = readFrame(input, view, at + 4, parts)
  }
  return new Uint8Array(Buffer.concat(parts))
}

function readFrame(input: Uint8Array, view: DataView, start: number, parts: Uint8Array[]): number {
  let at = start
  const need = (bytes: number): void => {
    if (at + bytes > input.length) throw new MappingError('unexpected EOF')
  }
  need(3)
  const flags = input[at]!
  if (flags >> 6 !== 1) throw new MappingError('lz4: invalid version')
  const descriptorBytes = 2 + (flags & 8 ? 8 : 0) + (flags & 1 ? 4 : 0)
  need(descriptorBytes + 1)
  if (headerChecksum(...input.subarray(at, at + descriptorBytes)) !== input[at + descriptorBytes]) {
    throw new MappingError('lz4: invalid header checksum')
  }
  at += descriptorBytes + 1
  const isLinked = (flags & 0x20) === 0
  const frame: Uint8Array[] = []
  let total = 0
  for (;;) {
    need(4)
    const size = view.getUint32(at, true)
    at += 4
    if (size === 0) break
    const length = size % UNCOMPRESSED
    need(length)
    const block = input.subarray(at, at + length)
    at += length
    if (flags & 0x10) {
      need(4)
      if (view.getUint32(at, true) !== xxhash32(block)) throw new MappingError('lz4: invalid block checksum')
      at += 4
    }
    const history = isLinked ? Buffer.concat(frame).subarray(-65_536) : new Uint8Array()
    const content = size >= UNCOMPRESSED ? block.slice() : decompressBlock(block, history)
    frame.push(content)
    total += content.length
    if (total > MAX_RESULT_BYTES) throw new MappingError('lz4: the decompressed data is too large')
  }
  if (flags & 4) {
    need(4)
    const content = Buffer.concat(frame)
    if (view.getUint32(at, true) !== xxhash32(content)) throw new MappingError('lz4: invalid frame checksum')
    at += 4
  }
  parts.push(...frame)
  return at
}

function decompressBlock(input: Uint8Array, history: Uint8Array): Uint8Array {
  const corrupt = new MappingError('lz4: invalid source or destination buffer too short')
  let out = Buffer.alloc(Math.max(1024, input.length * 4) + history.length)
  out.set(history)
  let filled = history.length
  const reserve = (bytes: number): void => {
    if (filled - history.length + bytes > BLOCK_BYTES * 2) throw corrupt
    if (filled + bytes <= out.length) return
    const larger = Buffer.alloc(Math.max(out.length * 2, filled + bytes))
    larger.set(out.subarray(0, filled))
    out = larger
  }
  let at = 0
  const readLength = (nibble: number): number => {
    let length = nibble
    if (nibble < 15) return length
    for (;;) {
      const byte = input[at++]
      if (byte === undefined) throw corrupt
      length += byte
      if (byte < 255) return length
    }
  }
  while (at < input.length) {
    const token = input[at++]!
    const literals = readLength(token >> 4)
    if (at + literals > input.length) throw corrupt
    reserve(literals)
    out.set(input.subarray(at, at + literals), filled)
    at += literals
    filled += literals
    if (at === input.length) break
    if (at + 2 > input.length) throw corrupt
    const offset = input[at]! | (input[at + 1]! << 8)
    at += 2
    if (offset === 0 || offset > filled) throw corrupt
    const length = readLength(token & 15) + MIN_MATCH
    reserve(length)
    for (let i = 0; i < length; i++, filled++) out[filled] = out[filled - offset]!
  }
  return new Uint8Array(out.subarray(history.length, filled))
}
