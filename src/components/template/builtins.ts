import { isObject, sprintf, type Value, isArray } from '../../bloblang/index.ts'
import { getOwn } from '../../bloblang/index.ts'
import type { TemplateFunction } from './execute.ts'
import { goText, isTrue, numberOf, typeName } from './values.ts'

/** The functions of Go's text/template. `and` and `or` are implemented by the execution. */
export const builtins: Readonly<Record<string, TemplateFunction>> = {
  and: () => null,
  or: () => null,
  not: value => !isTrue(value ?? null),
  len: value => lengthOf(value ?? null),
  index: (value, ...keys) => keys.reduce<Value>(indexed, value ?? null),
  print: (...values) => printed(values),
  println: (...values) => `${values.map(shown).join(' ')}\n`,
  printf: (format, ...values) => sprintf(goText(format ?? ''), values),
  html: (...values) => printed(values).replaceAll(/[&'<>"\0]/g, char => HTML[char]!),
  js: (...values) => printed(values).replaceAll(/[\\'"<>&=\p{Cc}]/gu, char => JS[char] ?? unicode(char)),
  urlquery: (...values) =>
    encodeURIComponent(printed(values))
      .replaceAll('%20', '+')
      .replaceAll(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`),
  eq: (first, ...others) => {
    if (others.length === 0) throw new Error('missing argument for comparison')
    return others.some(other => isEqual(first ?? null, other))
  },
  ne: (left, right) => !isEqual(left ?? null, right ?? null),
  lt: (left, right) => compared(left ?? null, right ?? null) < 0,
  le: (left, right) => compared(left ?? null, right ?? null) <= 0,
  gt: (left, right) => compared(left ?? null, right ?? null) > 0,
  ge: (left, right) => compared(left ?? null, right ?? null) >= 0,
}

const HTML: Readonly<Record<string, string>> = {
  '&': '&amp;',
  "'": '&#39;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  '\0': '\uFFFD',
}
const JS: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  '<': '\\u003C',
  '>': '\\u003E',
  '&': '\\u0026',
  '=': '\\u003D',
}

function unicode(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`
}

/** Like Go's `Sprint`: a space between operands when neither is a string. */
function printed(values: readonly Value[]): string {
  return values
    .map((value, index) => {
      const before = values[index - 1]
      const isApart = index > 0 && typeof value !== 'string' && typeof before !== 'string'
      return (isApart ? ' ' : '') + shown(value)
    })
    .join('')
}

function shown(value: Value): string {
  return value === null ? '<nil>' : goText(value)
}

function lengthOf(value: Value): bigint {
  if (typeof value === 'string') return BigInt(Buffer.byteLength(value))
  if (isArray(value)) return BigInt(value.length)
  if (value instanceof Uint8Array) return BigInt(value.length)
  if (isObject(value)) return BigInt(Object.keys(value).length)
  throw new Error(value === null ? 'len of nil pointer' : `len of type ${typeName(value)}`)
}

function indexed(value: Value, key: Value): Value {
  if (isArray(value)) {
    const at = numberOf(key)
    if (typeof at !== 'bigint') throw new Error(`cannot index slice/array with type ${typeName(key)}`)
    if (at < 0n || at >= BigInt(value.length)) throw new Error(`index out of range: ${at}`)
    return value[Number(at)]!
  }
  if (isObject(value)) {
    if (typeof key !== 'string') throw new Error(`value has type ${typeName(key)}; should be string`)
    return getOwn(value, key) ?? null
  }
  if (typeof value === 'string') {
    const bytes = Buffer.from(value)
    const at = numberOf(key)
    if (typeof at !== 'bigint' || at < 0n || at >= BigInt(bytes.length))
      throw new Error(`index out of range: ${goText(key)}`)
    return BigInt(bytes[Number(at)]!)
  }
  throw new Error(value === null ? 'index of untyped nil' : `can't index item of type ${typeName(value)}`)
}

function isEqual(left: Value, right: Value): boolean {
  if (left === null || right === null) return left === right
  const [a, b] = [numberOf(left), numberOf(right)]
  if (a !== undefined && b !== undefined) return a == b // compares integers with floats, too
  if (typeof left === typeof right && typeof left !== 'object') return left === right
  // Go sees a number in a document as a string.
  if (typeof left === 'string' || typeof right === 'string') {
    if (a !== undefined || b !== undefined) return goText(left) === goText(right)
  }
  throw new Error('incompatible types for comparison')
}

function compared(left: Value, right: Value): number {
  const [a, b] = [numberOf(left), numberOf(right)]
  if (a !== undefined && b !== undefined) return a < b ? -1 : a > b ? 1 : 0
  if (typeof left === 'string' && typeof right === 'string')
    return Buffer.compare(Buffer.from(left), Buffer.from(right))
  throw new Error(left === null || right === null ? 'invalid type for comparison' : 'incompatible types for comparison')
}
