import { Buffer } from 'node:buffer'
import { crc32 } from 'node:zlib'
import { messageOf } from '../../base/index.ts'
import type { ByteSource } from '../../engine/index.ts'
import { AvroError } from './cursor.ts'
import { AvroSchemaError, type AvroType, parseAvroSchema } from './schema.ts'

/** Maximum size of a compressed block; decompressed data is limited by `decompress`. */
const MAX_BLOCK_BYTES = 268_435_456
const MAX_METADATA_BYTES = 16_777_216
const MAGIC = Buffer.from('Obj\u0001', 'latin1')
/** Maps Avro's codecs to the names used by `decompress`. */
const ALGORITHMS: Readonly<Record<string, string>> = {
  deflate: 'flate',
  snappy: 'snappy',
  zstandard: 'zstd',
  bzip2: 'bzip2',
}

interface Header {
  readonly type: AvroType
  /** For {@link Unpack}; undefined if blocks are not compressed. */
  readonly algorithm: string | undefined
  readonly isSnappy: boolean
  readonly sync: Uint8Array
}

/** The consecutive values of a block. */
export interface Block {
  readonly count: number
  readonly bytes: Uint8Array
}

type Unpack = (algorithm: string, bytes: Uint8Array) => Uint8Array

/**
 * Reads an object container file block by block. Errors are {@link AvroError}, worded like those of the original's
 * library.
 */
export class Container {
  readonly #source: ByteSource
  readonly #unpack: Unpack
  #header: Header | undefined
  #pieces: Uint8Array[] = []
  #length = 0

  constructor(source: ByteSource, unpack: Unpack) {
    this.#source = source
    this.#unpack = unpack
  }

  /** The type of all values. */
  async type(): Promise<AvroType> {
    this.#header ??= await this.#readHeader()
    return this.#header.type
  }

  /** The next block, or null at the end. */
  async next(): Promise<Block | null> {
    this.#header ??= await this.#readHeader()
    const { algorithm, isSnappy, sync } = this.#header
    if (!(await this.#has(1))) return null
    const count = await this.#long('block count')
    if (count <= 0) throw new AvroError(`cannot decode when block count is not greater than 0: ${count}`)
    const size = await this.#long('block size')
    if (size <= 0) throw new AvroError(`cannot decode when block size is not greater than 0: ${size}`)
    if (size > MAX_BLOCK_BYTES) {
      throw new AvroError(`cannot decode when block size exceeds MaxBlockSize: ${size} > ${MAX_BLOCK_BYTES}`)
    }
    const packed = await this.#take(size, 'block')
    const marker = await this.#take(16, 'sync marker')
    if (Buffer.compare(marker, sync) !== 0) {
      throw new AvroError(`sync marker mismatch: [${marker.join(' ')}] != [${sync.join(' ')}]`)
    }
    if (algorithm === undefined) return { count, bytes: packed }
    return { count, bytes: isSnappy ? this.#unsnapped(algorithm, packed) : this.#unpacked(algorithm, packed) }
  }

  #unpacked(algorithm: string, packed: Uint8Array): Uint8Array {
    try {
      return this.#unpack(algorithm, packed)
    } catch (error) {
      throw new AvroError(`cannot decompress: ${messageOf(error)}`)
    }
  }

  /** The last four bytes are the checksum of the decompressed data. */
  #unsnapped(algorithm: string, packed: Uint8Array): Uint8Array {
    const end = packed.length - 4
    if (end <= 0) throw new AvroError(`cannot decompress snappy without CRC32 checksum: ${packed.length}`)
    const bytes = this.#unpacked(algorithm, packed.subarray(0, end))
    const expected = Buffer.from(packed.subarray(end)).readUInt32BE()
    const actual = crc32(bytes)
    if (actual !== expected) {
      throw new AvroError(`snappy CRC32 checksum mismatch: ${actual.toString(16)} != ${expected.toString(16)}`)
    }
    return bytes
  }

  async #readHeader(): Promise<Header> {
    try {
      return await this.#header_()
    } catch (error) {
      if (!(error instanceof AvroError || error instanceof AvroSchemaError)) throw error
      throw new AvroError(`cannot create OCFReader: ${error.message}`)
    }
  }

  async #header_(): Promise<Header> {
    const magic = await this.#take(4, 'OCF header magic bytes')
    if (Buffer.compare(magic, MAGIC) !== 0) {
      throw new AvroError(
        `cannot read OCF header with invalid magic bytes: ${JSON.stringify(Buffer.from(magic).toString('latin1'))}`,
      )
    }
    const metadata = await this.#metadata()
    const codec = metadata.get('avro.codec') ?? 'null'
    const algorithm = Object.hasOwn(ALGORITHMS, codec) ? ALGORITHMS[codec] : undefined
    if (algorithm === undefined && codec !== 'null') {
      throw new AvroError(
        `cannot read OCF header using unrecognized compression algorithm from avro.codec: ${JSON.stringify(codec)}`,
      )
    }
    const schema = metadata.get('avro.schema')
    if (schema === undefined) throw new AvroError('cannot read OCF header without avro.schema')
    return {
      type: parseAvroSchema(schema),
      algorithm,
      isSnappy: codec === 'snappy',
      sync: await this.#take(16, 'sync marker'),
    }
  }

  async #metadata(): Promise<ReadonlyMap<string, string>> {
    const metadata = new Map<string, string>()
    let total = 0
    const text = async () => {
      const size = await this.#long('metadata')
      total += size
      if (size < 0 || total > MAX_METADATA_BYTES)
        throw new AvroError('cannot read OCF header metadata: it is too large')
      return Buffer.from(await this.#take(size, 'metadata')).toString('utf8')
    }
    for (let count = await this.#long('metadata'); count !== 0; count = await this.#long('metadata')) {
      if (count < 0) await this.#long('metadata')
      for (let i = 0; i < Math.abs(count); i++) metadata.set(await text(), await text())
    }
    return metadata
  }

  async #long(what: string): Promise<number> {
    let value = 0
    for (let factor = 1; factor < 2 ** 49; factor *= 128) {
      const [byte = 0] = await this.#take(1, what)
      value += (byte & 127) * factor
      if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    }
    throw new AvroError(`cannot read ${what}: it is too large`)
  }

  async #take(count: number, what: string): Promise<Uint8Array> {
    if (!(await this.#has(count))) throw new AvroError(`cannot read ${what}: unexpected EOF`)
    const all = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces)
    this.#pieces = [all.subarray(count)]
    this.#length -= count
    return all.subarray(0, count)
  }

  /** Whether `count` bytes are available; reads more if they are not. */
  async #has(count: number): Promise<boolean> {
    while (this.#length < count) {
      const piece = await this.#source.read()
      if (piece === null) return false
      this.#pieces.push(piece)
      this.#length += piece.length
    }
    return true
  }
}
