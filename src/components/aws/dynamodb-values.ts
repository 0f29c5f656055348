import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import {
  Float,
  formatFloat,
  isObject,
  JsonNumber,
  toText,
  typeOf,
  Uint64,
  utf8Bytes,
  type Value,
  isArray,
} from '../../bloblang/index.ts'

/**
 * Converts a value to an attribute. Numbers from a parsed document become strings unless `numbersAsN`; numbers computed
 * by a mapping stay numbers.
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
  if (isArray(value)) return { L: value.map(each => attributeOf(each, numbersAsN)) }
  if (isObject(value)) {
    return { M: Object.fromEntries(Object.entries(value).map(([key, each]) => [key, attributeOf(each, numbersAsN)])) }
  }
  return { S: toText(value) }
}

/** A string that is equal for equal attributes, whatever the order of their members. */
export function attributeKey(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => {
    if (each instanceof Uint8Array) return Buffer.from(each).toString('base64')
    if (typeof each !== 'object' || each === null || Array.isArray(each)) return each
    return Object.fromEntries(Object.entries(each).toSorted(([left], [right]) => (left < right ? -1 : 1)))
  })
}

/**
 * Converts a parameter in the form that mappings use, such as `{ "S": "text" }`, to an attribute. Throws if it is not
 * one.
 */
export function attributeOfForm(form: Value): AttributeValue {
  if (!isObject(form)) throw new Error(`expected object value, got ${typeOf(form)}`)
  const [entry, ...others] = Object.entries(form)
  if (entry === undefined || others.length > 0)
    throw new Error('expected an object with one type, such as {"S":"text"}')
  const [type, value] = entry
  switch (type) {
    case 'S':
    case 'N':
      return type === 'S' ? { S: textIn(value) } : { N: textIn(value) }
    case 'B':
      return { B: bytesIn(value) }
    case 'BOOL':
      return { BOOL: value === true }
    case 'NULL':
      return { NULL: value === true }
    case 'SS':
      return { SS: listIn(value).map(textIn) }
    case 'NS':
      return { NS: listIn(value).map(textIn) }
    case 'BS':
      return { BS: listIn(value).map(bytesIn) }
    case 'L':
      return { L: listIn(value).map(attributeOfForm) }
    case 'M': {
      if (!isObject(value)) throw new Error(`expected an object for M, got ${typeOf(value)}`)
      return { M: Object.fromEntries(Object.entries(value).map(([key, each]) => [key, attributeOfForm(each)])) }
    }
    default:
      throw new Error(`${JSON.stringify(type)} is not a DynamoDB type`)
  }
}

/** An attribute as a typed document: `{ "S": "text" }`. */
export function formOf(attribute: AttributeValue): Value {
  const [entry] = Object.entries(attribute)
  if (entry === undefined) return { NULL: true }
  const [type, value] = entry as readonly [string, unknown] // exactly one member is set, named after its type
  if (type === 'L') return { L: (value as readonly AttributeValue[]).map(formOf) }
  if (type !== 'M') return { [type]: value as Value } // the member's name determines the type of its value
  // The member's name determines the type of its value.
  const members = Object.entries(value as Readonly<Record<string, AttributeValue>>)
  return { M: Object.fromEntries(members.map(([key, each]) => [key, formOf(each)])) }
}

function textIn(value: Value): string {
  return typeof value === 'string' ? value : toText(value)
}

function bytesIn(value: Value): Uint8Array {
  return value instanceof Uint8Array ? value : utf8Bytes(textIn(value))
}

function listIn(value: Value): readonly Value[] {
  if (!isArray(value)) throw new Error(`expected a list, got ${typeOf(value)}`)
  return value
}
