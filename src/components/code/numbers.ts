import { isObject, JsonNumber, type Value, type ValueObject } from '../../bloblang/index.ts'

/** A number whose text JavaScript would write differently: of 16 digits and more, with zeros at its end, with an exponent. */
const SPECIAL = /\d{16}|\.\d*0(?!\d)|\d[eE]|-0/

/** Whether a document may hold numbers that a script cannot hand on as they are written. */
export function hasSpecialNumbers(document: Uint8Array): boolean {
  const text = Buffer.from(document.buffer, document.byteOffset, document.length).toString('latin1')
  return SPECIAL.test(text)
}

/** The document `after` with the numbers of `before` as they were written there, where both have the same at the same place. */
export function withNumbersOf(before: Value, after: Value): Value {
  if (typeof after === 'number') {
    return before instanceof JsonNumber && Number(before.text) === after ? before : after
  }
  if (after instanceof JsonNumber) {
    return before instanceof JsonNumber && Number(before.text) === Number(after.text) ? before : after
  }
  if (Array.isArray(after)) {
    if (!Array.isArray(before)) return after
    const items = before as readonly Value[] // arrays among values hold values
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
