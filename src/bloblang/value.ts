/**
 * The values of the language, as JavaScript values. Numbers keep four kinds apart because the original does:
 *
 * | kind | here | comes from |
 * |---|---|---|
 * | JSON number text | `number` when `String(n)` is the very text, else `JsonNumber` | parsed documents only |
 * | int64 | `bigint` | integer literals, lengths, integer arithmetic, `.int64()` … |
 * | uint64 | `Uint64` | `.uint64()` and the narrower unsigned casts |
 * | float64 | `Float` | literals with a point, division, `.number()`, `.sum()` … |
 *
 * A plain `number` therefore never comes out of a calculation: return `BigInt(n)` or `new Float(x)`.
 * A document that is only copied keeps its numbers byte for byte.
 *
 * Strings are JavaScript strings. A byte that was not UTF-8 in the source is the lone surrogate U+DC00 + byte, so that it
 * goes out as the same byte (and as `\ufffd` in JSON): see text/bytes.ts.
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

/** An object's own enumerable properties are its fields; read them with `getOwn`, as `constructor` is a legal key. */
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

/** The types that only casts (`.int8()`, `.float32()`) and searches (`.find()` yields an `int`) make. */
export type NarrowType = 'int' | 'int8' | 'int16' | 'int32' | 'uint8' | 'uint16' | 'uint32'

/**
 * An integer of a type of its own. It prints and calculates like any other, but does not stand on the left of `+`, and rounding
 * and sorting refuse it: the original forgets these types there. Whoever only prints can take it for a `Uint64`, signed or not.
 */
export class NarrowInteger extends Uint64 {
  readonly type: NarrowType
  constructor(value: bigint, type: NarrowType) {
    super(value)
    this.type = type
  }
}

/** A 32-bit float. Its value is the number with the same shortest text, which is what is printed; see {@link NarrowInteger}. */
export class NarrowFloat extends Float {}

/**
 * A result of a type that the language does not have (that of `diff`): it can be stored, printed and handed to `patch`. Anything
 * else sees type `unknown`.
 */
export class Opaque {
  readonly #content: Value
  constructor(content: Value) {
    this.#content = content
  }
  /** What is inside; any other value is its own content. */
  static contentOf(value: Value): Value {
    return value instanceof Opaque ? value.#content : value
  }
}

/** A number of a document whose text JavaScript would print differently: `1.50`, `1E400`, `12345678901234567890`, `-0`. */
export class JsonNumber {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** A point in time with the zone that it is shown in. */
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
  /** Seconds east of UTC where the offset is fixed; undefined where `name` decides by the instant. */
  readonly offsetSeconds?: number
}

/** `deleted()`: removes what it is assigned to. */
export const DELETED = Symbol('deleted')
/** The type of {@link DELETED}. */
type Deleted = typeof DELETED
/** No value at all, as of `if` without `else`: the assignment does not happen. */
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

/** What `.type()` answers. */
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

/** null, `deleted()` and nothing count as null for `|`, `.or()` and the like. */
export function isNull(value: Value): boolean {
  return value === null || value === DELETED || value === NOTHING
}

/** A field of an object, or null where it has none of its own. */
export function getOwn(object: ValueObject, key: string): Value {
  return Object.hasOwn(object, key) ? object[key]! : null
}

/** Sets a field whatever its name: `__proto__` is a legal key of a document. */
export function setOwn(object: Record<string, Value>, key: string, value: Value): void {
  if (key === '__proto__')
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  else object[key] = value
}

/** Whether it is an object with fields; the classes of numbers, bytes and timestamps are not. */
export function isObject(value: Value): value is ValueObject {
  if (typeof value !== 'object' || value === null) return false
  // Almost every object is one of these.
  if (Object.getPrototypeOf(value) === Object.prototype) return true
  return typeOf(value) === 'object'
}

/** Whether it is a number of any of the kinds. */
export function isNumber(value: Value): value is number | bigint | Float | Uint64 | JsonNumber {
  return typeOf(value) === 'number'
}
