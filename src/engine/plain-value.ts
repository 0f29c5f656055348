import {
  DELETED,
  Float,
  isObject,
  JsonNumber,
  NarrowFloat,
  NarrowInteger,
  type NarrowType,
  NOTHING,
  Opaque,
  Timestamp,
  Uint64,
  type Value,
  type Zone,
} from '../bloblang/index.ts'

/**
 * A language value in a form that survives structured cloning. Values that JavaScript has natively stay as they are; an
 * instance of a class, which would lose its prototype, becomes a map with one entry: its kind and its content.
 */
export type PlainValue =
  | null
  | boolean
  | string
  | number
  | bigint
  | Uint8Array
  | readonly PlainValue[]
  | { readonly [key: string]: PlainValue }
  | ReadonlyMap<PlainKind, unknown>

type PlainKind = 'float' | 'uint64' | 'narrow float' | 'narrow integer' | 'number' | 'timestamp' | 'opaque' | 'symbol'

/** Converts a value to its plain form; {@link valueOfPlain} reverses it. */
export function plainValue(value: Value): PlainValue {
  if (typeof value === 'symbol') return new Map([['symbol', value === DELETED ? 'deleted' : 'nothing']])
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  if (value instanceof NarrowFloat) return new Map([['narrow float', value.value]])
  if (value instanceof Float) return new Map([['float', value.value]])
  if (value instanceof NarrowInteger) return new Map([['narrow integer', [value.value, value.type]]])
  if (value instanceof Uint64) return new Map([['uint64', value.value]])
  if (value instanceof JsonNumber) return new Map([['number', value.text]])
  if (value instanceof Timestamp) return new Map([['timestamp', [value.unixNanos, value.zone]]])
  if (value instanceof Opaque) return new Map([['opaque', plainValue(Opaque.contentOf(value))]])
  if (isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, plainValue(child)]))
  }
  return value.map(plainValue)
}

/** Converts a plain form back to its value. */
export function valueOfPlain(plain: PlainValue | undefined): Value {
  if (typeof plain !== 'object' || plain === null || plain instanceof Uint8Array) return plain ?? null
  if (plain instanceof Map) {
    // A map stands for an instance and has its kind as the only key.
    const [[kind, content]] = plain as unknown as [[PlainKind, unknown]]
    return instanceOf(kind, content)
  }
  if (Array.isArray(plain)) return plain.map(valueOfPlain)
  return Object.fromEntries(Object.entries(plain).map(([key, child]) => [key, valueOfPlain(child)]))
}

/** The casts mirror {@link plainValue}: each kind has one type of content. */
function instanceOf(kind: PlainKind, content: unknown): Value {
  switch (kind) {
    case 'float':
      return new Float(content as number) // the kind says what the content is
    case 'narrow float':
      return new NarrowFloat(content as number) // the kind says what the content is
    case 'narrow integer':
      return new NarrowInteger(...(content as [bigint, NarrowType])) // the kind says what the content is
    case 'uint64':
      return new Uint64(content as bigint) // the kind says what the content is
    case 'number':
      return new JsonNumber(content as string) // the kind says what the content is
    case 'timestamp':
      return new Timestamp(...(content as [bigint, Zone])) // the kind says what the content is
    case 'opaque':
      return new Opaque(valueOfPlain(content as PlainValue)) // the kind says what the content is
    case 'symbol':
      return content === 'deleted' ? DELETED : NOTHING
  }
}
