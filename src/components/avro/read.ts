import { Buffer } from 'node:buffer'
import { Float, setOwn, Timestamp, type Value } from '../../bloblang/index.ts'
import { shortestFloat32 } from '../protobuf/float32.ts'
import { AvroError, type Cursor, MAX_DEPTH } from './cursor.ts'
import { rationalText } from './decimal.ts'
import type { AvroType, Logical } from './schema.ts'

export type Read = (cursor: Cursor, depth: number) => Value

/**
 * Decodes binary values to documents: bytes stay bytes, timestamps become timestamps, and values of unions are keyed by
 * their types.
 */
export function reader(type: AvroType): Read {
  return new Compiler().read(type)
}

class Compiler {
  readonly #records = new Map<AvroType, { read: Read }>()

  read(type: AvroType): Read {
    switch (type.kind) {
      case 'null':
        return () => null
      case 'boolean':
        return readBoolean
      case 'int':
      case 'long':
        return type.logical === undefined ? readLong : logical(type.logical)
      case 'float':
        return cursor => float(cursor.float(), true)
      case 'double':
        return cursor => float(cursor.double(), false)
      case 'string':
        return cursor => readText(cursor)
      case 'bytes': {
        const { decimal } = type
        return decimal === undefined ? readBytes : cursor => rationalText(readBytes(cursor), decimal.scale)
      }
      case 'fixed': {
        const { size, decimal } = type
        const bytes = (cursor: Cursor) => take(cursor, size, `fixed ${JSON.stringify(type.name)}`)
        return decimal === undefined ? bytes : cursor => rationalText(bytes(cursor), decimal.scale)
      }
      case 'enum':
        return cursor => symbolOf(type, cursor)
      case 'array':
        return this.#array(this.read(type.items))
      case 'map':
        return this.#map(this.read(type.values))
      case 'union':
        return this.#union(type.members)
      case 'record':
        return this.#record(type)
    }
  }

  #record(type: AvroType & { kind: 'record' }): Read {
    const known = this.#records.get(type)
    if (known !== undefined) return (cursor, depth) => known.read(cursor, depth)
    const entry: { read: Read } = { read: () => null }
    this.#records.set(type, entry)
    const names = type.fields.map(({ name }) => name)
    const reads = type.fields.map(field => this.read(field.type))
    // Documents are printed with sorted keys, which is faster if they are already sorted.
    const sorted = names.map((_, index) => index).sort((left, right) => (names[left]! < names[right]! ? -1 : 1))
    const inOrder = sorted.every((index, place) => index === place)
    entry.read = (cursor, depth) => {
      checkDepth(depth)
      const document: Record<string, Value> = {}
      if (inOrder) {
        for (let i = 0; i < reads.length; i++)
          setOwn(document, names[i]!, readField(type.name, names[i]!, reads[i]!, cursor, depth))
        return document
      }
      const values: Value[] = []
      for (let i = 0; i < reads.length; i++) values.push(readField(type.name, names[i]!, reads[i]!, cursor, depth))
      for (const index of sorted) setOwn(document, names[index]!, values[index]!)
      return document
    }
    return entry.read
  }

  #array(read: Read): Read {
    return (cursor, depth) => {
      checkDepth(depth)
      const items: Value[] = []
      for (let count = cursor.block(); count !== 0; count = cursor.block()) {
        for (let i = 0; i < count; i++) {
          const start = cursor.at
          items.push(read(cursor, depth + 1))
          cursor.passed(start, 'array')
        }
      }
      return items
    }
  }

  #map(read: Read): Read {
    return (cursor, depth) => {
      checkDepth(depth)
      const document: Record<string, Value> = {}
      for (let count = cursor.block(); count !== 0; count = cursor.block()) {
        for (let i = 0; i < count; i++) {
          const key = readText(cursor)
          if (Object.hasOwn(document, key)) {
            throw new AvroError(`cannot decode binary map: duplicate key: ${JSON.stringify(key)}`)
          }
          setOwn(document, key, read(cursor, depth + 1))
        }
      }
      return document
    }
  }

  #union(members: readonly AvroType[]): Read {
    const reads = members.map(member => this.read(member))
    const names = members.map(({ name }) => name)
    return (cursor, depth) => {
      const index = memberOf(members.length, cursor)
      const value = reads[index]!(cursor, depth + 1)
      return value === null ? null : { [names[index]!]: value }
    }
  }
}

export function memberOf(count: number, cursor: Cursor): number {
  const index = cursor.int()
  if (index >= 0 && index < count) return index
  throw new AvroError(`cannot decode binary union: index ought to be between 0 and ${count - 1}; read index: ${index}`)
}

export function symbolOf({ name, symbols }: AvroType & { kind: 'enum' }, cursor: Cursor): string {
  const index = cursor.int()
  const symbol = symbols[index]
  if (symbol !== undefined) return symbol
  throw new AvroError(
    `cannot decode binary enum ${JSON.stringify(name)}: index ought to be between 0 and ${symbols.length - 1}; read index: ${index}`,
  )
}

export function checkDepth(depth: number): void {
  if (depth > MAX_DEPTH) throw new AvroError(`values nested more than ${MAX_DEPTH} levels deep`)
}

function readField(record: string, field: string, read: Read, cursor: Cursor, depth: number): Value {
  try {
    return read(cursor, depth + 1)
  } catch (error) {
    throw inField(error, record, field)
  }
}

/** Adds the field to an error that occurred in it; nested errors name only the innermost and the outermost field. */
export function inField(error: unknown, record: string, field: string): unknown {
  if (!(error instanceof AvroError)) return error
  return new AvroError(
    `cannot decode binary record ${JSON.stringify(record)} field ${JSON.stringify(field)}: ${error.message}`,
  )
}

export function readBoolean(cursor: Cursor): boolean {
  const byte = cursor.byte()
  if (byte > 1) {
    throw new AvroError(`cannot decode binary boolean: expected: Go byte(0) or byte(1); received: byte(${byte})`)
  }
  return byte === 1
}

function readLong(cursor: Cursor): Value {
  return cursor.long()
}

function float(value: number, isSingle: boolean): Value {
  if (!Number.isFinite(value)) return new Float(value)
  return isSingle ? Number(shortestFloat32(value)) : value
}

function readText(cursor: Cursor): string {
  const size = cursor.int()
  const end = cursor.end(size, 'string')
  const { input, at } = cursor
  cursor.at = end
  if (size < 24) {
    let text = ''
    for (let i = at; i < end; i++) {
      const byte = input[i]!
      if (byte >= 128) break
      text += String.fromCharCode(byte)
    }
    if (text.length === size) return text
  }
  return Buffer.from(input.buffer, input.byteOffset + at, size).toString('utf8')
}

function readBytes(cursor: Cursor): Uint8Array {
  return take(cursor, cursor.int(), 'bytes')
}

function take(cursor: Cursor, size: number, what: string): Uint8Array {
  const end = cursor.end(size, what)
  const bytes = cursor.input.slice(cursor.at, end)
  cursor.at = end
  return bytes
}

const UNITS: Readonly<Record<Logical, bigint>> = {
  date: 86_400_000_000_000n,
  'time-millis': 1_000_000n,
  'time-micros': 1000n,
  'timestamp-millis': 1_000_000n,
  'timestamp-micros': 1000n,
}

/** Times of day are in nanoseconds, like the original's durations. */
function logical(kind: Logical): Read {
  const unit = UNITS[kind]
  const isTime = kind.startsWith('time-')
  return cursor => {
    const nanos = BigInt(cursor.long()) * unit
    return isTime ? nanos : timestampOf(nanos)
  }
}

function timestampOf(nanos: bigint): Value {
  return new Timestamp(nanos, { name: 'UTC', offsetSeconds: 0 })
}
