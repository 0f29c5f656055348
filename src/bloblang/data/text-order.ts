import { utf8Bytes } from '../text/bytes.ts'

/**
 * Compares as the original does, by UTF-8 bytes. UTF-16 order is the same but where surrogates meet U+E000 … U+FFFF and for
 * bytes that were not UTF-8, so all other texts take the fast way.
 */
export function compareText(left: string, right: string): number {
  if (left === right) return 0
  const length = Math.min(left.length, right.length)
  for (let at = 0; at < length; at++) {
    const a = left.charCodeAt(at)
    const b = right.charCodeAt(at)
    if (a === b) continue
    return a < 0xd800 && b < 0xd800 ? a - b : Buffer.compare(utf8Bytes(left), utf8Bytes(right))
  }
  return left.length - right.length
}

/** The keys of an object in the order in which the original prints them. */
export function sortedKeys(object: object): string[] {
  const keys = Object.keys(object)
  for (let at = 1; at < keys.length; at++) {
    if (compareText(keys[at - 1]!, keys[at]!) > 0) return keys.sort(compareText)
  }
  return keys
}
