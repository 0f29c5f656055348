import { utf8Bytes } from '../text/bytes.ts'

/** JavaScript's order equals that of UTF-8 unless the texts contain one of these units. */
const HIGH_UNIT = /[\ud800-\uffff]/
/** Texts with a longer common prefix go to the engine, whose call costs more up front but less per unit. */
const MAX_UNITS_ALIKE = 32

/**
 * Compares by UTF-8 bytes, as the original does. UTF-16 order differs only where surrogates meet U+E000 … U+FFFF and
 * for bytes that were not UTF-8, so all other texts take fast paths. Returns a negative number, zero or a positive
 * number.
 */
export function compareText(left: string, right: string): number {
  if (left === right) return 0
  const length = Math.min(left.length, right.length)
  const end = Math.min(length, MAX_UNITS_ALIKE)
  for (let at = 0; at < end; at++) {
    const a = left.charCodeAt(at)
    const b = right.charCodeAt(at)
    if (a === b) continue
    return a < 0xd800 && b < 0xd800 ? a - b : compareBytes(left, right)
  }
  if (end === length) return left.length - right.length
  return HIGH_UNIT.test(left) || HIGH_UNIT.test(right) ? compareBytes(left, right) : left < right ? -1 : 1
}

function compareBytes(left: string, right: string): number {
  const a = utf8Bytes(left)
  const b = utf8Bytes(right)
  const length = Math.min(a.length, b.length)
  let at = 0
  while (at < length && a[at] === b[at]) at++
  return at < length ? a[at]! - b[at]! : a.length - b.length
}

/** The keys of an object in the order in which the original prints them. */
export function sortedKeys(object: object): string[] {
  const keys = Object.keys(object)
  for (let at = 1; at < keys.length; at++) {
    if (compareText(keys[at - 1]!, keys[at]!) > 0) return keys.sort(compareText)
  }
  return keys
}
