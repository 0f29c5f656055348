/** MessagePack. As in the original, calculated integers take 64 bits, those of a document as few as they need. */
import { isArray } from '../data/coerce.ts'
import { shortestFloat32 } from '../data/narrow.ts'
import { MAX_UINT64, MIN_INT64 } from '../data/parse-number.ts'
import { NANOS_PER_SECOND, secondsAndNanos } from '../data/time/calendar.ts'
import { MappingError } from '../errors.ts'
import { sortedKeys } from '../data/text-order.ts'
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
import { ByteWriter } from './byte-writer.ts'
import { utf8Bytes, utf8Text } from './bytes.ts'

const MAX_DEPTH = 10_000
const TIME_EXTENSION = 0xff

const out = new ByteWriter()

/** Encodes a value as MessagePack, with the fields of objects sorted by name. */
export function formatMsgpack(value: Value): Uint8Array {
  try {
    write(value)
  } catch (error) {
    out.take()
    throw error
  }
  return out.take()
}

function write(value: Value): void {
  switch (typeof value) {
    case 'string':
      return writeText(value)
    case 'number':
      return writeDocumentNumber(value)
    case 'boolean':
      return out.byte(value ? 0xc3 : 0xc2)
    case 'bigint':
      out.byte(0xd3)
      return out.uint64(BigInt.asUintN(64, value))
    case 'object':
      return value === null ? out.byte(0xc0) : writeObject(value)
    default:
      // Symbols without a value are written as null.
      return out.byte(0xc0)
  }
}

function writeObject(value: object & Value): void {
  if (isArray(value)) return writeArray(value)
  // The fast path for almost every object.
  if (Object.getPrototypeOf(value) === Object.prototype) return writeFields(value as ValueObject)
  return writeSpecial(value)
}

function writeSpecial(value: object & Value): void {
  if (value instanceof NarrowInteger) return writeNarrow(value)
  if (value instanceof NarrowFloat) return writeFloat32(value.value)
  if (value instanceof Float) return writeFloat(value.value)
  if (value instanceof Uint64) {
    out.byte(0xcf)
    return out.uint64(value.value)
  }
  if (value instanceof JsonNumber) return writeNumberText(value.text)
  if (value instanceof Timestamp) return writeTime(value)
  if (value instanceof Uint8Array) {
    writeLength(value.length, [0xc4, 0xc5, 0xc6])
    return out.bytes(value)
  }
  return writeFields(value as ValueObject) // an object is all that is left
}

function writeArray(array: readonly Value[]): void {
  if (array.length < 16) out.byte(0x90 | array.length)
  else writeLength(array.length, [0, 0xdc, 0xdd])
  for (const element of array) write(element)
}

function writeFields(object: ValueObject): void {
  const keys = sortedKeys(object)
  if (keys.length < 16) out.byte(0x80 | keys.length)
  else writeLength(keys.length, [0, 0xde, 0xdf])
  for (const key of keys) {
    writeText(key)
    write(object[key]!)
  }
}

function writeText(text: string): void {
  if (text.length < 32 && out.ascii(0xa0 | text.length, text)) return
  const bytes = utf8Bytes(text)
  if (bytes.length < 32) out.byte(0xa0 | bytes.length)
  else writeLength(bytes.length, [0xd9, 0xda, 0xdb])
  out.bytes(bytes)
}

/** A length of 8, 16 or 32 bits after its code: the smallest form that exists and fits. */
function writeLength(length: number, codes: readonly [number, number, number]): void {
  if (length < 256 && codes[0] !== 0) {
    out.byte(codes[0])
    return out.byte(length)
  }
  const width = length < 65_536 ? 2 : 4
  out.byte(width === 2 ? codes[1] : codes[2])
  return out.uint(length, width)
}

const scratch = new DataView(new ArrayBuffer(8))

function writeFloat(value: number): void {
  scratch.setFloat64(0, value)
  out.byte(0xcb)
  out.uint(scratch.getUint32(0), 4)
  out.uint(scratch.getUint32(4), 4)
}

function writeFloat32(value: number): void {
  scratch.setFloat32(0, value)
  out.byte(0xca)
  out.uint(scratch.getUint32(0), 4)
}

/** Each type has its own form; a plain `int` takes the smallest that fits. */
function writeNarrow({ type, value }: NarrowInteger): void {
  const small = Number(value)
  switch (type) {
    case 'int':
      return writeInteger(value)
    case 'int8':
      return writeCoded(0xd0, small, 1)
    case 'int16':
      return writeCoded(0xd1, small, 2)
    case 'int32':
      return writeCoded(0xd2, small, 4)
    case 'uint8':
      return writeCoded(0xcc, small, 1)
    case 'uint16':
      return writeCoded(0xcd, small, 2)
    case 'uint32':
      return writeCoded(0xce, small, 4)
  }
}

function writeCoded(code: number, value: number, width: 1 | 2 | 4): void {
  out.byte(code)
  out.uint(value, width)
}

function writeDocumentNumber(value: number): void {
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 31 && !Object.is(value, -0)) return writeSmall(value)
  return writeNumberText(String(value))
}

/** An integer below 32 bits in the smallest form. */
function writeSmall(value: number): void {
  if (value >= -32 && value < 128) return out.byte(value & 255)
  if (value >= 0) {
    return value < 0x100
      ? writeCoded(0xcc, value, 1)
      : value < 0x10000
        ? writeCoded(0xcd, value, 2)
        : writeCoded(0xce, value, 4)
  }
  return value >= -0x80
    ? writeCoded(0xd0, value, 1)
    : value >= -0x8000
      ? writeCoded(0xd1, value, 2)
      : writeCoded(0xd2, value, 4)
}

function writeNumberText(text: string): void {
  const value = /^-?\d+$/.test(text) ? BigInt(text) : undefined
  if (value === undefined || value > MAX_UINT64 || value < MIN_INT64) {
    const float = Number(text)
    if (!Number.isFinite(float)) throw new MappingError(`unable to parse ${text} neither as int nor as float`)
    return writeFloat(float)
  }
  return writeInteger(value)
}

function writeInteger(value: bigint): void {
  if (value >= -0x80000000n && value < 0x80000000n) return writeSmall(Number(value))
  if (value >= 0n && value < 0x100000000n) return writeCoded(0xce, Number(value), 4)
  out.byte(value >= 0n ? 0xcf : 0xd3)
  return out.uint64(BigInt.asUintN(64, value))
}

function writeTime(time: Timestamp): void {
  const [unixSeconds, nanos] = secondsAndNanos(time.unixNanos)
  const seconds = BigInt.asUintN(64, unixSeconds)
  const data = (nanos << 34n) | seconds
  if (seconds >> 34n !== 0n) {
    out.byte(0xc7)
    out.byte(12)
    out.byte(TIME_EXTENSION)
    out.uint(Number(nanos), 4)
    return out.uint64(seconds)
  }
  const isShort = data >> 32n === 0n
  out.byte(isShort ? 0xd6 : 0xd7)
  out.byte(TIME_EXTENSION)
  return isShort ? out.uint(Number(data), 4) : out.uint64(data)
}

/** Decodes the first MessagePack value. Throws `EOF`, `unexpected EOF`, `msgpack: unknown code c1 …`. */
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
    if (code < 0x80) return new NarrowInteger(BigInt(code), 'int8')
    if (code >= 0xe0) return new NarrowInteger(BigInt(code - 256), 'int8')
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
        return new NarrowFloat(shortestFloat32(this.#view.getFloat32(this.#take(4))))
      case 0xcb:
        return new Float(this.#view.getFloat64(this.#take(8)))
      case 0xcc:
        return new NarrowInteger(BigInt(this.#bytes[this.#take(1)]!), 'uint8')
      case 0xcd:
        return new NarrowInteger(BigInt(this.#view.getUint16(this.#take(2))), 'uint16')
      case 0xce:
        return new NarrowInteger(BigInt(this.#view.getUint32(this.#take(4))), 'uint32')
      case 0xcf:
        return new Uint64(this.#view.getBigUint64(this.#take(8)))
      case 0xd0:
        return new NarrowInteger(BigInt(this.#view.getInt8(this.#take(1))), 'int8')
      case 0xd1:
        return new NarrowInteger(BigInt(this.#view.getInt16(this.#take(2))), 'int16')
      case 0xd2:
        return new NarrowInteger(BigInt(this.#view.getInt32(this.#take(4))), 'int32')
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
    if ((type & 255) !== TIME_EXTENSION) throw new MappingError(`msgpack: unknown ext id=${type}`)
    const at = this.#take(length)
    const zone = { name: 'Local' }
    if (length === 4) return new Timestamp(BigInt(this.#view.getUint32(at)) * NANOS_PER_SECOND, zone)
    if (length === 8) {
      const data = this.#view.getBigUint64(at)
      return new Timestamp((data & 0x3ffffffffn) * NANOS_PER_SECOND + (data >> 34n), zone)
    }
    if (length === 12) {
      return new Timestamp(this.#view.getBigInt64(at + 4) * NANOS_PER_SECOND + BigInt(this.#view.getUint32(at)), zone)
    }
    throw new MappingError(`msgpack: invalid ext len=${length} decoding time`)
  }
}
