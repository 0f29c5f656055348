import { messageOf } from '../../base/index.ts'
import type { SchemaElement } from 'hyparquet'
import {
  Float,
  isObject,
  JsonNumber,
  NarrowFloat,
  Timestamp,
  Uint64,
  type Value,
  type ValueObject,
} from '../../bloblang/index.ts'
import { ConfigError } from '../../engine/index.ts'

/** A column as configured. Nested fields are in their raw form. */
export interface ColumnConfig {
  readonly name: string
  readonly type?: string | undefined
  readonly decimal_precision?: number
  readonly decimal_scale?: number
  readonly repeated?: boolean
  readonly optional?: boolean
  readonly fields?: readonly unknown[] | undefined
}

/** A column: its schema elements in a file, and the conversion from values to stored ones. */
export interface Column {
  readonly name: string
  readonly elements: readonly SchemaElement[]
  readonly store: (value: Value | undefined) => unknown
  /** Whether it holds plain bytes or strings. */
  readonly isBytes: boolean
  readonly isNested: boolean
}

type Store = (value: Value) => unknown
type Elements = (name: string, repetition: SchemaElement['repetition_type']) => readonly SchemaElement[]

/** A type: its schema elements, its conversion, and the substitute for a missing value. */
interface ColumnType {
  readonly elements: Elements
  readonly store: Store
  readonly zero: unknown
  readonly isBytes?: boolean
  readonly isNested?: boolean
}

/** The column for a configuration. Throws `ConfigError`. */
export function columnOf(config: ColumnConfig): Column {
  const type = typeOf(config)
  const { name, repeated = false, optional = false } = config
  const store = (value: Value | undefined): unknown => {
    if (repeated) return storedList(name, value, type)
    if (value === undefined || value === null) return optional ? null : type.zero
    return storedField(name, value, type)
  }
  return {
    name,
    elements: repeated ? repeatedElements(name, type) : type.elements(name, optional ? 'OPTIONAL' : 'REQUIRED'),
    store,
    isBytes: type.isBytes === true && !repeated,
    isNested: type.isNested === true || repeated,
  }
}

/** Name of the level between a column and its values while a file is being written. */
const BETWEEN = '\0repeated'

/**
 * A repeated column without a list around its values. The library only writes lists, but their pages are identical, so
 * it suffices to remove the list from the schema afterwards: {@link withoutLists}.
 */
function repeatedElements(name: string, type: ColumnType): readonly SchemaElement[] {
  return [
    { name, num_children: 1, converted_type: 'LIST', repetition_type: 'REQUIRED' },
    { name: BETWEEN, num_children: 1, repetition_type: 'REPEATED' },
    ...type.elements(name, 'REQUIRED'),
  ]
}

/** A schema in which repeated columns are not lists. */
export function withoutLists(schema: readonly SchemaElement[]): SchemaElement[] {
  return schema.flatMap((element, at): SchemaElement[] => {
    if (element.name === BETWEEN || schema[at + 1]?.name === BETWEEN) return []
    return [schema[at - 1]?.name === BETWEEN ? { ...element, repetition_type: 'REPEATED' } : element]
  })
}

/** The path of a column in such a schema. */
export function pathWithoutLists(path: readonly string[]): string[] {
  return path.filter((name, at) => name !== BETWEEN && path[at + 1] !== BETWEEN)
}

function storedField(name: string, value: Value, type: ColumnType): unknown {
  try {
    return type.store(value)
  } catch (error) {
    throw new Error(`conversion to struct failed, err: failed to set field ${capital(name)}: ${messageOf(error)}`)
  }
}

function storedList(name: string, value: Value | undefined, type: ColumnType): unknown {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) {
    throw new Error(
      `conversion to struct failed, err: failed to set field ${capital(name)}: cannot convert ${goType(value)} to slice`,
    )
  }
  return value.map(item => storedField(name, item, type))
}

function capital(name: string): string {
  return name.slice(0, 1).toUpperCase() + name.slice(1)
}

function typeOf(config: ColumnConfig): ColumnType {
  const { name, type, fields } = config
  switch (type) {
    case 'STRUCT':
      return structOf(childrenOf(config))
    case 'LIST':
      return listOf(onlyChild(config, 'element'))
    case 'MAP':
      return mapOf(onlyChild(config, 'value', 'key'))
    case 'DECIMAL32':
    case 'DECIMAL64':
      return decimalOf(config)
    case undefined:
      if (fields !== undefined) return structOf(childrenOf(config))
      throw new ConfigError(`generating type for field "${name}": field has neither type nor fields`)
    default: {
      const leaf = leaves[type]
      if (leaf === undefined) throw new ConfigError(`generating type for field "${name}": unknown type "${type}"`)
      return leaf
    }
  }
}

function childrenOf({ name, fields = [] }: ColumnConfig): readonly Column[] {
  if (fields.length === 0) {
    throw new ConfigError(`generating type for field "${name}": struct type requires at least one field in 'fields'`)
  }
  // Nested fields have the shape of their parent, which type inference cannot follow.
  return (fields as readonly ColumnConfig[]).map(columnOf)
}

/** The field with that name of a list or map; the keys of a map are always strings, whatever is configured. */
function onlyChild({ name, type, fields = [] }: ColumnConfig, child: string, other?: string): Column {
  // As above.
  const found = (fields as readonly ColumnConfig[]).filter(field => field.name !== other)
  const [only] = found
  if (only === undefined || found.length > 1) {
    throw new ConfigError(`generating type for field "${name}": ${type} requires one field '${child}' in 'fields'`)
  }
  return columnOf({ ...only, name: child })
}

const leaf = (
  type: SchemaElement['type'],
  store: Store,
  zero: unknown,
  more: Partial<SchemaElement> = {},
): ColumnType => ({
  elements: (name, repetition) => [{ name, type: type!, ...(repetition && { repetition_type: repetition }), ...more }],
  store,
  zero,
  isBytes: type === 'BYTE_ARRAY',
})

const leaves: Readonly<Record<string, ColumnType>> = {
  BOOLEAN: leaf('BOOLEAN', storedBoolean, false),
  INT8: leaf('INT32', value => Number(storedInteger(value, 8)), 0, { converted_type: 'INT_8' }),
  INT16: leaf('INT32', value => Number(storedInteger(value, 16)), 0, { converted_type: 'INT_16' }),
  INT32: leaf('INT32', value => Number(storedInteger(value, 32)), 0, { converted_type: 'INT_32' }),
  INT64: leaf('INT64', value => storedInteger(value, 64), 0n, { converted_type: 'INT_64' }),
  FLOAT: leaf('FLOAT', value => storedNumber(value, 'float32'), 0),
  DOUBLE: leaf('DOUBLE', value => storedNumber(value, 'float64'), 0),
  BYTE_ARRAY: leaf('BYTE_ARRAY', storedBytes, new Uint8Array(0)),
  UTF8: leaf('BYTE_ARRAY', storedText, '', { converted_type: 'UTF8' }),
}

function decimalOf({ type, decimal_precision: precision = 0, decimal_scale: scale = 0 }: ColumnConfig): ColumnType {
  const is64 = type === 'DECIMAL64'
  const store = (value: Value) => {
    const scaled = BigInt(Math.round(storedNumber(value, 'float64') * 10 ** scale))
    const bits = is64 ? 64 : 32
    if (BigInt.asIntN(bits, scaled) !== scaled) throw new Error(`cannot represent ${shown(value)} as ${type}`)
    return scaled
  }
  return leaf(is64 ? 'INT64' : 'INT32', store, 0n, { converted_type: 'DECIMAL', precision, scale })
}

function structOf(children: readonly Column[]): ColumnType {
  const store = (value: Value | undefined) => {
    if (!isObject(value ?? null)) throw new Error(`cannot convert ${goType(value ?? null)} to struct`)
    const fields = value as ValueObject // the line above has rejected everything but objects
    return Object.fromEntries(
      children.map(child => [
        child.name,
        child.store(Object.hasOwn(fields, child.name) ? fields[child.name] : undefined),
      ]),
    )
  }
  return {
    elements: (name, repetition) => [
      { name, num_children: children.length, ...(repetition && { repetition_type: repetition }) },
      ...children.flatMap(child => child.elements),
    ],
    store,
    get zero() {
      return store({})
    },
    isNested: true,
  }
}

function listOf(element: Column): ColumnType {
  return {
    elements: (name, repetition) => [
      { name, num_children: 1, converted_type: 'LIST', ...(repetition && { repetition_type: repetition }) },
      { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
      ...element.elements,
    ],
    store: value => {
      if (!Array.isArray(value)) throw new Error(`cannot convert ${goType(value)} to slice`)
      return value.map(item => element.store(item))
    },
    zero: [],
    isNested: true,
  }
}

function mapOf(child: Column): ColumnType {
  return {
    elements: (name, repetition) => [
      { name, num_children: 1, converted_type: 'MAP', ...(repetition && { repetition_type: repetition }) },
      { name: 'key_value', num_children: 2, repetition_type: 'REPEATED' },
      { name: 'key', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
      ...child.elements,
    ],
    store: value => {
      if (!isObject(value)) throw new Error(`cannot convert ${goType(value)} to map`)
      return Object.entries(value).map(([key, item]) => ({ key, value: child.store(item) }))
    },
    zero: [],
    isNested: true,
  }
}

function storedBoolean(value: Value): boolean {
  if (typeof value === 'boolean') return value
  throw new Error(`cannot convert ${goType(value)} to bool`)
}

function storedInteger(value: Value, bits: number): bigint {
  const number = typeof value === 'string' ? undefined : integerOf(value)
  if (number === undefined) throw new Error(`cannot convert ${goType(value)} to int${bits}`)
  if (BigInt.asIntN(bits, number) !== number) throw new Error(`cannot represent ${shown(value)} as int${bits}`)
  return number
}

function integerOf(value: Value): bigint | undefined {
  if (typeof value === 'bigint') return value
  if (value instanceof Uint64) return value.value
  if (value instanceof JsonNumber && /^-?\d+$/.test(value.text)) return BigInt(value.text)
  const number = floatOf(value)
  return number === undefined || !Number.isFinite(number) ? undefined : BigInt(Math.trunc(number))
}

function storedNumber(value: Value, type: string): number {
  const number =
    typeof value === 'bigint' ? Number(value) : value instanceof Uint64 ? Number(value.value) : floatOf(value)
  if (number === undefined) throw new Error(`cannot convert ${goType(value)} to ${type}`)
  return number
}

function floatOf(value: Value): number | undefined {
  if (typeof value === 'number') return value
  if (value instanceof Float) return value.value
  return value instanceof JsonNumber ? Number(value.text) : undefined
}

function storedBytes(value: Value): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (typeof value === 'string') return Buffer.from(value)
  throw new Error(`cannot convert ${goType(value)} to []byte`)
}

function storedText(value: Value): string {
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8')
  throw new Error(`cannot convert ${goType(value)} to string`)
}

function shown(value: Value): string {
  if (value instanceof Float || value instanceof Uint64) return String(value.value)
  return value instanceof JsonNumber ? value.text : String(value)
}

/** The name of a type in the original's error messages. */
function goType(value: Value): string {
  if (value === null) return '<nil>'
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'bool'
  if (value instanceof NarrowFloat) return 'float32'
  if (value instanceof Float) return 'float64'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64'
  if (typeof value === 'bigint') return 'int64'
  if (value instanceof Uint8Array) return '[]uint8'
  if (value instanceof Timestamp) return 'time.Time'
  return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}'
}
