import {
  isArray as isValueList,
  compareText,
  Float,
  isObject,
  JsonNumber,
  printJson,
  Timestamp,
  Uint64,
  type Value,
  type ValueObject,
} from '../../bloblang/index.ts'

/**
 * A value of a query. An integer is a number if JavaScript represents it exactly, and a bigint otherwise; a number
 * outside the safe range is a float.
 */
export type Json = null | boolean | number | bigint | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json
}

/** A query that failed for a message. `value` is what `catch` receives. */
export class JqError extends Error {
  readonly value: Json
  constructor(message: string, value: Json = message) {
    super(message)
    this.name = 'JqError'
    this.value = value
  }
}

export function isMap(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

export function isNumber(value: Json): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}

/** A field of an object; null if it is missing. */
export function fieldOf(object: JsonObject, key: string): Json {
  return Object.hasOwn(object, key) ? object[key]! : null
}

export function sortedKeys(object: JsonObject): readonly string[] {
  return Object.keys(object).toSorted(compareText)
}

/** The elements of an array, or the values of an object ordered by key; undefined for anything else. */
export function elementsOf(value: Json): readonly Json[] | undefined {
  if (isArray(value)) return value
  return isMap(value) ? sortedKeys(value).map(key => value[key]!) : undefined
}

export function typeOf(value: Json): string {
  if (value === null) return 'null'
  if (isArray(value)) return 'array'
  return typeof value === 'bigint' ? 'number' : typeof value
}

/** The number that a text represents: integers of any size, floats, and infinity beyond their range. */
export function numberOf(text: string): number | bigint {
  if (/[.eE]/.test(text)) return Number(text)
  return integerOf(BigInt(text))
}

/** An integer as a number if that is exact, otherwise as a bigint. */
export function integerOf(integer: bigint): number | bigint {
  return integer >= MIN_SAFE && integer <= MAX_SAFE ? Number(integer) : integer
}

const MIN_SAFE = BigInt(Number.MIN_SAFE_INTEGER)
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER)

/** Prints a value as JSON: sorted keys, no white space, NaN as null, infinities as the largest finite numbers. */
export function jsonText(value: Json): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'number':
      return numberText(value)
    case 'object':
      if (value === null) return 'null'
      if (isArray(value)) return `[${value.map(jsonText).join(',')}]`
      return `{${sortedKeys(value)
        .map(key => `${JSON.stringify(key)}:${jsonText(value[key]!)}`)
        .join(',')}}`
    default:
      return String(value)
  }
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'null'
  if (!Number.isFinite(value)) return value > 0 ? '1.7976931348623157e+308' : '-1.7976931348623157e+308'
  return Object.is(value, -0) ? '-0' : String(value)
}

const PREVIEW_BYTES = 30

/** The beginning of a value, for error messages. */
export function preview(value: Json): string {
  const bytes = Buffer.from(jsonText(value))
  if (bytes.length <= PREVIEW_BYTES) return bytes.toString()
  const trailing = typeof value === 'string' ? ' ..."' : isArray(value) ? ' ...]' : isMap(value) ? ' ...}' : ' ...'
  let end = PREVIEW_BYTES - trailing.length
  while ((bytes[end]! & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end) + trailing
}

/** A value with its type, for error messages. */
export function typedPreview(value: Json): string {
  return value === null ? 'null' : `${typeOf(value)} (${preview(value)})`
}

/** Converts a Bloblang value to one of a query; returns the same object if nothing in it has to change. */
export function jsonOf(value: Value): Json {
  switch (typeof value) {
    case 'bigint':
      return integerOf(value)
    case 'symbol':
      return null
    case 'object':
      return value === null ? null : jsonOfObject(value)
    default:
      return value
  }
}

function jsonOfObject(value: Exclude<Value, null | symbol | string | number | bigint | boolean>): Json {
  if (isValueList(value)) return jsonOfArray(value)
  // Most are plain objects, which a single comparison shows.
  if (Object.getPrototypeOf(value) === Object.prototype) return jsonOfMap(value as ValueObject)
  if (value instanceof Float) return value.value
  if (value instanceof Uint64) return integerOf(value.value)
  if (value instanceof JsonNumber) return numberOf(value.text)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8')
  if (value instanceof Timestamp) return String(JSON.parse(printJson(value)))
  return isObject(value) ? jsonOfMap(value) : null
}

function jsonOfArray(list: readonly Value[]): Json {
  let copy: Json[] | undefined
  for (let at = 0; at < list.length; at++) {
    const item = jsonOf(list[at]!)
    // Those before it did not differ, so they are JSON values.
    if (item !== list[at]) (copy ??= list.slice() as Json[])[at] = item
  }
  return copy ?? (list as readonly Json[]) // no element differs, so all are JSON values
}

function jsonOfMap(object: ValueObject): Json {
  let copy: Record<string, Json> | undefined
  for (const key of Object.keys(object)) {
    const child = jsonOf(object[key]!)
    // Fields before it did not differ, and later ones are replaced when they do.
    if (child !== object[key]) define((copy ??= { ...(object as JsonObject) }), key, child)
  }
  return copy ?? (object as JsonObject) // no field differs, so all are JSON values
}

/** Sets a field of any name, including `__proto__`. */
export function define(object: Record<string, Json>, key: string, value: Json): void {
  if (key !== '__proto__') object[key] = value
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
}

/** Converts a result to a Bloblang value; returns the same object if no number in it would be printed differently. */
export function valueOf(result: Json): Value {
  if (typeof result === 'number') return Number.isFinite(result) && !Object.is(result, -0) ? result : new Float(result)
  if (typeof result !== 'object' || result === null) return result
  if (isArray(result)) {
    let copy: Value[] | undefined
    for (let at = 0; at < result.length; at++) {
      const item = valueOf(result[at]!)
      if (item !== result[at]) (copy ??= result.slice())[at] = item
    }
    return copy ?? result
  }
  let copy: Record<string, Value> | undefined
  for (const key of Object.keys(result)) {
    const child = valueOf(result[key]!)
    if (child !== result[key]) (copy ??= { ...result })[key] = child
  }
  return copy ?? result
}
