/** The LZ4 frame format. */
import { MappingError } from '../../errors.ts'
import { xxhash32 } from '../xxhash.ts'
import { compressLz4Block, decompressLz4Block, lz4Bound, lz4ContentLength } from './lz4-block.ts'
import { compressLz4BlockHigh } from './lz4-high.ts'
import { copyOf, scratch } from '../scratch.ts'
import { MAX_RESULT_BYTES } from '../target.ts'
import { littleEndian32 } from '../words.ts'

const MAGIC = 0x184d2204
/** Skippable frames: the original ignores all of the last eight bits. */
const SKIPPABLE_MAGIC = 0x184d2a00
const BLOCK_BYTES = 4 * 1024 * 1024
/** Independent blocks of up to 4 MiB, and a checksum of the content. */
const FLAGS = 0x64
const BLOCK_SIZE_CODE = 0x70
const UNCOMPRESSED = 0x80000000

const HEADER = Uint8Array.of(
  0x04,
  0x22,
  0x4d,
  0x18,
  FLAGS,
  BLOCK_SIZE_CODE,
  descriptorChecksum(Uint8Array.of(FLAGS, BLOCK_SIZE_CODE), 0, 2),
)

const MAX_LEVEL = 9

/** Compresses to one frame of independent blocks with a checksum. Levels 1 to 9 search longer, higher ones throw. */
export function compressLz4(input: Uint8Array, level = 0): Uint8Array {
  // The original computes the depth in 32 bits, so very high levels overflow to zero.
  const depth = level > 0 && level < 24 ? 2 ** (8 + level) : 0
  if (depth > 2 ** (8 + MAX_LEVEL)) throw new MappingError(`lz4: invalid compression level: ${depth}`)
  const blocks = Math.ceil(input.length / BLOCK_BYTES)
  const out = scratch(HEADER.length + 8 + lz4Bound(input.length) + blocks * 32)
  for (let at = 0; at < HEADER.length; at++) out[at] = HEADER[at]!
  let to = HEADER.length
  for (let at = 0; at < input.length; at += BLOCK_BYTES) {
    const block = blocks === 1 ? input : input.subarray(at, at + BLOCK_BYTES)
    const end = depth > 0 ? compressLz4BlockHigh(block, out, to + 4, depth) : compressLz4Block(block, out, to + 4)
    if (end < 0) {
      out.writeUInt32LE(block.length + UNCOMPRESSED, to)
      out.set(block, to + 4)
      to += 4 + block.length
    } else {
      out.writeUInt32LE(end - to - 4, to)
      to = end
    }
  }
  out.writeUInt32LE(0, to)
  out.writeUInt32LE(xxhash32(input), to + 4)
  return copyOf(out, to + 8)
}

function descriptorChecksum(bytes: Uint8Array, start: number, end: number): number {
  return (xxhash32(bytes, start, end) >>> 8) & 255
}

/** Decompresses all frames. Throws for invalid data. */
export function decompressLz4(input: Uint8Array): Uint8Array {
  return new FrameReader(input).read()
}

const FIRST_BYTES = 1024 * 1024

class FrameReader {
  readonly #input: Uint8Array
  #at = 0
  #out: Buffer
  #filled = 0

  constructor(input: Uint8Array) {
    this.#input = input
    this.#out = scratch(Math.min(input.length * 4, FIRST_BYTES))
  }

  read(): Uint8Array {
    try {
      for (;;) this.#part()
    } catch (error) {
      if (error !== END) throw error
    }
    return copyOf(this.#out, this.#filled)
  }

  #part(): void {
    const magic = this.#number()
    if (magic === MAGIC) this.#frame()
    else if (magic >= SKIPPABLE_MAGIC && magic < SKIPPABLE_MAGIC + 256) this.#at += this.#number()
    else throw new MappingError('lz4: bad magic number')
  }

  #frame(): void {
    this.#need(3)
    const start = this.#at
    const flags = this.#input[start]!
    const blockBytes = 1 << (8 + 2 * ((this.#input[start + 1]! >> 4) & 7))
    const length = flags & 8 ? 10 : 2
    if (flags & 8) this.#need(8, 3)
    const checksum = descriptorChecksum(this.#input, start, start + length)
    this.#at += length + 1
    check('header', checksum, this.#input[start + length]!)
    if (blockBytes < 65_536) throw new MappingError('lz4: invalid block size')
    const frameStart = this.#filled
    for (let size = this.#number(); size !== 0; size = this.#number()) this.#block(size, flags, frameStart, blockBytes)
    if (flags & 4) check('frame', xxhash32(this.#out, frameStart, this.#filled), this.#number())
  }

  #block(size: number, flags: number, frameStart: number, blockBytes: number): void {
    const length = size % UNCOMPRESSED
    if (length > blockBytes) throw new MappingError('lz4: invalid block size')
    this.#need(length)
    const start = this.#at
    const end = start + length
    const before = this.#filled
    this.#at = end
    const checksum = flags & 16 ? this.#number() : undefined
    if (size >= UNCOMPRESSED) {
      this.#reserve(length)
      this.#out.set(this.#input.subarray(start, end), before)
      this.#filled += length
    } else {
      this.#reserve(Math.min(blockBytes, lz4ContentLength(this.#input, start, end)))
      const lowest = flags & 0x20 ? before : frameStart
      this.#filled = decompressLz4Block(this.#input, start, end, this.#out, before, lowest, before + blockBytes)
    }
    if (checksum !== undefined) check('block', xxhash32(this.#input, start, end), checksum)
    if (this.#filled > MAX_RESULT_BYTES) throw new MappingError('lz4: the decompressed data is too large')
  }

  #reserve(bytes: number): void {
    if (this.#filled + bytes <= this.#out.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#filled + bytes, this.#out.length * 2))
    this.#out.copy(larger, 0, 0, this.#filled)
    this.#out = larger
  }

  #number(): number {
    this.#need(4)
    const value = littleEndian32(this.#input, this.#at)
    this.#at += 4
    return value >>> 0
  }

  /** Input may end before any unit, even within a frame, but not in the middle of one. */
  #need(bytes: number, ahead = 0): void {
    const available = this.#input.length - this.#at - ahead
    if (bytes <= available) return
    throw available <= 0 ? END : new MappingError('unexpected EOF')
  }
}

const END = new Error('the input has ended')

function check(what: string, found: number, expected: number): void {
  if (found === expected) return
  throw new MappingError(`lz4: invalid ${what} checksum: got ${found.toString(16)}; expected ${expected.toString(16)}`)
}
