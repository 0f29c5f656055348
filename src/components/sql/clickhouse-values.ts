import { Buffer, isUtf8 } from 'node:buffer'
import {
  Float,
  isArray,
  isObject,
  jsonBytes,
  JsonNumber,
  printJson,
  Timestamp,
  Uint64,
  type Value,
} from '../../bloblang/index.ts'
import { StatementError } from './connection.ts'
import { postgresTime } from './postgres-time.ts'

/** A type of ClickHouse such as `Array(Nullable(Int8))`, by name and arguments. */
interface Type {
  readonly name: string
  readonly args: readonly string[]
}

/** Converts a value from the JSON formats of ClickHouse to what the original gets from Go's driver. */
export function converterOf(text: string, serverZone: string): (value: Value) => Value {
  const { name, args } = typeOf(text)
  const nested = (at: number) => converterOf(args[at] ?? '', serverZone)
  switch (name) {
    case 'Nullable':
    case 'LowCardinality':
      return nested(0)
    case 'Array': {
      const convert = nested(0)
      return value => (isArray(value) ? value.map(convert) : value)
    }
    case 'Map': {
      const convert = nested(1)
      return value => mapped(value, () => convert)
    }
    case 'Tuple': {
      // Elements may have names, in front of their types.
      const names = args.map(arg => /^(?:`([^`]*)`|(\w+)) /.exec(arg))
      const converts = args.map((arg, at) => converterOf(arg.slice(names[at]?.[0].length ?? 0), serverZone))
      const byName = new Map(names.map((match, at) => [match?.[1] ?? match?.[2] ?? '', converts[at]!]))
      return value =>
        isArray(value) ? value.map((each, at) => converts[at]!(each)) : mapped(value, key => byName.get(key)!)
    }
    case 'Float32':
    case 'Float64':
    case 'BFloat16':
      // Infinities and NaN are text.
      return value => (value === null ? null : new Float(Number(numberText(value).replace('inf', 'Infinity'))))
    case 'Decimal':
      return value => (value === null ? null : padded(numberText(value), Number(args[1] ?? 0)))
    case 'DateTime':
      return value => (typeof value === 'string' ? timeOf(value, zoneOf(args[0], serverZone)) : value)
    case 'DateTime64':
      return value => (typeof value === 'string' ? timeOf(value, zoneOf(args[1], serverZone)) : value)
    case 'Date':
    case 'Date32':
      return value => (typeof value === 'string' ? timeOf(value, 'UTC') : value)
    default:
      return /^U?Int(?:8|16|32|64)$/.test(name) ? integerOf : value => value
  }
}

function typeOf(text: string): Type {
  const [, name = text, inner = ''] = /^(\w+)\((.*)\)$/s.exec(text) ?? []
  return { name, args: argumentsOf(inner) }
}

/** Splits at commas that are neither in parentheses nor in quotes. */
function argumentsOf(text: string): string[] {
  const args: string[] = []
  let depth = 0
  let start = 0
  for (const { 0: token, index } of text.matchAll(/'(?:[^'\\]|\\.)*'|`[^`]*`|[(),]/g)) {
    if (token === '(') depth++
    if (token === ')') depth--
    if (token !== ',' || depth > 0) continue
    args.push(text.slice(start, index).trim())
    start = index + 1
  }
  return text === '' ? [] : [...args, text.slice(start).trim()]
}

function mapped(value: Value, converterFor: (key: string) => (value: Value) => Value): Value {
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, converterFor(key)(each)]))
}

function numberText(value: Value): string {
  return value instanceof JsonNumber ? value.text : String(value)
}

function integerOf(value: Value): Value {
  if (value === null) return null
  const whole = BigInt(numberText(value))
  return BigInt.asIntN(64, whole) === whole ? whole : new Uint64(whole)
}

/** A decimal with all its digits, such as `12.30`. */
function padded(text: string, scale: number): string {
  const [whole = '', fraction = ''] = text.split('.')
  return scale === 0 ? whole : `${whole}.${fraction.padEnd(scale, '0')}`
}

function zoneOf(argument: string | undefined, serverZone: string): string {
  return argument === undefined ? serverZone : argument.slice(1, -1)
}

/** Parses `2024-01-02T03:04:05.678Z` or a date. */
function timeOf(text: string, zone: string): Value {
  const time = postgresTime(text.replace('Z', '+00'))
  return time === undefined ? text : new Timestamp(time.unixNanos, { name: zone })
}

/** A row of an insert as a line of `JSONCompactEachRow`, in which ClickHouse converts each value to its column's type. */
export function lineOf(row: readonly Value[]): Buffer {
  const parts: Uint8Array[] = []
  row.forEach((value, at) => {
    parts.push(Buffer.from(at === 0 ? '[' : ','), value instanceof Uint8Array ? jsonOfBytes(value) : jsonBytes(value))
  })
  return Buffer.concat([...parts, Buffer.from(']\n')])
}

/** A JSON string with bytes that may not be UTF-8, which ClickHouse accepts. */
function jsonOfBytes(bytes: Uint8Array): Buffer {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  return Buffer.from(`"${text.replaceAll(/["\\\u0000-\u001f]/g, escaped)}"`, 'latin1')
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/**
 * Replaces the placeholders `$1` or `?` of a query by literals, as Go's driver does. Throws `StatementError` if an
 * argument is missing.
 */
export function withLiterals(query: string, args: readonly Value[]): string {
  if (args.length === 0) return query
  const missing = (place: string) => new StatementError(`have no arg for ${place} param`, '')
  if (/\$\d/.test(query)) {
    return query.replaceAll(/\$(\d+)/g, (place, number: string) => {
      const value = args[Number(number) - 1]
      if (value === undefined) throw missing(place)
      return literal(value)
    })
  }
  let at = 0
  return query.replaceAll(/\\?\?/g, mark => {
    if (mark !== '?') return '?'
    const value = args[at++]
    if (value === undefined) throw missing('?')
    return literal(value)
  })
}

function literal(value: Value): string {
  if (value === null) return 'NULL'
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'boolean') return value ? '1' : '0'
  if (value instanceof Uint8Array) return isUtf8(value) ? quoted(Buffer.from(value).toString()) : hex(value)
  if (value instanceof Timestamp) return timeLiteral(value)
  if (isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (isObject(value)) {
    return `map(${Object.entries(value)
      .map(([key, each]) => `${quoted(key)}, ${literal(each)}`)
      .join(', ')})`
  }
  return printJson(value)
}

function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`
}

function hex(bytes: Uint8Array): string {
  return `unhex('${Buffer.from(bytes).toString('hex')}')`
}

/** Whole seconds are a `DateTime`, as in the original; fractions are kept, which the original drops. */
function timeLiteral({ unixNanos }: Timestamp): string {
  const isWhole = unixNanos % 1_000_000_000n === 0n && unixNanos >= 0n
  return isWhole ? `toDateTime(${unixNanos / 1_000_000_000n}, 'UTC')` : `fromUnixTimestamp64Nano(${unixNanos}, 'UTC')`
}
