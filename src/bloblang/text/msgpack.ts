/** MessagePack. As in the original calculated integers take 64 bits, those of a document as few as they need. */
import { shortestFloat32 } from '../data/narrow.ts'
import { MappingError } from '../errors.ts'
import { sortedKeys } from '../stdlib/support.ts'
import {
  Float,
  JsonNumber,
  Timestamp,
  Uint64,
  type Value,
  type ValueObject,
  NarrowFloat,
  NarrowInteger,
} from '../value.ts'
import { utf8Bytes, utf8Text } from './bytes.ts'

const NANOS = 1_000_000_000n
const MAX_UINT64 = 0xffffffffffffffffn
const MIN_INT64 = -0x8000000000000000n
const MAX_DEPTH = 10_000
const TIME_EXTENSION = -1

/** A value as MessagePack; the fields of objects in the order of their names. */
export function formatMsgpack(value: Value): Uint8Array {
  const parts: Uint8Array[] = []
  write(value, parts)
  return new Uint8Array(Buffer.concat(parts))
}

function write(value: Value, parts: Uint8Array[]): void {
  switch (typeof value) {
    case 'string':
      return writeText(value, parts)
    case 'number':
      return writeDocumentNumber(String(value), parts)
    case 'boolean':
      parts.push(Uint8Array.of(value ? 0xc3 : 0xc2))
      return
    case 'bigint':
      return writeNumber(parts, 0xd3, view => view.setBigInt64(1, value))
    case 'object':
      if (value !== null) return writeObject(value, parts)
      parts.push(Uint8Array.of(0xc0))
      return
    default:
      // What stands for no value is written as null.
      parts.push(Uint8Array.of(0xc0))
  }
}

function writeObject(value: object & Value, parts: Uint8Array[]): void {
  if (value instanceof NarrowInteger) return writeNarrow(value, parts)
  if (value instanceof NarrowFloat) return writeNumber(parts, 0xca, view => view.setFloat32(1, value.value), 4)
  if (value instanceof Float) return writeNumber(parts, 0xcb, view => view.setFloat64(1, value.value))
  if (value instanceof Uint64) return writeNumber(parts, 0xcf, view => view.setBigUint64(1, value.value))
  if (value instanceof JsonNumber) return writeDocumentNumber(value.text, parts)
  if (value instanceof Timestamp) return writeTime(value, parts)
  if (value instanceof Uint8Array) {
    parts.push(lengthHeader(value.length, [0xc4, 0xc5, 0xc6]), value)
    return
  }
  if (Array.isArray(value)) {
    const array = value as readonly Value[]
    parts.push(array.length < 16 ? Uint8Array.of(0x90 | array.length) : lengthHeader(array.length, [0, 0xdc, 0xdd]))
    for (const element of array) write(element, parts)
    return
  }
  const object = value as ValueObject
  const keys = sortedKeys(object)
  parts.push(keys.length < 16 ? Uint8Array.of(0x80 | keys.length) : lengthHeader(keys.length, [0, 0xde, 0xdf]))
  for (const key of keys) {
    writeText(key, parts)
    write(object[key]!, parts)
  }
}

function writeText(text: string, parts: Uint8Array[]): void {
  const bytes = utf8Bytes(text)
  parts.push(
    bytes.length < 32 ? Uint8Array.of(0xa0 | bytes.length) : lengthHeader(bytes.length, [0xd9, 0xda, 0xdb]),
    bytes,
  )
}

function writeNumber(parts: Uint8Array[], code: number, set: (view: DataView) => void, size = 8): void {
  const bytes = new Uint8Array(size + 1)
  bytes[0] = code
  set(new DataView(bytes.buffer))
  parts.push(bytes)
}

/** Each type has a form of its own; a plain `int` takes the smallest that fits. */
function writeNarrow({ type, value }: NarrowInteger, parts: Uint8Array[]): void {
  const small = Number(value)
  switch (type) {
    case 'int':
      return writeDocumentNumber(String(value), parts)
    case 'int8':
      return writeNumber(parts, 0xd0, view => view.setInt8(1, small), 1)
    case 'int16':
      return writeNumber(parts, 0xd1, view => view.setInt16(1, small), 2)
    case 'int32':
      return writeNumber(parts, 0xd2, view => view.setInt32(1, small), 4)
    case 'uint8':
      return writeNumber(parts, 0xcc, view => view.setUint8(1, small), 1)
    case 'uint16':
      return writeNumber(parts, 0xcd, view => view.setUint16(1, small), 2)
    case 'uint32':
      return writeNumber(parts, 0xce, view => view.setUint32(1, small), 4)
  }
}

function writeDocumentNumber(text: string, parts: Uint8Array[]): void {
  const value = /^-?\d+$/.test(text) ? BigInt(text) : undefined
  if (value === undefined || value > MAX_UINT64 || value < MIN_INT64) {
    return writeNumber(parts, 0xcb, view => view.setFloat64(1, Number(text)))
  }
  const bytes = new DataView(new ArrayBuffer(9))
  const written = (length: number): void => {
    parts.push(new Uint8Array(bytes.buffer, 0, length))
  }
  if (value >= -32n && value < 128n) {
    bytes.setInt8(0, Number(value))
    return written(1)
  }
  const bits = value >= 0n ? unsignedBits(value) : signedBits(value)
  const code = (value >= 0n ? 0xcc : 0xd0) + Math.log2(bits / 8)
  bytes.setUint8(0, code)
  if (bits === 8) bytes.setUint8(1, Number(BigInt.asUintN(8, value)))
  else if (bits === 16) bytes.setUint16(1, Number(BigInt.asUintN(16, value)))
  else if (bits === 32) bytes.setUint32(1, Number(BigInt.asUintN(32, value)))
  else bytes.setBigUint64(1, BigInt.asUintN(64, value))
  return written(1 + bits / 8)
}

function unsignedBits(value: bigint): number {
  return value < 0x100n ? 8 : value < 0x10000n ? 16 : value < 0x100000000n ? 32 : 64
}

function signedBits(value: bigint): number {
  return value >= -0x80n ? 8 : value >= -0x8000n ? 16 : value >= -0x80000000n ? 32 : 64
}

/** A code and a length of 8, 16 or 32 bits, whichever is there and fits. */
function lengthHeader(length: number, codes: readonly [number, number, number]): Uint8Array {
  if (length < 256 && codes[0] !== 0) return Uint8Array.of(codes[0], length)
  if (length < 65_536) return Uint8Array.of(codes[1], length >> 8, length & 255)
  return Uint8Array.of(codes[2], length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255)
}

function writeTime(time: Timestamp, parts: Uint8Array[]): void {
  const nanos = ((time.unixNanos % NANOS) + NANOS) % NANOS
  const seconds = BigInt.asUintN(64, (time.unixNanos - nanos) / NANOS)
  const data = (nanos << 34n) | seconds
  if (seconds >> 34n !== 0n) {
    const bytes = new DataView(new ArrayBuffer(15))
    bytes.setUint16(0, 0xc70c)
    bytes.setInt8(2, TIME_EXTENSION)
    bytes.setUint32(3, Number(nanos))
    bytes.setBigUint64(7, seconds)
    parts.push(new Uint8Array(bytes.buffer))
  } else if (data >> 32n !== 0n) {
    const bytes = new DataView(new ArrayBuffer(10))
    bytes.setUint8(0, 0xd7)
    bytes.setInt8(1, TIME_EXTENSION)
    bytes.setBigUint64(2, data)
    parts.push(new Uint8Array(bytes.buffer))
  } else {
    const bytes = new DataView(new ArrayBuffer(6))
    bytes.setUint8(0, 0xd6)
    bytes.setInt8(1, TIME_EXTENSION)
    bytes.setUint32(2, Number(data))
    parts.push(new Uint8Array(bytes.buffer))
  }
}

/** The first value of some MessagePack data. Throws `EOF`, `unexpected EOF`, `msgpack: unknown code c1 …`. */
export function parseMsgpack(bytes: Uint8Array): Value {
  return new MsgpackReader(bytes).value(0)
}

class MsgpackReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  value(depth: number): Value {
    if (depth > MAX_DEPTH) throw new MappingError('msgpack: the data is nested too deeply')
    const code = this.#bytes[this.#take(1)]!
    if (code < 0x80) return BigInt(code)
    if (code >= 0xe0) return BigInt(code - 256)
    if (code < 0x90) return this.#map(code & 15, depth)
    if (code < 0xa0) return this.#array(code & 15, depth)
    if (code < 0xc0) return this.#text(code & 31)
    switch (code) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#bytesOf(this.#length(code - 0xc4))
      case 0xca:
        return new Float(shortestFloat32(this.#view.getFloat32(this.#take(4))))
      case 0xcb:
        return new Float(this.#view.getFloat64(this.#take(8)))
      case 0xcc:
        return new Uint64(BigInt(this.#bytes[this.#take(1)]!))
      case 0xcd:
        return new Uint64(BigInt(this.#view.getUint16(this.#take(2))))
      case 0xce:
        return new Uint64(BigInt(this.#view.getUint32(this.#take(4))))
      case 0xcf:
        return new Uint64(this.#view.getBigUint64(this.#take(8)))
      case 0xd0:
        return BigInt(this.#view.getInt8(this.#take(1)))
      case 0xd1:
        return BigInt(this.#view.getInt16(this.#take(2)))
      case 0xd2:
        return BigInt(this.#view.getInt32(this.#take(4)))
      case 0xd3:
        return this.#view.getBigInt64(this.#take(8))
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#text(this.#length(code - 0xd9))
      case 0xdc:
      case 0xdd:
        return this.#array(this.#length(code - 0xdc + 1), depth)
      case 0xde:
      case 0xdf:
        return this.#map(this.#length(code - 0xde + 1), depth)
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.#extension(this.#length(code - 0xc7))
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#extension(1 << (code - 0xd4))
      default:
        throw new MappingError(`msgpack: unknown code ${code.toString(16)} decoding interface{}`)
    }
  }

  #take(count: number): number {
    const at = this.#at
    if (at + count > this.#bytes.length) throw new MappingError(at >= this.#bytes.length ? 'EOF' : 'unexpected EOF')
    this.#at += count
    return at
  }

  /** A length of 8, 16 or 32 bits. */
  #length(width: number): number {
    if (width === 0) return this.#bytes[this.#take(1)]!
    return width === 1 ? this.#view.getUint16(this.#take(2)) : this.#view.getUint32(this.#take(4))
  }

  #bytesOf(length: number): Uint8Array {
    const at = this.#take(length)
    return this.#bytes.slice(at, at + length)
  }

  #text(length: number): string {
    const at = this.#take(length)
    return utf8Text(this.#bytes.subarray(at, at + length))
  }

  #array(length: number, depth: number): Value {
    const array: Value[] = []
    for (let i = 0; i < length; i++) array.push(this.value(depth + 1))
    return array
  }

  #map(length: number, depth: number): Value {
    const fields: [string, Value][] = []
    for (let i = 0; i < length; i++) {
      const key = this.#key()
      fields.push([key, this.value(depth + 1)])
    }
    return Object.fromEntries(fields)
  }

  #key(): string {
    const code = this.#bytes[this.#take(1)]!
    if (code >= 0xa0 && code < 0xc0) return this.#text(code & 31)
    if (code >= 0xd9 && code <= 0xdb) return this.#text(this.#length(code - 0xd9))
    if (code >= 0xc4 && code <= 0xc6) return this.#text(this.#length(code - 0xc4))
    if (code === 0xc0) return ''
    throw new MappingError(`msgpack: invalid code=${code.toString(16)} decoding string/bytes length`)
  }

  #extension(length: number): Value {
    const type = this.#view.getInt8(this.#take(1))
    if (type !== TIME_EXTENSION) throw new MappingError(`msgpack: unknown ext id=${type}`)
    const at = this.#take(length)
    const zone = { name: 'Local' }
    if (length === 4) return new Timestamp(BigInt(this.#view.getUint32(at)) * NANOS, zone)
    if (length === 8) {
      const data = this.#view.getBigUint64(at)
      return new Timestamp((data & 0x3ffffffffn) * NANOS + (data >> 34n), zone)
    }
    if (length === 12) {
      return new Timestamp(this.#view.getBigInt64(at + 4) * NANOS + BigInt(this.#view.getUint32(at)), zone)
    }
    throw new MappingError(`msgpack: invalid ext len=${length} decoding time`)
  }
}
