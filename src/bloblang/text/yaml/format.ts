/** Formats values as YAML in the style of Go's yaml.v3: blocks indented by four, quotes only if needed. */
import { isArray } from '../../data/coerce.ts'
import { Float, JsonNumber, Timestamp, Uint64, type Value, type ValueObject } from '../../value.ts'
import { utf8Bytes } from '../bytes.ts'
import { encodeBase64 } from '../encodings.ts'
import { formatGoFloat } from '../go-float.ts'
import { formatRfc3339 } from '../../data/time/format.ts'
import { needsQuotes } from './resolve.ts'

const INDENT = 4
/** Longer keys, and keys of several lines, are written after a question mark. */
const MAX_SIMPLE_KEY_BYTES = 128

/** The position of a value, which determines the indentation of its content. */
type Place = 'root' | 'field' | 'item'

/** Formats a value as YAML, with the keys of objects in the original's order. */
export function formatYaml(value: Value): string {
  const out: string[] = []
  writeNode(value, -1, 'root', out)
  return `${out.join('').replace(/^ /, '')}\n`
}

/** Writes a value after `key:` or `-`; text on the same line starts with a space, other lines with a line break. */
function writeNode(value: Value, indent: number, place: Place, out: string[]): void {
  if (value instanceof Uint8Array) return writeArray(Array.from(value, BigInt), indent, place, out)
  if (isArray(value)) return writeArray(value, indent, place, out)
  if (isFields(value)) return writeObject(value, indent, place, out)
  out.push(' ', scalar(value, indent, place))
}

function isFields(value: Value): value is ValueObject {
  return typeof value === 'object' && value !== null && !isArray(value) && !isScalarObject(value)
}

function isScalarObject(value: object): boolean {
  return (
    value instanceof Float ||
    value instanceof Uint64 ||
    value instanceof JsonNumber ||
    value instanceof Timestamp ||
    value instanceof Uint8Array
  )
}

/** Inside a list item, content is aligned after its hyphen; elsewhere at the next multiple of four. */
function increased(indent: number, place: Place, isBlock = true): number {
  if (indent < 0) return isBlock ? 0 : INDENT
  return place === 'item' ? indent + 2 : INDENT * Math.floor((indent + INDENT) / INDENT)
}

function writeArray(array: readonly Value[], outer: number, place: Place, out: string[]): void {
  if (array.length === 0) {
    out.push(' []')
    return
  }
  const indent = increased(outer, place)
  for (const [at, element] of array.entries()) {
    out.push(startOfEntry(at, indent, place), '-')
    writeNode(element, indent, 'item', out)
  }
}

function writeObject(object: ValueObject, outer: number, place: Place, out: string[]): void {
  const keys = Object.keys(object).sort(compareKeys)
  if (keys.length === 0) {
    out.push(' {}')
    return
  }
  const indent = increased(outer, place)
  for (const [at, key] of keys.entries()) {
    out.push(startOfEntry(at, indent, place))
    if (isSimpleKey(key)) {
      out.push(textScalar(key, indent, 'field', true), ':')
      writeNode(object[key]!, indent, 'field', out)
    } else {
      out.push('? ', textScalar(key, indent, 'field', false), lineStart(indent), ':', besideColon(object[key]!, indent))
    }
  }
}

/** The value of a long key starts on the line of its colon. */
function besideColon(value: Value, indent: number): string {
  const out: string[] = []
  writeNode(value, indent, 'field', out)
  const inner = increased(indent, 'field')
  const text = out.join('')
  return text.startsWith('\n') ? ' '.repeat(inner - indent - 1) + text.slice(1 + inner) : text
}

/** The first entry of an item or of the document goes on the current line, all others on separate lines. */
function startOfEntry(at: number, indent: number, place: Place): string {
  if (at > 0 || place === 'field') return lineStart(indent)
  return place === 'item' ? ' ' : ''
}

function lineStart(indent: number): string {
  return `\n${' '.repeat(indent)}`
}

function isSimpleKey(key: string): boolean {
  return !/[\n\r\u0085\u2028\u2029]/.test(key) && utf8Bytes(key).length <= MAX_SIMPLE_KEY_BYTES
}

function scalar(value: Value, indent: number, place: Place): string {
  switch (typeof value) {
    case 'string':
      return textScalar(value, indent, place, false)
    case 'number':
      return textScalar(String(value), indent, place, false)
    case 'bigint':
    case 'boolean':
      return String(value)
    default:
      if (value instanceof JsonNumber) return textScalar(value.text, indent, place, false)
      if (value instanceof Float) return floatScalar(value.value)
      if (value instanceof Uint64) return String(value.value)
      return value instanceof Timestamp ? formatRfc3339(value) : 'null'
  }
}

function floatScalar(value: number): string {
  if (Number.isNaN(value)) return '.nan'
  if (!Number.isFinite(value)) return value > 0 ? '.inf' : '-.inf'
  return formatGoFloat(value)
}

function textScalar(text: string, indent: number, place: Place, isKey: boolean): string {
  if (!text.isWellFormed()) return `!!binary ${encodeBase64(utf8Bytes(text), 'std')}`
  const shape = analyse(text)
  if (text.includes('\n')) {
    if (shape.literal && !isKey) return literal(text, increased(indent, place, false))
    return doubleQuoted(text)
  }
  if (needsQuotes(text)) return doubleQuoted(text)
  if (shape.plain && (text !== '' || !isKey)) return text
  return shape.single ? `'${text.replaceAll("'", "''")}'` : doubleQuoted(text)
}

const BREAK = /[\n\r\u0085\u2028\u2029]/
// oxlint-disable-next-line no-control-regex -- matches control characters on purpose
const UNPRINTABLE = /[\0-\x09\x0b-\x1f\x7f-\x9f\ufeff\ufffe\uffff]|[\u{10000}-\u{10ffff}]/u

/** The scalar styles in which the text can be written so that it reads back unchanged. */
function analyse(text: string): { readonly plain: boolean; readonly single: boolean; readonly literal: boolean } {
  if (text === '') return { plain: true, single: true, literal: false }
  const isSpecial = UNPRINTABLE.test(text.replaceAll('\t', ''))
  const spaceBeforeBreak = new RegExp(` ${BREAK.source}`).test(text)
  const spaceBehindBreak = new RegExp(`${BREAK.source} `).test(text)
  const hasBreaks = BREAK.test(text)
  const hasIndicators =
    /^(?:---|\.\.\.)/.test(text) ||
    /^[#,[\]{}&*!|>'"%@`]/.test(text) ||
    /^[?:-](?:[ \t]|$)/.test(text) ||
    /:(?:[ \t]|$)/.test(text.slice(1)) ||
    /[\s\u0085]#/.test(text)
  const atEdge = /^[ \n\r\u0085\u2028\u2029]|[ \n\r\u0085\u2028\u2029]$/.test(text)
  const hasTabs = text.includes('\t')
  return {
    plain: !(hasIndicators || hasBreaks || atEdge || hasTabs || isSpecial),
    single: !(spaceBehindBreak || spaceBeforeBreak || hasTabs || isSpecial),
    literal: !(text.endsWith(' ') || spaceBeforeBreak || isSpecial),
  }
}

function literal(text: string, indent: number): string {
  const hint = /^[ \n]/.test(text) ? String(INDENT) : ''
  const chomp = !text.endsWith('\n') ? '-' : text === '\n' || text.endsWith('\n\n') ? '+' : ''
  const lines = text.replace(/\n$/, '').split('\n')
  // A leading line break ends the line of the indicator, as in the original.
  const shown = text.startsWith('\n') ? lines.slice(1) : lines
  if (shown.length === 0) return `|${hint}${chomp}`
  const body = shown.map(line => (line === '' ? '' : ' '.repeat(indent) + line)).join('\n')
  return `|${hint}${chomp}\n${body}`
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\0': '\\0',
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\x1b': '\\e',
  '"': '\\"',
  '\\': '\\\\',
  '\u0085': '\\N',
  '\u2028': '\\L',
  '\u2029': '\\P',
}

function doubleQuoted(text: string): string {
  let out = ''
  for (const char of text) {
    if (char === '\t') out += '\\t'
    else if (ESCAPES[char] === undefined && !UNPRINTABLE.test(char)) out += char
    else out += ESCAPES[char] ?? escapeCode(char.codePointAt(0)!)
  }
  return `"${out}"`
}

function escapeCode(code: number): string {
  const digits = code.toString(16).toUpperCase()
  if (code <= 0xff) return `\\x${digits.padStart(2, '0')}`
  return code <= 0xffff ? `\\u${digits.padStart(4, '0')}` : `\\U${digits.padStart(8, '0')}`
}

const LETTER = /^\p{L}$/u
const DIGIT = /^\p{Nd}$/u

/** The order of fields: numbers within names compare by value, letters sort after everything else but digits. */
function compareKeys(left: string, right: string): number {
  const a = Array.from(left)
  const b = Array.from(right)
  let inDigits = false
  for (let i = 0; i < a.length && i < b.length; i++) {
    const x = a[i]!
    const y = b[i]!
    if (x === y) {
      inDigits = DIGIT.test(x)
      continue
    }
    const xIsLetter = LETTER.test(x)
    const yIsLetter = LETTER.test(y)
    if (xIsLetter && yIsLetter) return x.codePointAt(0)! - y.codePointAt(0)!
    if (xIsLetter || yIsLetter) return (inDigits ? xIsLetter : yIsLetter) ? -1 : 1
    return compareNumbers(a, b, i)
  }
  return a.length - b.length
}

function compareNumbers(a: readonly string[], b: readonly string[], at: number): number {
  let prefix = ''
  if (a[at] === '0' || b[at] === '0') {
    for (let i = at - 1; i >= 0 && DIGIT.test(a[i]!); i--) {
      if (a[i] === '0') continue
      prefix = '1'
      break
    }
  }
  const x = digitsFrom(a, at)
  const y = digitsFrom(b, at)
  const difference = BigInt(`0${prefix}${x}`) - BigInt(`0${prefix}${y}`)
  if (difference !== 0n) return difference < 0n ? -1 : 1
  if (x.length !== y.length) return x.length - y.length
  return a[at]!.codePointAt(0)! - b[at]!.codePointAt(0)!
}

function digitsFrom(runes: readonly string[], at: number): string {
  let digits = ''
  for (let i = at; i < runes.length && /^[0-9]$/.test(runes[i]!); i++) digits += runes[i]!
  return digits
}
