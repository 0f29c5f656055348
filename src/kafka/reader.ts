/** A frame that cannot be decoded; its connection is closed. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
}

/** 16 bytes in canonical lower-case text, 8-4-4-4-12. */
export type Uuid = string

/** The id that means "no id". */
export const zeroUuid: Uuid = '00000000-0000-0000-0000-000000000000'

/** Kafka's limit for strings in bytes, even where a compact length could express more. */
const maxStringBytes = 32767

/** Maximum number of array elements in one frame: each takes one byte on the wire, but a hundred or more in memory. */
const maxElements = 2_000_000

type Decode<T> = (reader: Reader, version: number) => T

/**
 * A cursor over one frame. Byte fields are slices of the frame, never copies. `flexible` decides whether lengths are
 * compact and structs end with tagged fields (KIP-482).
 */
export class Reader {
  readonly buffer: Buffer
  readonly #view: DataView
  position: number
  flexible = false
  #elementsLeft = maxElements

  constructor(buffer: Buffer, position = 0) {
    this.buffer = buffer
    this.#view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    this.position = position
  }

  get remaining(): number {
    return this.buffer.length - this.position
  }

  bool(): boolean {
    return this.int8() !== 0
  }

  int8(): number {
    return this.#view.getInt8(this.#take(1))
  }

  int16(): number {
    return this.#view.getInt16(this.#take(2))
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2))
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4))
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4))
  }

  /** Reads a number, not a BigInt, which costs 30 times as much here: offsets, timestamps and sizes stay below 2^53. */
  int64(): number {
    const at = this.#take(8)
    return this.#view.getInt32(at) * 4294967296 + this.#view.getUint32(at + 4)
  }

  float64(): number {
    return this.#view.getFloat64(this.#take(8))
  }

  /** Reads at most five bytes; the value is below 2^32. */
  uvarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#view.getUint8(this.#take(1))
      value += (byte & 127) * 2 ** shift
      if (byte < 128) {
        if (value > 0xffffffff) break
        return value
      }
    }
    throw new ProtocolError('varint is too long')
  }

  string(): string {
    return this.nullableString() ?? fail('null for a string that is not nullable')
  }

  nullableString(): string | null {
    const length = this.flexible ? this.uvarint() - 1 : this.int16()
    if (length < 0) return null
    if (length > maxStringBytes) throw new ProtocolError(`string of ${length} bytes`)
    const at = this.#take(length)
    return this.buffer.toString('utf8', at, at + length)
  }

  uuid(): Uuid {
    const at = this.#take(16)
    const hex = this.buffer.toString('hex', at, at + 16)
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  }

  bytes(): Buffer {
    return this.nullableBytes() ?? fail('null for bytes that are not nullable')
  }

  nullableBytes(): Buffer | null {
    const length = this.#length()
    if (length < 0) return null
    const at = this.#take(length)
    return this.buffer.subarray(at, at + length)
  }

  array<T>(version: number, decode: Decode<T>): T[] {
    return this.nullableArray(version, decode) ?? fail('null for an array that is not nullable')
  }

  nullableArray<T>(version: number, decode: Decode<T>): T[] | null {
    const length = this.#length()
    if (length < 0) return null
    // Every element takes a byte or more, so a length beyond the frame is invalid and must not allocate.
    if (length > this.remaining) throw new ProtocolError(`array of ${length} elements in ${this.remaining} bytes`)
    this.#elementsLeft -= length
    if (this.#elementsLeft < 0) throw new ProtocolError(`more than ${maxElements} array elements`)
    const items: T[] = []
    for (let i = 0; i < length; i++) items.push(decode(this, version))
    return items
  }

  nullableStruct<T>(version: number, decode: Decode<T>): T | null {
    return this.int8() < 0 ? null : decode(this, version)
  }

  /** Number of tagged fields at the end of this struct: none before the flexible versions. */
  tagCount(): number {
    return this.flexible ? this.uvarint() : 0
  }

  /** Reads the size of a tagged field and returns the position of its end. */
  tagEnd(): number {
    const size = this.uvarint()
    if (size > this.remaining) throw new ProtocolError('tagged field extends beyond the frame')
    return this.position + size
  }

  /** Skips unknown tagged fields. */
  skipTags(): void {
    for (let left = this.tagCount(); left > 0; left--) {
      this.uvarint()
      this.position = this.tagEnd()
    }
  }

  #length(): number {
    return this.flexible ? this.uvarint() - 1 : this.int32()
  }

  #take(count: number): number {
    const at = this.position
    if (at + count > this.buffer.length)
      throw new ProtocolError(`cannot read ${count} bytes at ${at} of ${this.buffer.length}`)
    this.position = at + count
    return at
  }
}

/** Readers for the elements of primitive arrays. */
export const readInt8 = (reader: Reader): number => reader.int8()
export const readInt32 = (reader: Reader): number => reader.int32()
export const readInt64 = (reader: Reader): number => reader.int64()
export const readString = (reader: Reader): string => reader.string()
/** @public Used by generated code for arrays of ids. */
export const readUuid = (reader: Reader): Uuid => reader.uuid()

function fail(message: string): never {
  throw new ProtocolError(message)
}
