import { isObject, JsonNumber, type Value, type ValueObject } from '../../bloblang/index.ts'

const [QUOTE, BACKSLASH, MINUS, POINT, ZERO, NINE] = [0x22, 0x5c, 0x2d, 0x2e, 0x30, 0x39]
/** Every number with up to this many significant digits has its own double, which prints as the number. */
const EXACT_DIGITS = 15

/**
 * Whether a document contains numbers that a script cannot pass on as written, because JavaScript prints them
 * differently: with more digits than a double has, with trailing zeros, with an exponent, or very small ones.
 */
export function hasSpecialNumbers(document: Uint8Array): boolean {
  let at = 0
  while (at < document.length) {
    const byte = document[at]!
    if (byte === QUOTE) at = endOfString(document, at + 1)
    else if (byte === MINUS || isDigit(byte)) {
      const end = endOfNumber(document, at + 1)
      if (isSpecial(document, at, end)) return true
      at = end
    } else at++
  }
  return false
}

/** The position after the closing quote. */
function endOfString(document: Uint8Array, start: number): number {
  let at = start
  while (at < document.length && document[at] !== QUOTE) at += document[at] === BACKSLASH ? 2 : 1
  return at + 1
}

function endOfNumber(document: Uint8Array, start: number): number {
  let at = start
  while (at < document.length && (isDigit(document[at]!) || isInNumber(document[at]!))) at++
  return at
}

function isSpecial(document: Uint8Array, start: number, end: number): boolean {
  const length = end - start
  const last = document[end - 1]!
  let point = -1
  for (let at = start + 1; at < end; at++) {
    if (document[at] === POINT) point = at
    else if (!isDigit(document[at]!)) return isPrintedDifferently(document, start, end)
  }
  // What most numbers are is decided without converting them.
  if (length > EXACT_DIGITS) return isPrintedDifferently(document, start, end)
  if (point < 0) return document[start] === MINUS && last === ZERO && length === 2
  if (last === ZERO) return true
  return document[point - 1] === ZERO && document[point + 1] === ZERO && isPrintedDifferently(document, start, end)
}

function isPrintedDifferently(document: Uint8Array, start: number, end: number): boolean {
  const text = Buffer.from(document.buffer, document.byteOffset + start, end - start).toString('latin1')
  return String(Number(text)) !== text
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE
}

/** The other characters of numbers: `+`, `-`, `.`, `E` and `e`. */
function isInNumber(byte: number): boolean {
  return byte === 0x2b || byte === MINUS || byte === POINT || byte === 0x45 || byte === 0x65
}

/** The document `after`, with numbers that are equal to those of `before` at the same position written as there. */
export function withNumbersOf(before: Value, after: Value): Value {
  if (typeof after === 'number') {
    return before instanceof JsonNumber && Number(before.text) === after ? before : after
  }
  if (after instanceof JsonNumber) {
    return before instanceof JsonNumber && Number(before.text) === Number(after.text) ? before : after
  }
  if (Array.isArray(after)) {
    if (!Array.isArray(before)) return after
    const items = before as readonly Value[] // arrays within values hold values
    return (after as readonly Value[]).map((item, index) =>
      index < items.length ? withNumbersOf(items[index]!, item) : item,
    )
  }
  if (isObject(after) && isObject(before)) return fieldsWithNumbersOf(before, after)
  return after
}

function fieldsWithNumbersOf(before: ValueObject, after: ValueObject): ValueObject {
  return Object.fromEntries(
    Object.entries(after).map(([key, value]) => [
      key,
      Object.hasOwn(before, key) ? withNumbersOf(before[key]!, value) : value,
    ]),
  )
}
