import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { Float, formatFloat, isObject, JsonNumber, toText, Uint64, type Value } from '../../bloblang/index.ts'

/**
 * A value as DynamoDB has it. Numbers of a parsed document are texts there, unless `numbersAsN`; those that a mapping
 * calculated are numbers.
 */
export function attributeOf(value: Value | undefined, numbersAsN: boolean): AttributeValue {
  if (value === undefined || value === null) return { NULL: true }
  switch (typeof value) {
    case 'string':
      return { S: value }
    case 'boolean':
      return { BOOL: value }
    case 'bigint':
      return { N: String(value) }
    case 'number':
      return numbersAsN ? { N: String(value) } : { S: String(value) }
    default:
  }
  if (value instanceof JsonNumber) return numbersAsN ? { N: value.text } : { S: value.text }
  if (value instanceof Float) return { N: formatFloat(value.value, 'f', -1) }
  if (value instanceof Uint64) return { N: String(value.value) }
  if (value instanceof Uint8Array) return { B: value }
  if (Array.isArray(value)) return { L: (value as readonly Value[]).map(each => attributeOf(each, numbersAsN)) }
  if (isObject(value)) {
    return { M: Object.fromEntries(Object.entries(value).map(([key, each]) => [key, attributeOf(each, numbersAsN)])) }
  }
  return { S: toText(value) }
}

/** A text that is the same for equal attributes, whatever the order of their members. */
export function attributeKey(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => {
    if (each instanceof Uint8Array) return Buffer.from(each).toString('base64')
    if (typeof each !== 'object' || each === null || Array.isArray(each)) return each
    return Object.fromEntries(Object.entries(each).toSorted(([left], [right]) => (left < right ? -1 : 1)))
  })
}
