import { Buffer } from 'node:buffer'
import {
  Float,
  isObject,
  JsonNumber,
  NarrowFloat,
  NarrowInteger,
  parseTime,
  Timestamp,
  Uint64,
  type Value,
  type ValueObject,
  isArray,
} from '../../bloblang/index.ts'
import type { Output } from '../protobuf/output.ts'
import { AvroError } from './cursor.ts'
import { decimalBytes, sized } from './decimal.ts'
import { checkDepth } from './read.ts'
import type { AvroField, AvroType, Decimal, Logical } from './schema.ts'

export type Write = (value: Value, output: Output, depth: number) => void

export interface WriteOptions {
  /** Whether strings given for bytes have one code point per byte, as in Avro JSON; otherwise they are UTF-8. */
  readonly isTextual: boolean
  /** Whether values of unions are plain, with their types found by trying. */
  readonly isPlain: boolean
  /** Whether fields that are not in a record are rejected. */
  readonly isStrict: boolean
}

/** Encodes documents as binary values; throws {@link AvroError} for those that do not conform. */
export function writer(type: AvroType, options: WriteOptions): Write {
  return new Compiler(options).write(type)
}

class Compiler {
  readonly #options: WriteOptions
  readonly #records = new Map<AvroType, { write: Write }>()

  constructor(options: WriteOptions) {
    this.#options = options
  }

  write(type: AvroType): Write {
    switch (type.kind) {
      case 'null':
        return value => {
          if (value !== null)
            throw new AvroError(`cannot encode binary null: expected: Go nil; received: ${goType(value)}`)
        }
      case 'boolean':
        return (value, output) => {
          if (typeof value !== 'boolean') {
            throw new AvroError(`cannot encode binary boolean: expected: Go bool; received: ${goType(value)}`)
          }
          output.byte(value ? 1 : 0)
        }
      case 'int':
      case 'long':
        return integers(type.kind, type.logical)
      case 'float':
      case 'double':
        return floats(type.kind)
      case 'string':
        return (value, output) => {
          if (typeof value === 'string') writeText(value, output)
          else if (value instanceof Uint8Array) writeBytes(value, output)
          else throw new AvroError(`cannot encode binary bytes: expected: string; received: ${goType(value)}`)
        }
      case 'bytes':
        return (value, output) => writeBytes(this.#bytes(value, 'bytes', type.decimal), output)
      case 'fixed':
        return this.#fixed(type)
      case 'enum':
        return symbols(type)
      case 'array':
        return this.#array(this.write(type.items))
      case 'map':
        return this.#map(this.write(type.values))
      case 'union':
        return this.#options.isPlain ? this.#plainUnion(type.members) : this.#union(type.members)
      case 'record':
        return this.#record(type)
    }
  }

  #bytes(value: Value, what: string, decimal: Decimal | undefined): Uint8Array {
    if (value instanceof Uint8Array) return value
    if (decimal !== undefined && !this.#options.isTextual) {
      const bytes = decimalBytes(typeof value === 'string' ? value : numberText(value), decimal.scale)
      if (bytes === undefined)
        throw new AvroError(`cannot transform to bytes, expected a decimal, received ${goType(value)}`)
      return bytes
    }
    if (typeof value !== 'string') {
      throw new AvroError(`cannot encode binary ${what}: expected: []byte or string; received: ${goType(value)}`)
    }
    return this.#options.isTextual ? codePoints(value) : Buffer.from(value)
  }

  #fixed({ name, size, decimal }: AvroType & { kind: 'fixed' }): Write {
    const what = `fixed ${JSON.stringify(name)}`
    return (value, output) => {
      const given = this.#bytes(value, what, decimal)
      const bytes = decimal === undefined || this.#options.isTextual ? given : sized(given, size)
      if (bytes?.length !== size) {
        throw new AvroError(
          `cannot encode binary ${what}: datum size ought to equal schema size: ${given.length} != ${size}`,
        )
      }
      output.raw(bytes)
    }
  }

  #record(type: AvroType & { kind: 'record' }): Write {
    const known = this.#records.get(type)
    if (known !== undefined) return (value, output, depth) => known.write(value, output, depth)
    const entry: { write: Write } = { write: () => {} }
    this.#records.set(type, entry)
    const fields = type.fields.map(field => ({
      name: field.name,
      write: this.write(field.type),
      fallback: fallbackOf(field),
    }))
    const names = new Set(fields.map(({ name }) => name))
    const what = `cannot encode binary record ${JSON.stringify(type.name)}`
    entry.write = (value, output, depth) => {
      checkDepth(depth)
      if (!isObject(value)) throw new AvroError(`${what}: expected map[string]interface{}; received: ${goType(value)}`)
      const record = value
      if (this.#options.isStrict) checkNames(type.name, record, names)
      for (const { name, write, fallback } of fields) {
        if (!Object.hasOwn(record, name)) {
          if (fallback === undefined) {
            throw new AvroError(
              `${what} field ${JSON.stringify(name)}: schema does not specify default value and no value provided`,
            )
          }
          fallback.write ??= new Compiler({ isTextual: true, isPlain: false, isStrict: false }).write(fallback.type)
          fallback.write(fallback.value, output, depth + 1)
          continue
        }
        try {
          write(record[name]!, output, depth + 1)
        } catch (error) {
          if (!(error instanceof AvroError)) throw error
          throw new AvroError(
            `${what} field ${JSON.stringify(name)}: value does not match its schema: ${error.message}`,
          )
        }
      }
    }
    return entry.write
  }

  #array(write: Write): Write {
    return (value, output, depth) => {
      checkDepth(depth)
      if (!isArray(value)) {
        throw new AvroError(
          `cannot encode binary array: cannot create []interface{}: expected slice; received: ${goType(value)}`,
        )
      }
      const items = value
      if (items.length > 0) writeLong(items.length, output)
      for (const [index, item] of items.entries()) {
        try {
          write(item, output, depth + 1)
        } catch (error) {
          if (!(error instanceof AvroError)) throw error
          throw new AvroError(`cannot encode binary array item ${index + 1}: ${error.message}`)
        }
      }
      output.byte(0)
    }
  }

  #map(write: Write): Write {
    return (value, output, depth) => {
      checkDepth(depth)
      if (!isObject(value)) {
        throw new AvroError(
          `cannot encode binary map: cannot create map[string]interface{}: expected map[string]...; received: ${goType(value)}`,
        )
      }
      const entries = Object.entries(value)
      if (entries.length > 0) writeLong(entries.length, output)
      for (const [key, item] of entries) {
        writeText(key, output)
        try {
          write(item, output, depth + 1)
        } catch (error) {
          if (!(error instanceof AvroError)) throw error
          throw new AvroError(`cannot encode binary map value for key ${JSON.stringify(key)}: ${error.message}`)
        }
      }
      output.byte(0)
    }
  }

  #union(members: readonly AvroType[]): Write {
    const writes = members.map(member => this.write(member))
    const byName = new Map(members.map(({ name }, index) => [name, index]))
    const allowed = `allowed types: [${members.map(({ name }) => name).join(' ')}]`
    const none = (value: Value) =>
      new AvroError(
        `cannot encode binary union: no member schema types support datum: ${allowed}; received: ${goType(value)}`,
      )
    return (value, output, depth) => {
      checkDepth(depth)
      if (value === null) {
        const index = byName.get('null')
        if (index === undefined) throw none(value)
        writeLong(index, output)
        return
      }
      const entries = isObject(value) ? Object.entries(value) : []
      if (entries.length !== 1) {
        throw new AvroError(
          `cannot encode binary union: non-nil Union values ought to be specified with Go map[string]interface{}, with single key equal to type name, and value equal to datum value: ${allowed}; received: ${goType(value)}`,
        )
      }
      const [[name, inner]] = entries as [[string, Value]] // its length was checked
      const index = byName.get(name)
      if (index === undefined) throw none(value)
      writeLong(index, output)
      writes[index]!(inner, output, depth + 1)
    }
  }

  /**
   * Chooses the first member that accepts the value; for numbers and objects in the order of the names, like the
   * original.
   */
  #plainUnion(members: readonly AvroType[]): Write {
    const declared = members.map((member, index) => ({ index, name: member.name, write: this.write(member) }))
    const sorted = declared.toSorted((left, right) => (left.name < right.name ? -1 : 1))
    const nullIndex = members.findIndex(({ kind }) => kind === 'null')
    return (value, output, depth) => {
      checkDepth(depth)
      if (value === null && nullIndex !== -1) {
        writeLong(nullIndex, output)
        return
      }
      const isSorted = typeof value !== 'string' && typeof value !== 'boolean' && !isArray(value)
      const start = output.length
      for (const { index, name, write } of isSorted ? sorted : declared) {
        if (name === 'null') continue
        try {
          writeLong(index, output)
          write(value, output, depth + 1)
          return
        } catch (error) {
          if (!(error instanceof AvroError)) throw error
          output.length = start
        }
      }
      throw new AvroError(`could not decode any json data in input ${goType(value)}`)
    }
  }
}

interface Fallback {
  readonly type: AvroType
  readonly value: Value
  write: Write | undefined
}

/** The default of a union is a value of its first member. */
function fallbackOf({ type, defaultValue }: AvroField): Fallback | undefined {
  if (defaultValue === undefined) return undefined
  // A default is plain JSON, which is a value.
  const value = defaultValue as Value
  if (type.kind !== 'union') return { type, value, write: undefined }
  const [first] = type.members
  if (first === undefined || value === null || value === 'null') return { type, value: null, write: undefined }
  return { type, value: { [first.name]: value }, write: undefined }
}

function checkNames(record: string, value: ValueObject, names: ReadonlySet<string>): void {
  for (const name of Object.keys(value)) {
    if (names.has(name)) continue
    const reason = `cannot decode textual map: cannot determine codec: ${JSON.stringify(name)}`
    throw new AvroError(`cannot decode textual record ${JSON.stringify(record)}: ${reason}`)
  }
}

function symbols({ name, symbols: known }: AvroType & { kind: 'enum' }): Write {
  const places = new Map(known.map((symbol, index) => [symbol, index]))
  const what = `cannot encode binary enum ${JSON.stringify(name)}`
  return (value, output) => {
    if (typeof value !== 'string') throw new AvroError(`${what}: expected string; received: ${goType(value)}`)
    const place = places.get(value)
    if (place === undefined) {
      throw new AvroError(
        `${what}: value ought to be member of symbols: [${known.join(' ')}]; ${JSON.stringify(value)}`,
      )
    }
    writeLong(place, output)
  }
}

const UNITS: Readonly<Record<Logical, bigint>> = {
  date: 86_400_000_000_000n,
  'time-millis': 1_000_000n,
  'time-micros': 1000n,
  'timestamp-millis': 1_000_000n,
  'timestamp-micros': 1000n,
}

function integers(kind: 'int' | 'long', logical: Logical | undefined): Write {
  const limit = kind === 'int' ? 32 : 64
  return (value, output) => {
    let integer = integerOf(value)
    if (integer === undefined && logical !== undefined) integer = momentOf(value, logical)
    if (integer === undefined) {
      const received = isNumber(value) ? `a number that is not an integer: ${numberText(value)}` : goType(value)
      throw new AvroError(`cannot encode binary ${kind}: expected: Go numeric; received: ${received}`)
    }
    if (!fits(integer, limit)) {
      throw new AvroError(`cannot encode binary ${kind}: provided Go int64 would lose precision: ${integer}`)
    }
    if (typeof integer === 'number') writeLong(integer, output)
    else output.bigVarint(integer < 0n ? -integer * 2n - 1n : integer * 2n)
  }
}

function fits(integer: number | bigint, bits: number): boolean {
  // If it is a number, it is a safe integer.
  if (typeof integer === 'number') return bits === 64 || (integer | 0) === integer
  return BigInt.asIntN(bits, integer) === integer
}

/** Converts timestamps, and strings in the format that is printed for them, to the unit of the type. */
function momentOf(value: Value, logical: Logical): bigint | undefined {
  if (logical.startsWith('time-')) return undefined
  const time = typeof value === 'string' ? timeOf(value) : value
  if (!(time instanceof Timestamp)) return undefined
  const unit = UNITS[logical]
  const quotient = time.unixNanos / unit
  return time.unixNanos % unit < 0n ? quotient - 1n : quotient
}

function timeOf(text: string): Timestamp | undefined {
  try {
    return parseTime('2006-01-02T15:04:05Z07:00', text)
  } catch {
    // A text that is not a time is rejected by the caller.
    return undefined
  }
}

function floats(kind: 'float' | 'double'): Write {
  return (value, output) => {
    // JSON has no other way to write these.
    const number = value === null ? Number.NaN : isNumber(value) ? Number(numberText(value)) : undefined
    if (number === undefined) {
      throw new AvroError(`cannot encode binary ${kind}: expected: Go numeric; received: ${goType(value)}`)
    }
    output.reserve(8)
    output.length =
      kind === 'double'
        ? output.bytes.writeDoubleLE(number, output.length)
        : output.bytes.writeFloatLE(number, output.length)
  }
}

function isNumber(value: Value): boolean {
  return (
    typeof value === 'number' ||
    typeof value === 'bigint' ||
    value instanceof Float ||
    value instanceof JsonNumber ||
    value instanceof Uint64 ||
    value instanceof NarrowInteger ||
    value instanceof NarrowFloat
  )
}

function numberText(value: Value): string {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  if (value instanceof JsonNumber) return value.text
  if (value instanceof Float || value instanceof Uint64) return String(value.value)
  return String(value)
}

function integerOf(value: Value): number | bigint | undefined {
  if (typeof value === 'number') return Number.isInteger(value) ? exact(value) : undefined
  if (typeof value === 'bigint') return value > -SAFE && value < SAFE ? Number(value) : value
  if (!isNumber(value)) return undefined
  const text = numberText(value)
  if (/^-?\d{1,30}$/.test(text)) return BigInt(text)
  const number = Number(text)
  return Number.isInteger(number) ? exact(number) : undefined
}

const SAFE = BigInt(Number.MAX_SAFE_INTEGER)

function exact(value: number): number | bigint {
  return Number.isSafeInteger(value) ? value : BigInt(value)
}

function writeLong(value: number, output: Output): void {
  if (value >= 0) output.varint(value * 2)
  else if (value > -4_503_599_627_370_496) output.varint(-value * 2 - 1)
  else output.bigVarint(-BigInt(value) * 2n - 1n)
}

function writeText(text: string, output: Output): void {
  const size = Buffer.byteLength(text)
  writeLong(size, output)
  output.reserve(size)
  output.length += output.bytes.write(text, output.length, 'utf8')
}

function writeBytes(bytes: Uint8Array, output: Output): void {
  writeLong(bytes.length, output)
  output.raw(bytes)
}

/** The bytes whose values are the code points of a text. */
function codePoints(text: string): Uint8Array {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 255)
      throw new AvroError('cannot encode binary bytes: a character beyond U+00FF stands for no byte')
  }
  return Buffer.from(text, 'latin1')
}

function goType(value: Value): string {
  if (value === null) return '<nil>'
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'bool'
  if (isArray(value)) return '[]interface {}'
  if (value instanceof Uint8Array) return '[]uint8'
  if (isNumber(value)) return 'number'
  return value instanceof Timestamp ? 'time.Time' : 'map[string]interface {}'
}
