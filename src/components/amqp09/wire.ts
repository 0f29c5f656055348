// The encoding of AMQP 0.9.1: values, field tables and the properties of messages (sections 4.2.5 and 4.2.6 of the
// specification, with the types that RabbitMQ lists in its errata).
import { Buffer } from 'node:buffer'

/** A value of a field table. Decimals are read as text, because nothing here writes or calculates with them. */
export type FieldValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Date
  | readonly FieldValue[]
  | FieldTable

export interface FieldTable {
  readonly [name: string]: FieldValue
}

/** Properties of a message. */
export interface Properties {
  readonly contentType?: string | undefined
  readonly contentEncoding?: string | undefined
  readonly headers?: FieldTable | undefined
  readonly deliveryMode?: number | undefined
  readonly priority?: number | undefined
  readonly correlationId?: string | undefined
  readonly replyTo?: string | undefined
  readonly expiration?: string | undefined
  readonly messageId?: string | undefined
  /** In seconds since 1970. */
  readonly timestamp?: number | bigint | undefined
  readonly type?: string | undefined
  readonly userId?: string | undefined
  readonly appId?: string | undefined
}

const shortTextBytes = 255

/** Writes values one after another into a buffer that grows. */
export class FieldWriter {
  #bytes = Buffer.allocUnsafe(256)
  #size = 0

  /** The bytes written so far; valid until the next write. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#size)
  }

  octet(value: number): this {
    this.#size = this.#grown(1).writeUInt8(value, this.#size)
    return this
  }

  short(value: number): this {
    this.#size = this.#grown(2).writeUInt16BE(value, this.#size)
    return this
  }

  long(value: number): this {
    this.#size = this.#grown(4).writeUInt32BE(value, this.#size)
    return this
  }

  longLong(value: number | bigint): this {
    this.#size = this.#grown(8).writeBigUInt64BE(BigInt(value), this.#size)
    return this
  }

  /** Consecutive bits share an octet, the first one being its lowest. */
  bits(...values: readonly boolean[]): this {
    return this.octet(values.reduce((octet, value, index) => octet | (value ? 1 << index : 0), 0))
  }

  /** Throws if the text is longer than 255 bytes. */
  shortText(text: string): this {
    const length = Buffer.byteLength(text)
    if (length > shortTextBytes) {
      throw new Error(`'${text.slice(0, 40)}…' has ${length} bytes; AMQP allows at most ${shortTextBytes}`)
    }
    this.octet(length)
    this.#size += this.#grown(length).write(text, this.#size)
    return this
  }

  longText(text: string | Uint8Array): this {
    const bytes = typeof text === 'string' ? Buffer.from(text) : text
    this.long(bytes.length)
    this.#grown(bytes.length).set(bytes, this.#size)
    this.#size += bytes.length
    return this
  }

  table(table: FieldTable): this {
    return this.#sized(() => {
      for (const [name, value] of Object.entries(table)) this.shortText(name).#value(value)
    })
  }

  #value(value: FieldValue): this {
    switch (typeof value) {
      case 'string':
        return this.#tag('S').longText(value)
      case 'boolean':
        return this.#tag('t').octet(value ? 1 : 0)
      case 'bigint':
        return this.#tag('l').longLong(BigInt.asUintN(64, value))
      case 'number':
        return this.#number(value)
      default:
        return this.#object(value)
    }
  }

  #object(value: Exclude<FieldValue, string | boolean | bigint | number>): this {
    if (value === null) return this.#tag('V')
    if (value instanceof Uint8Array) return this.#tag('x').longText(value)
    if (value instanceof Date) return this.#tag('T').longLong(Math.floor(value.getTime() / 1000))
    if (!isList(value)) return this.#tag('F').table(value)
    return this.#tag('A').#sized(() => {
      for (const each of value) this.#value(each)
    })
  }

  /** Integers take the smallest signed type. */
  #number(value: number): this {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      this.#tag('d')
      this.#size = this.#grown(8).writeDoubleBE(value, this.#size)
    } else if (value === (value << 24) >> 24) {
      this.#tag('b').octet(value & 0xff)
    } else if (value === (value << 16) >> 16) {
      this.#tag('s').short(value & 0xffff)
    } else if (value === (value | 0)) {
      this.#tag('I').long(value >>> 0)
    } else {
      this.#tag('l').longLong(BigInt.asUintN(64, BigInt(value)))
    }
    return this
  }

  #tag(type: string): this {
    return this.octet(type.charCodeAt(0))
  }

  /** Writes what `write` writes behind its size in bytes. */
  #sized(write: () => void): this {
    const start = this.#size
    this.long(0)
    write()
    this.#bytes.writeUInt32BE(this.#size - start - 4, start)
    return this
  }

  /** Returns the buffer, with space for this many more bytes. */
  #grown(bytes: number): Buffer {
    const needed = this.#size + bytes
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, this.#size)
      this.#bytes = larger
    }
    return this.#bytes
  }
}

/** Reads values one after another. All methods throw a `RangeError` beyond the end. */
export class FieldReader {
  readonly #bytes: Buffer
  readonly #end: number
  #at: number

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  octet(): number {
    return this.#bytes.readUInt8(this.#take(1))
  }

  short(): number {
    return this.#bytes.readUInt16BE(this.#take(2))
  }

  long(): number {
    return this.#bytes.readUInt32BE(this.#take(4))
  }

  longLong(): bigint {
    return this.#bytes.readBigUInt64BE(this.#take(8))
  }

  shortText(): string {
    const length = this.octet()
    const start = this.#take(length)
    return this.#bytes.toString('utf8', start, start + length)
  }

  longText(): string {
    const length = this.long()
    const start = this.#take(length)
    return this.#bytes.toString('utf8', start, start + length)
  }

  table(): FieldTable {
    const inner = this.#inner()
    const entries: [string, FieldValue][] = []
    while (!inner.#isAtEnd) entries.push([inner.shortText(), inner.#value()])
    return Object.fromEntries(entries)
  }

  #value(): FieldValue {
    const type = String.fromCharCode(this.octet())
    switch (type) {
      case 't':
        return this.octet() !== 0
      case 'b':
        return this.#bytes.readInt8(this.#take(1))
      case 'B':
        return this.octet()
      case 's':
      case 'U':
        return this.#bytes.readInt16BE(this.#take(2))
      case 'u':
        return this.short()
      case 'I':
        return this.#bytes.readInt32BE(this.#take(4))
      case 'i':
        return this.long()
      case 'l':
      case 'L':
        return integer(this.#bytes.readBigInt64BE(this.#take(8)))
      case 'f':
        return shortestFloat(this.#bytes.readFloatBE(this.#take(4)))
      case 'd':
        return this.#bytes.readDoubleBE(this.#take(8))
      case 'D':
        return decimalText(this.octet(), this.#bytes.readInt32BE(this.#take(4)))
      case 'S':
        return this.longText()
      case 'x': {
        const length = this.long()
        const start = this.#take(length)
        return this.#bytes.subarray(start, start + length)
      }
      case 'T':
        return new Date(Number(this.longLong()) * 1000)
      case 'A':
        return this.#inner().#values()
      case 'F':
        return this.table()
      case 'V':
        return null
      default:
        throw new RangeError(`unknown type '${type}' in a field table`)
    }
  }

  #values(): FieldValue[] {
    const values: FieldValue[] = []
    while (!this.#isAtEnd) values.push(this.#value())
    return values
  }

  /** Reads a size, and returns a reader of as many bytes. */
  #inner(): FieldReader {
    const size = this.long()
    const start = this.#take(size)
    return new FieldReader(this.#bytes, start, start + size)
  }

  get #isAtEnd(): boolean {
    return this.#at === this.#end
  }

  #take(bytes: number): number {
    const start = this.#at
    if (bytes > this.#end - start) throw new RangeError('a value ends beyond its frame')
    this.#at = start + bytes
    return start
  }
}

const isList = (value: readonly FieldValue[] | FieldTable): value is readonly FieldValue[] => Array.isArray(value)

function integer(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

/** The float64 whose shortest text is that of a float32: 0.1 for 0.10000000149011612. */
function shortestFloat(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const shorter = Number(value.toPrecision(digits))
    if (Math.fround(shorter) === value) return shorter
  }
  return value
}

function decimalText(places: number, value: number): string {
  const digits = String(Math.abs(value)).padStart(places + 1, '0')
  const text = places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`
  return value < 0 ? `-${text}` : text
}

/** The properties in their order on the wire: the name, its flag, and how it is written and read. */
const propertyTypes = [
  ['contentType', 15, 'shortText'],
  ['contentEncoding', 14, 'shortText'],
  ['headers', 13, 'table'],
  ['deliveryMode', 12, 'octet'],
  ['priority', 11, 'octet'],
  ['correlationId', 10, 'shortText'],
  ['replyTo', 9, 'shortText'],
  ['expiration', 8, 'shortText'],
  ['messageId', 7, 'shortText'],
  ['timestamp', 6, 'longLong'],
  ['type', 5, 'shortText'],
  ['userId', 4, 'shortText'],
  ['appId', 3, 'shortText'],
] as const

/** Throws if a text is longer than 255 bytes. */
export function encodeProperties(properties: Properties): Buffer {
  const writer = new FieldWriter()
  let flags = 0
  for (const [name, bit] of propertyTypes) if (properties[name] !== undefined) flags |= 1 << bit
  writer.short(flags)
  for (const [name, , type] of propertyTypes) {
    const value = properties[name]
    // Each name has the type of its method.
    if (value !== undefined) (writer[type] as (value: unknown) => unknown).call(writer, value)
  }
  return Buffer.from(writer.written)
}

/** Throws a `RangeError` if the bytes are not properties. */
export function decodeProperties(reader: FieldReader): Properties {
  const flags = reader.short()
  const found: Record<string, unknown> = {}
  for (const [name, bit, type] of propertyTypes) {
    if ((flags & (1 << bit)) !== 0) found[name] = reader[type]()
  }
  return found
}
