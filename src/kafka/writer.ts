import type { Uuid } from './reader.ts'

type Encode<T> = (writer: Writer, version: number, value: T) => void

/** Bytes of records in memory, as one slice or several, which are sent in order without copying. */
export type Slices = Buffer | readonly Buffer[]

const smallestChunkBytes = 256
const largestChunkBytes = 65536

/**
 * Encodes one message as a list of buffers for one `writev`: encoded fields go into chunks, and record slices are
 * placed between them without copying.
 */
export class Writer {
  flexible = false
  readonly #done: Buffer[] = []
  #doneBytes = 0
  #chunk: Buffer
  #view: DataView
  #start = 0
  #position = 0

  constructor(sizeHint = smallestChunkBytes) {
    this.#chunk = Buffer.allocUnsafe(sizeHint)
    this.#view = viewOf(this.#chunk)
  }

  /** Number of bytes written so far. */
  get size(): number {
    return this.#doneBytes + this.#position - this.#start
  }

  /** Returns everything written, in order. The writer must not be used afterwards. */
  finish(): Buffer[] {
    this.#cut()
    return this.#done
  }

  bool(value: boolean): void {
    this.int8(value ? 1 : 0)
  }

  int8(value: number): void {
    const at = this.#room(1)
    this.#view.setInt8(at, value)
  }

  int16(value: number): void {
    const at = this.#room(2)
    this.#view.setInt16(at, value)
  }

  uint16(value: number): void {
    const at = this.#room(2)
    this.#view.setUint16(at, value)
  }

  int32(value: number): void {
    const at = this.#room(4)
    this.#view.setInt32(at, value)
  }

  uint32(value: number): void {
    const at = this.#room(4)
    this.#view.setUint32(at, value)
  }

  int64(value: number): void {
    const at = this.#room(8)
    this.#view.setInt32(at, Math.floor(value / 4294967296))
    this.#view.setUint32(at + 4, value >>> 0)
  }

  float64(value: number): void {
    const at = this.#room(8)
    this.#view.setFloat64(at, value)
  }

  uvarint(value: number): void {
    let rest = value
    while (rest > 127) {
      this.int8((rest & 127) | 128)
      rest = Math.floor(rest / 128)
    }
    this.int8(rest)
  }

  string(value: string): void {
    const length = Buffer.byteLength(value)
    if (this.flexible) this.uvarint(length + 1)
    else this.int16(length)
    const at = this.#room(length)
    this.#chunk.write(value, at, length, 'utf8')
  }

  nullableString(value: string | null): void {
    if (value !== null) return this.string(value)
    if (this.flexible) this.uvarint(0)
    else this.int16(-1)
  }

  uuid(value: Uuid): void {
    const at = this.#room(16)
    this.#chunk.write(value.replaceAll('-', ''), at, 16, 'hex')
  }

  /** Copies the value; meant for small ones. */
  bytes(value: Buffer): void {
    this.#length(value.length)
    const at = this.#room(value.length)
    value.copy(this.#chunk, at)
  }

  nullableBytes(value: Buffer | null): void {
    if (value === null) this.#length(-1)
    else this.bytes(value)
  }

  /** Does not copy: the slices must not change until they are sent. */
  records(value: Slices | null): void {
    if (value === null) return this.#length(-1)
    const slices = Buffer.isBuffer(value) ? [value] : value
    let length = 0
    for (const slice of slices) length += slice.length
    this.#length(length)
    if (length === 0) return
    this.#cut()
    for (const slice of slices) this.#done.push(slice)
    this.#doneBytes += length
  }

  array<T>(version: number, items: readonly T[], encode: Encode<T>): void {
    this.#length(items.length)
    for (const item of items) encode(this, version, item)
  }

  nullableArray<T>(version: number, items: readonly T[] | null, encode: Encode<T>): void {
    if (items === null) this.#length(-1)
    else this.array(version, items, encode)
  }

  nullableStruct<T>(version: number, value: T | null, encode: Encode<T>): void {
    this.int8(value === null ? -1 : 1)
    if (value !== null) encode(this, version, value)
  }

  /** Writes one tagged field; its size comes first, so its payload is encoded separately. */
  tagged<T>(tag: number, version: number, value: T, encode: Encode<T>): void {
    const payload = new Writer()
    payload.flexible = this.flexible
    encode(payload, version, value)
    this.uvarint(tag)
    this.uvarint(payload.size)
    for (const part of payload.finish()) {
      const at = this.#room(part.length)
      part.copy(this.#chunk, at)
    }
  }

  #length(length: number): void {
    if (this.flexible) this.uvarint(length + 1)
    else this.int32(length)
  }

  /**
   * Reserves `count` bytes and returns their position. Call it before using the
   * chunk and its view, which it may replace.
   */
  #room(count: number): number {
    if (this.#position + count > this.#chunk.length) {
      this.#cut()
      const size = Math.max(count, Math.min(this.#chunk.length * 2, largestChunkBytes))
      this.#chunk = Buffer.allocUnsafe(size)
      this.#view = viewOf(this.#chunk)
      this.#start = 0
      this.#position = 0
    }
    const at = this.#position
    this.#position = at + count
    return at
  }

  #cut(): void {
    if (this.#position === this.#start) return
    this.#done.push(this.#chunk.subarray(this.#start, this.#position))
    this.#doneBytes += this.#position - this.#start
    this.#start = this.#position
  }
}

/** Writers for the elements of primitive arrays. */
export const writeInt8 = (writer: Writer, _version: number, value: number): void => writer.int8(value)
export const writeInt32 = (writer: Writer, _version: number, value: number): void => writer.int32(value)
export const writeInt64 = (writer: Writer, _version: number, value: number): void => writer.int64(value)
export const writeString = (writer: Writer, _version: number, value: string): void => writer.string(value)
/** @public Used by generated code for arrays of ids. */
export const writeUuid = (writer: Writer, _version: number, value: Uuid): void => writer.uuid(value)

function viewOf(chunk: Buffer): DataView {
  return new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}
