import { isObject, JsonNumber, type Value, type ValueObject } from '../../bloblang/index.ts'

/**
 * A number that JavaScript would print differently: with 16 or more digits, with trailing zeros, or with an exponent.
 */
const SPECIAL = /\d{16}|\.\d*0(?!\d)|\d[eE]|-0/

/** Whether a document may contain numbers that a script cannot pass on exactly as written. */
export function hasSpecialNumbers(document: Uint8Array): boolean {
  const text = Buffer.from(document.buffer, document.byteOffset, document.length).toString('latin1')
  return SPECIAL.test(text)
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
