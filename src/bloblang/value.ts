/**
 * The values of the language, as JavaScript values. There are four kinds of numbers, as in the original:
 *
 * | kind | here | comes from |
 * |---|---|---|
 * | JSON number text | `number` if `String(n)` is exactly the text, else `JsonNumber` | parsed documents only |
 * | int64 | `bigint` | integer literals, lengths, integer arithmetic, `.int64()` … |
 * | uint64 | `Uint64` | `.uint64()` and the narrower unsigned casts |
 * | float64 | `Float` | literals with a point, division, `.number()`, `.sum()` … |
 *
 * A calculation therefore never returns a plain `number`, but `BigInt(n)` or `new Float(x)`.
 * A document that is only copied keeps its numbers byte for byte.
 *
 * Strings are JavaScript strings. A source byte that is not UTF-8 becomes the lone surrogate U+DC00 + byte, so that it is
 * written as the same byte (and as `\ufffd` in JSON): see text/bytes.ts.
 */
export type Value =
  | null
  | boolean
  | string
  | number
  | bigint
  | Float
  | Uint64
  | JsonNumber
  | Uint8Array
  | Timestamp
  | Opaque
  | readonly Value[]
  | ValueObject
  | Deleted
  | Nothing

/** The own enumerable properties are the fields; read them with `getOwn`, because `constructor` is a legal key. */
export interface ValueObject {
  readonly [key: string]: Value
}

/** A float64. */
export class Float {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
}

/** A uint64. */
export class Uint64 {
  readonly value: bigint
  constructor(value: bigint) {
    this.value = value
  }
}

/** Types that only casts (`.int8()`, `.float32()`) and searches (`.find()` returns an `int`) produce. */
export type NarrowType = 'int' | 'int8' | 'int16' | 'int32' | 'uint8' | 'uint16' | 'uint32'

/**
 * An integer with a distinct type. It prints and calculates like any other, but is not accepted on the left of `+`, for
 * rounding or for sorting, where the original omits these types. For printing alone it is a `Uint64`, signed or not.
 */
export class NarrowInteger extends Uint64 {
  readonly type: NarrowType
  constructor(value: bigint, type: NarrowType) {
    super(value)
    this.type = type
  }
}

/**
 * A 32-bit float. Its value is the float64 with the same shortest text, which is printed; see {@link NarrowInteger}.
 */
export class NarrowFloat extends Float {}

/**
 * A result of a type that the language lacks (that of `diff`): it can be stored, printed and passed to `patch`.
 * Everything else sees it as type `unknown`.
 */
export class Opaque {
  readonly #content: Value
  constructor(content: Value) {
    this.#content = content
  }
  /** The wrapped value; any other value is returned unchanged. */
  static contentOf(value: Value): Value {
    return value instanceof Opaque ? value.#content : value
  }
}

/** A number of a document that JavaScript would print differently: `1.50`, `1E400`, `12345678901234567890`, `-0`. */
export class JsonNumber {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** A point in time and the time zone in which it is shown. */
export class Timestamp {
  /** Nanoseconds since 1970-01-01T00:00Z. */
  readonly unixNanos: bigint
  readonly zone: Zone
  constructor(unixNanos: bigint, zone: Zone) {
    this.unixNanos = unixNanos
    this.zone = zone
  }
}

/** `name` is an IANA name, `UTC`, `Local` or, for a fixed offset, the abbreviation it was parsed with (may be empty). */
export interface Zone {
  readonly name: string
  /** Seconds east of UTC for a fixed offset; undefined if the zone `name` determines it by the instant. */
  readonly offsetSeconds?: number
}

/** `deleted()`: removes what it is assigned to. */
export const DELETED = Symbol('deleted')
/** The type of {@link DELETED}. */
type Deleted = typeof DELETED
/** No value at all, as from an `if` without `else`: the assignment is skipped. */
export const NOTHING = Symbol('nothing')
/** The type of {@link NOTHING}. */
type Nothing = typeof NOTHING

/** The types as `.type()` and error texts name them. */
export type ValueType =
  | 'string'
  | 'integer'
  | 'bytes'
  | 'number'
  | 'bool'
  | 'timestamp'
  | 'array'
  | 'object'
  | 'null'
  | 'delete'
  | 'nothing'
  | 'unknown'

/** The type that `.type()` returns. */
export function typeOf(value: Value): ValueType {
  switch (typeof value) {
    case 'string':
      return 'string'
    case 'number':
    case 'bigint':
      return 'number'
    case 'boolean':
      return 'bool'
    case 'symbol':
      return value === DELETED ? 'delete' : 'nothing'
    case 'object':
      if (value === null) return 'null'
      if (Array.isArray(value)) return 'array'
      if (Object.getPrototypeOf(value) === Object.prototype) return 'object'
      if (value instanceof Uint8Array) return 'bytes'
      if (value instanceof Float || value instanceof Uint64 || value instanceof JsonNumber) return 'number'
      if (value instanceof Timestamp) return 'timestamp'
      if (value instanceof Opaque) return 'unknown'
      return 'object'
    default:
      return 'unknown'
  }
}

/** Whether `|`, `.or()` and the like treat the value as null: null itself, `deleted()` and nothing. */
export function isNull(value: Value): boolean {
  return value === null || value === DELETED || value === NOTHING
}

/** A field of an object, or null if it has no such own property. */
export function getOwn(object: ValueObject, key: string): Value {
  return Object.hasOwn(object, key) ? object[key]! : null
}

/** Sets a field of any name: `__proto__` is a legal key of a document. */
export function setOwn(object: Record<string, Value>, key: string, value: Value): void {
  if (key === '__proto__')
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  else object[key] = value
}

/** Whether the value is an object with fields, as opposed to a number class, bytes or a timestamp. */
export function isObject(value: Value): value is ValueObject {
  if (typeof value !== 'object' || value === null) return false
  // The fast path for almost every object.
  if (Object.getPrototypeOf(value) === Object.prototype) return true
  return typeOf(value) === 'object'
}

/** Whether the value is a number of any kind. */
export function isNumber(value: Value): value is number | bigint | Float | Uint64 | JsonNumber {
  return typeOf(value) === 'number'
}
