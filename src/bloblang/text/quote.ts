/** Go's double-quoted strings in both directions (strconv.Quote and Unquote). */
import { badByte, isBadByte, normalizeText } from './bytes.ts'
import { MappingError } from '../errors.ts'

const SIMPLE: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
}
const UNESCAPED: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
}
const PLAIN = /^[ !#-[\]-~]*$/

/** Whether Go prints the character unescaped: letters, marks, numbers, punctuation, symbols and the ASCII space. */
export function isPrintable(rune: string): boolean {
  // A regular expression with whole categories is slow to compile, so it is created on use.
  return /^[ \p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(rune)
}

/** Puts `text` in double quotes with escapes; `asciiOnly` also escapes everything beyond ASCII. */
export function quote(text: string, asciiOnly = false): string {
  if (PLAIN.test(text)) return `"${text}"`
  let out = '"'
  for (const rune of text) out += rune === '"' ? '\\"' : escapeRune(rune, asciiOnly)
  return `${out}"`
}

/** Puts a character in single quotes. */
export function quoteRune(code: number, asciiOnly = false): string {
  const invalid = code > 0x10ffff || code < 0 || (code >= 0xd800 && code <= 0xdfff)
  const rune = invalid ? '\ufffd' : String.fromCodePoint(code)
  return `'${rune === "'" ? "\\'" : escapeRune(rune, asciiOnly)}'`
}

function escapeRune(rune: string, asciiOnly: boolean): string {
  const simple = SIMPLE[rune]
  if (simple !== undefined) return simple
  const code = rune.codePointAt(0)!
  if (isBadByte(code)) return `\\x${hex(badByte(code), 2)}`
  if (code >= 0xd800 && code <= 0xdfff) return asciiOnly ? '\\ufffd' : '\ufffd'
  if (code < 0x80 || !asciiOnly) if (isPrintable(rune)) return rune
  if (code < 0x20 || code === 0x7f) return `\\x${hex(code, 2)}`
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}

/** The value of a Go string or rune literal. Throws `invalid syntax`. */
export function unquote(literal: string): string {
  const mark = literal[0]
  if (literal.length < 2 || mark === undefined || literal.at(-1) !== mark) return invalid()
  const body = literal.slice(1, -1)
  if (mark === '`') return body.includes('`') ? invalid() : body.replaceAll('\r', '')
  if ((mark !== '"' && mark !== "'") || body.includes('\n')) return invalid()
  const text = normalizeText(unescape(body, mark))
  // Empty single quotes are accepted there.
  if (mark === "'" && Array.from(text).length > 1) return invalid()
  return text
}

function unescape(body: string, mark: string): string {
  let text = ''
  for (let i = 0; i < body.length; ) {
    const unit = body[i]!
    if (unit === mark) return invalid()
    if (unit !== '\\') {
      text += unit
      i++
      continue
    }
    const kind = body[i + 1] ?? ''
    i += 2
    const simple = UNESCAPED[kind]
    if (simple !== undefined) text += simple
    else if (kind === mark) text += mark
    else if (kind === 'x' || kind === 'u' || kind === 'U') {
      const digits = kind === 'x' ? 2 : kind === 'u' ? 4 : 8
      text += fromDigits(body.slice(i, i + digits), digits, 16, kind === 'x')
      i += digits
    } else if (kind >= '0' && kind <= '7' && kind.length === 1) {
      text += fromDigits(body.slice(i - 1, i + 2), 3, 8, true)
      i += 2
    } else return invalid()
  }
  return text
}

function fromDigits(digits: string, count: number, base: 8 | 16, isByte: boolean): string {
  if (digits.length !== count || !(base === 8 ? /^[0-7]+$/ : /^[0-9a-fA-F]+$/).test(digits)) return invalid()
  const code = Number.parseInt(digits, base)
  if (isByte) {
    if (code > 0xff) return invalid()
    return code < 0x80 ? String.fromCharCode(code) : String.fromCharCode(0xdc00 + code)
  }
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return invalid()
  return String.fromCodePoint(code)
}

function invalid(): never {
  throw new MappingError('invalid syntax')
}
