import { compareText, sortedKeys } from '../data/text-order.ts'
import { timestampText } from '../text/timestamp-text.ts'
import { parseJson } from './parse.ts'
import { RawJson } from './raw.ts'
import { Float, JsonNumber, Opaque, Timestamp, Uint64, type Value, type ValueObject } from '../value.ts'

export interface PrintOptions {
  /** `<`, `>` and `&` as `\u003c` … : the `blobl` command and `.string()` do, a stream does not. */
  readonly escapeHtml?: boolean
  /** Indents by this text, one entry a line. */
  readonly indent?: string
}

/** A value as JSON, as the original prints it: keys sorted by UTF-8 bytes, bytes as base64, floats in JavaScript's form. */
export function printJson(value: Value, options?: PrintOptions): string {
  if (options === undefined) return print(value, PLAIN)
  const escapes = options.escapeHtml === true ? HTML : PLAIN
  return options.indent === undefined ? print(value, escapes) : printIndented(value, escapes, options.indent, '\n')
}

interface Escapes {
  readonly test: RegExp
  /** 1 for each character of ASCII that is escaped. */
  readonly special: Uint8Array
  readonly shapes: (Shape | undefined)[]
}

function specials(characters: string): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, code) =>
    code < 0x20 || characters.includes(String.fromCharCode(code)) ? 1 : 0,
  )
}

/** Control characters, quotes, the two line separators and lone surrogates (bad bytes). */
const PLAIN: Escapes = {
  // eslint-disable-next-line no-control-regex
  test: /["\\\u0000-\u001f\u2028\u2029\ud800-\udfff]/,
  special: specials('"\\'),
  shapes: [],
}
const HTML: Escapes = {
  // eslint-disable-next-line no-control-regex
  test: /["\\\u0000-\u001f\u2028\u2029\ud800-\udfff<>&]/,
  special: specials('"\\<>&'),
  shapes: [],
}

function print(value: Value, escapes: Escapes): string {
  switch (typeof value) {
    case 'string':
      return printText(value, escapes)
    case 'number':
      return String(value)
    case 'bigint':
      return value.toString()
    case 'boolean':
      return value ? 'true' : 'false'
    case 'symbol':
      return 'null'
    default: // an object, or null
      if (value === null) return 'null'
      if (Array.isArray(value)) return printArray(value, escapes)
      switch (Object.getPrototypeOf(value)) {
        case Object.prototype:
          return printObject(value as ValueObject, escapes)
        case RawJson.prototype:
        case JsonNumber.prototype:
          return (value as JsonNumber).text
        case Float.prototype:
          return printFloat((value as Float).value)
      }
      return isPlain(value) ? printObject(value as ValueObject, escapes) : printSpecial(value, escapes)
  }
}

function isPlain(value: object): boolean {
  return !(
    value instanceof Float ||
    value instanceof JsonNumber ||
    value instanceof Uint64 ||
    value instanceof Uint8Array ||
    value instanceof Timestamp ||
    value instanceof Opaque ||
    value instanceof RawJson
  )
}

function printArray(array: readonly Value[], escapes: Escapes): string {
  if (array.length === 0) return '[]'
  let out = `[${print(array[0]!, escapes)}`
  for (let i = 1; i < array.length; i++) out += `,${print(array[i]!, escapes)}`
  return `${out}]`
}

/** Documents of a stream have the same few shapes: for each the order of its keys, and their texts, are found once. */
interface Shape {
  readonly keys: readonly string[]
  readonly sorted: readonly string[]
  /** `{"a":`, then `,"b":` … */
  readonly heads: readonly string[]
}

const SHAPES_KEPT = 64

function printObject(object: ValueObject, escapes: Escapes): string {
  const keys = Object.keys(object)
  if (keys.length === 0) return '{}'
  const { sorted, heads } = shapeOf(keys, escapes)
  let out = ''
  for (let i = 0; i < sorted.length; i++) {
    const value = object[sorted[i]!]!
    if (typeof value === 'string' && isPlainText(value, escapes)) out += `${heads[i]!}"${value}"`
    else out += heads[i]! + print(value, escapes)
  }
  return `${out}}`
}

function shapeOf(keys: readonly string[], escapes: Escapes): Shape {
  const slot = (keys.length * 7 + keys[0]!.length * 3 + keys[keys.length - 1]!.length) % SHAPES_KEPT
  const known = escapes.shapes[slot]
  if (known !== undefined && sameKeys(known.keys, keys)) return known
  const sorted = keys.toSorted(compareText)
  const heads = sorted.map((key, at) => `${at === 0 ? '{' : ','}${printText(key, escapes)}:`)
  const shape = { keys, sorted, heads }
  escapes.shapes[slot] = shape
  return shape
}

function sameKeys(left: readonly string[], right: readonly string[]): boolean {
  if (left.length !== right.length) return false
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return false
  return true
}

function printText(text: string, escapes: Escapes): string {
  return isPlainText(text, escapes) ? `"${text}"` : printEscaped(text, escapes.special)
}

/** To call an expression takes as long as to look at some thirty characters. */
function isPlainText(text: string, escapes: Escapes): boolean {
  const { length } = text
  if (length > 30) return !escapes.test.test(text)
  const { special } = escapes
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at)
    if (code < 128 ? special[code] !== 0 : code >= 0x2028) return !escapes.test.test(text)
  }
  return true
}

/** Twice as fast as replacing by an expression: text that was escaped for HTML is full of what JSON escapes again. */
function printEscaped(text: string, special: Uint8Array): string {
  let out = '"'
  let from = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 128 ? special[code] === 0 : code < 0x2028 || (code > 0x2029 && (code & 0xf800) !== 0xd800)) continue
    if (code >= 0xd800 && code < 0xdc00 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00) {
      at++
      continue
    }
    out += text.slice(from, at) + escapeCharacter(code)
    from = at + 1
  }
  return `${out}${text.slice(from)}"`
}

function printSpecial(value: object, escapes: Escapes): string {
  if (value instanceof Float) return printFloat(value.value)
  if (value instanceof JsonNumber || value instanceof RawJson) return value.text
  if (value instanceof Uint64) return value.value.toString()
  if (value instanceof Timestamp) return print(timestampText(value), escapes)
  if (value instanceof Opaque) return print(Opaque.contentOf(value), escapes)
  const bytes = value as Uint8Array
  return `"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')}"`
}

/** NaN and the infinities have no JSON form; they print as null. */
export function printFloat(float: number): string {
  if (!Number.isFinite(float)) return 'null'
  return Object.is(float, -0) ? '-0' : String(float)
}

function printIndented(value: Value, escapes: Escapes, indent: string, lineStart: string): string {
  const inner = lineStart + indent
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]'
    return `[${inner}${value.map(element => printIndented(element, escapes, indent, inner)).join(`,${inner}`)}${lineStart}]`
  }
  if (value instanceof RawJson) return printIndented(parseJson((value as RawJson).text), escapes, indent, lineStart)
  if (typeof value !== 'object' || value === null || !isPlain(value)) return print(value, escapes)
  const object = value as ValueObject
  const keys = sortedKeys(object)
  if (keys.length === 0) return '{}'
  const fields = keys.map(key => `${printText(key, escapes)}: ${printIndented(object[key]!, escapes, indent, inner)}`)
  return `{${inner}${fields.join(`,${inner}`)}${lineStart}}`
}

function escapeCharacter(code: number): string {
  if (code < 128) return ESCAPED[code]!
  return code >= 0xd800 ? '\\ufffd' : `\\u${code.toString(16)}`
}

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
}

/** How each character of ASCII is written where it is escaped. */
const ESCAPED = Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code)
  return SHORT[character] ?? `\\u${code.toString(16).padStart(4, '0')}`
})
