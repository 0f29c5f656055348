/** Decompression of bzip2. */
import { MappingError } from '../../errors.ts'
import { MAX_RESULT_BYTES } from '../target.ts'

const BLOCK_MAGIC = 0x314159265359
const END_MAGIC = 0x177245385090
const GROUP_SYMBOLS = 50
const MAX_CODE_BITS = 20

/** Decompresses all streams. Throws `bzip2 data invalid: …`. */
export function decompressBzip2(input: Uint8Array): Uint8Array {
  const bits = new BitReader(input)
  const parts: Uint8Array[] = []
  let total = 0
  if (input.length === 0) throw new MappingError('unexpected EOF')
  while (!bits.atEnd) {
    if (bits.read(16) !== 0x425a)
      throw invalid(parts.length === 0 ? 'bad magic value' : 'bad magic value in continuation file')
    if (bits.read(8) !== 0x68) throw invalid('non-Huffman entropy encoding')
    const level = bits.read(8) - 0x30
    if (level < 1 || level > 9) throw invalid('invalid compression level')
    for (;;) {
      const magic = bits.read(24) * 0x1000000 + bits.read(24)
      if (magic === END_MAGIC) {
        bits.read(32)
        bits.alignToByte()
        break
      }
      if (magic !== BLOCK_MAGIC) throw invalid('bad magic value found')
      const block = readBlock(bits, level * 100_000)
      total += block.length
      if (total > MAX_RESULT_BYTES) throw new MappingError('bzip2: the decompressed data is too large')
      parts.push(block)
    }
  }
  return new Uint8Array(Buffer.concat(parts))
}

function readBlock(bits: BitReader, capacity: number): Uint8Array {
  const checksum = bits.read(32)
  if (bits.read(1) !== 0) throw invalid('deprecated randomized files')
  const origin = bits.read(24)
  const symbols = readSymbols(bits)
  if (symbols.length === 0) throw invalid('no symbols in input')
  const treeCount = bits.read(3)
  if (treeCount < 2 || treeCount > 6) throw invalid('invalid number of Huffman trees')
  const selectors = readSelectors(bits, treeCount)
  const alphabet = symbols.length + 2
  const trees = Array.from({ length: treeCount }, () => readTree(bits, alphabet))
  const columns = readMoveToFront(bits, symbols, selectors, trees, capacity)
  if (origin >= columns.length) throw invalid('pointer out of bounds')
  const block = undoRunLengths(undoTransform(columns, origin))
  if (blockChecksum(block) !== checksum) throw invalid('block checksum mismatch')
  return block
}

function readSymbols(bits: BitReader): number[] {
  const ranges = bits.read(16)
  const symbols: number[] = []
  for (let range = 0; range < 16; range++) {
    if ((ranges & (0x8000 >> range)) === 0) continue
    const used = bits.read(16)
    for (let i = 0; i < 16; i++) if ((used & (0x8000 >> i)) !== 0) symbols.push(range * 16 + i)
  }
  return symbols
}

function readSelectors(bits: BitReader, treeCount: number): number[] {
  const count = bits.read(15)
  const order = Array.from({ length: treeCount }, (_, i) => i)
  return Array.from({ length: count }, () => {
    let position = 0
    while (bits.read(1) === 1) if (++position >= treeCount) throw invalid('tree index too large')
    const [tree] = order.splice(position, 1)
    order.unshift(tree!)
    return tree!
  })
}

interface Tree {
  /** By length: the first code, and the offset of its symbols. */
  readonly first: readonly number[]
  readonly offset: readonly number[]
  readonly counts: readonly number[]
  readonly symbols: readonly number[]
}

function readTree(bits: BitReader, alphabet: number): Tree {
  const lengths: number[] = []
  let length = bits.read(5)
  for (let i = 0; i < alphabet; i++) {
    for (;;) {
      if (length < 1 || length > MAX_CODE_BITS) throw invalid('Huffman length out of range')
      if (bits.read(1) === 0) break
      length += bits.read(1) === 0 ? 1 : -1
    }
    lengths.push(length)
  }
  const counts = Array.from({ length: MAX_CODE_BITS + 1 }, (_, bitsOf) => lengths.filter(one => one === bitsOf).length)
  const symbols = lengths.map((_, symbol) => symbol).sort((a, b) => lengths[a]! - lengths[b]! || a - b)
  const first: number[] = [0]
  const offset: number[] = [0]
  for (let size = 1, code = 0, index = 0; size <= MAX_CODE_BITS; size++) {
    code <<= 1
    first.push(code)
    offset.push(index)
    code += counts[size]!
    index += counts[size]!
  }
  return { first, offset, counts, symbols }
}

function decodeSymbol(bits: BitReader, tree: Tree): number {
  let code = 0
  for (let size = 1; size <= MAX_CODE_BITS; size++) {
    code = (code << 1) | bits.read(1)
    const index = code - tree.first[size]!
    if (index < tree.counts[size]!) return tree.symbols[tree.offset[size]! + index]!
  }
  throw invalid('bad Huffman code')
}

function readMoveToFront(
  bits: BitReader,
  symbols: number[],
  selectors: readonly number[],
  trees: readonly Tree[],
  capacity: number,
): Uint8Array {
  const out = new Uint8Array(capacity)
  const endOfBlock = symbols.length + 1
  let filled = 0
  let run = 0
  let runWeight = 1
  for (let decoded = 0; ; decoded++) {
    const tree = trees[selectors[Math.floor(decoded / GROUP_SYMBOLS)] ?? -1]
    if (tree === undefined) throw invalid('insufficient selector indices for number of decoded symbols')
    const symbol = decodeSymbol(bits, tree)
    if (symbol < 2) {
      run += runWeight << symbol
      runWeight <<= 1
      if (run > 2 * 1024 * 1024) throw invalid('repeat count too large')
      continue
    }
    if (run > 0) {
      if (run > capacity - filled) throw invalid('repeats past end of block')
      out.fill(symbols[0]!, filled, filled + run)
      filled += run
      run = 0
      runWeight = 1
    }
    if (symbol === endOfBlock) return out.subarray(0, filled)
    if (filled >= capacity) throw invalid('data exceeds block size')
    const [byte] = symbols.splice(symbol - 1, 1)
    symbols.unshift(byte!)
    out[filled++] = byte!
  }
}

/** Inverts the Burrows-Wheeler transform. */
function undoTransform(columns: Uint8Array, origin: number): Uint8Array {
  const starts = new Uint32Array(256)
  for (const byte of columns) starts[byte]!++
  for (let byte = 0, sum = 0; byte < 256; byte++) {
    const count = starts[byte]!
    starts[byte] = sum
    sum += count
  }
  const next = new Uint32Array(columns.length)
  for (let i = 0; i < columns.length; i++) next[starts[columns[i]!]!++] = i
  const out = new Uint8Array(columns.length)
  let at = next[origin] ?? 0
  for (let i = 0; i < out.length; i++) {
    out[i] = columns[at]!
    at = next[at]!
  }
  return out
}

/** Expands run lengths: four equal bytes are followed by a count of further ones. */
function undoRunLengths(bytes: Uint8Array): Uint8Array {
  const out: number[] = []
  let run = 0
  let last = -1
  for (const byte of bytes) {
    if (run === 4) {
      for (let i = 0; i < byte; i++) out.push(last)
      run = 0
      last = -1
      continue
    }
    run = byte === last ? run + 1 : 1
    last = byte
    out.push(byte)
  }
  return Uint8Array.from(out)
}

function blockChecksum(bytes: Uint8Array): number {
  let crc = -1
  for (const byte of bytes) {
    crc ^= byte << 24
    for (let i = 0; i < 8; i++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1
  }
  return ~crc >>> 0
}

class BitReader {
  readonly #bytes: Uint8Array
  #at = 0
  #bit = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  read(count: number): number {
    let value = 0
    for (let i = 0; i < count; i++) {
      const byte = this.#bytes[this.#at]
      if (byte === undefined) throw new MappingError('unexpected EOF')
      value = value * 2 + ((byte >> (7 - this.#bit)) & 1)
      if (++this.#bit === 8) {
        this.#bit = 0
        this.#at++
      }
    }
    return value
  }

  alignToByte(): void {
    if (this.#bit > 0) {
      this.#bit = 0
      this.#at++
    }
  }
}

function invalid(why: string): MappingError {
  return new MappingError(`bzip2 data invalid: ${why}`)
}
