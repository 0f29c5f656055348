import { isDeepStrictEqual } from 'node:util'
import { compareText, Float, printJson, type Value } from '../../bloblang/index.ts'
import type { Json } from './parse.ts'

/** An expression as an argument: `&name`. */
export class Reference {
  readonly evaluate: (value: Json) => Json
  constructor(evaluate: (value: Json) => Json) {
    this.evaluate = evaluate
  }
}

export type Result = Json | Reference

/** A failed call. */
class JmesError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'JmesError'
  }
}

/** False values are `false`, null, and empty strings, arrays and objects. */
export function isTrue(value: Result): boolean {
  if (value === null || value === false || value === '') return false
  if (typeof value !== 'object' || value instanceof Reference) return true
  return Array.isArray(value) ? value.length > 0 : Object.keys(value).length > 0
}

/** The names of types in error messages. */
const types = {
  number: 'number',
  string: 'string',
  array: 'array',
  object: 'object',
  numbers: 'array[number]',
  strings: 'array[string]',
  reference: 'expref',
  any: 'any',
} as const

type Type = keyof typeof types
type Args = readonly Result[]

interface Signature {
  readonly args: readonly (readonly Type[])[]
  readonly variadic?: boolean
  /** The arguments have one of the types listed in `args`. */
  readonly run: (...args: never[]) => Json
}

type Numbers = readonly number[]
type Strings = readonly string[]
type List = readonly Json[]
type Fields = { readonly [key: string]: Json }

const table: Readonly<Record<string, Signature>> = {
  abs: { args: [['number']], run: (x: number) => Math.abs(x) },
  avg: { args: [['numbers']], run: (list: Numbers) => sum(list) / list.length },
  ceil: { args: [['number']], run: (x: number) => Math.ceil(x) },
  contains: { args: [['array', 'string'], ['any']], run: contains },
  ends_with: { args: [['string'], ['string']], run: (text: string, end: string) => text.endsWith(end) },
  floor: { args: [['number']], run: (x: number) => Math.floor(x) },
  join: { args: [['string'], ['strings']], run: (glue: string, list: Strings) => list.join(glue) },
  keys: { args: [['object']], run: (object: Fields) => Object.keys(object) },
  length: { args: [['string', 'array', 'object']], run: lengthOf },
  map: {
    args: [['reference'], ['array']],
    run: (by: Reference, list: List) => list.map(item => by.evaluate(item)),
  },
  max: { args: [['numbers', 'strings']], run: (list: List) => best(list, 1) },
  max_by: { args: [['array'], ['reference']], run: (list: List, by: Reference) => bestBy(list, by, 1) },
  merge: {
    args: [['object']],
    variadic: true,
    run: (...objects: Fields[]) => Object.fromEntries(objects.flatMap(object => Object.entries(object))),
  },
  min: { args: [['numbers', 'strings']], run: (list: List) => best(list, -1) },
  min_by: { args: [['array'], ['reference']], run: (list: List, by: Reference) => bestBy(list, by, -1) },
  not_null: {
    args: [['any']],
    variadic: true,
    run: (...values: Json[]) => values.find(value => value !== null) ?? null,
  },
  reverse: { args: [['array', 'string']], run: reversed },
  sort: { args: [['strings', 'numbers']], run: (list: List) => list.toSorted(compare) },
  sort_by: { args: [['array'], ['reference']], run: sortedBy },
  starts_with: { args: [['string'], ['string']], run: (text: string, start: string) => text.startsWith(start) },
  sum: { args: [['numbers']], run: sum },
  to_array: { args: [['any']], run: (value: Json) => (Array.isArray(value) ? value : [value]) },
  to_number: { args: [['any']], run: toNumber },
  to_string: { args: [['any']], run: (value: Json) => (typeof value === 'string' ? value : printed(value)) },
  type: { args: [['any']], run: typeOf },
  values: { args: [['object']], run: (object: Fields) => Object.values(object) },
}

/** The JMESPath functions, with the original's checks and error messages. */
export const functions = {
  call(name: string, args: Args): Json {
    if (!Object.hasOwn(table, name)) throw new JmesError(`unknown function: ${name}`)
    const signature = table[name]!
    checkArgs(signature, args)
    return signature.run(...(args as never[])) // the arguments were checked against the signature
  },
}

function checkArgs({ args: specs, variadic }: Signature, args: Args): void {
  if (variadic === true && args.length < specs.length) throw new JmesError('Invalid arity.')
  if (variadic !== true && args.length !== specs.length) throw new JmesError('incorrect number of args')
  for (const [index, arg] of args.entries()) {
    const expected = specs[index] ?? specs.at(-1)!
    if (!expected.some(type => isOf(type, arg))) throw new JmesError(wrongType(arg, expected))
  }
}

function wrongType(arg: Result, expected: readonly Type[]): string {
  const names = expected.map(type => `"${types[type]}"`).join(', ')
  return `Invalid type for: ${goText(arg)}, expected: []jmespath.jpType{${names}}`
}

function isOf(type: Type, value: Result): boolean {
  switch (type) {
    case 'number':
    case 'string':
      return typeof value === type
    case 'array':
      return Array.isArray(value)
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Reference)
    case 'numbers':
      return Array.isArray(value) && value.every(item => typeof item === 'number')
    case 'strings':
      return Array.isArray(value) && value.every(item => typeof item === 'string')
    case 'reference':
      return value instanceof Reference
    default:
      return type === 'any'
  }
}

/** Formats a value like Go. */
function goText(value: Result): string {
  if (value === null) return '<nil>'
  if (value instanceof Reference) return '{}'
  if (typeof value !== 'object') return String(value)
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`
  return `map[${Object.entries(value)
    .toSorted(([left], [right]) => compareText(left, right))
    .map(([key, child]) => `${key}:${goText(child)}`)
    .join(' ')}]`
}

function contains(where: List | string, what: Json): boolean {
  if (typeof where === 'string') return typeof what === 'string' && where.includes(what)
  return where.some(item => isDeepStrictEqual(item, what))
}

function lengthOf(value: string | List | Fields): number {
  if (typeof value === 'string') return [...value].length
  return Array.isArray(value) ? value.length : Object.keys(value).length
}

function reversed(value: string | List): Json {
  return typeof value === 'string' ? [...value].toReversed().join('') : value.toReversed()
}

function sum(list: Numbers): number {
  return list.reduce((total, item) => total + item, 0)
}

function best(list: List, sign: number): Json {
  if (list.length === 0) return null
  return list.reduce((found, item) => (sign * compare(item, found) > 0 ? item : found))
}

function bestBy(list: List, by: Reference, sign: number): Json {
  if (list.length < 2) return list[0] ?? null
  const keys = keysBy(list, by, kind => new JmesError(`invalid type, must be ${kind}`))
  let found = 0
  for (let at = 1; at < list.length; at++) if (sign * compare(keys[at]!, keys[found]!) > 0) found = at
  return list[found]!
}

function sortedBy(list: List, by: Reference): Json {
  if (list.length < 2) return list
  const keys = keysBy(list, by, () => new JmesError('error in sort_by comparison'))
  return [...list.keys()].toSorted((left, right) => compare(keys[left]!, keys[right]!)).map(at => list[at]!)
}

/** The sort key of each element: all numbers or all strings, according to the first one. */
function keysBy(list: List, by: Reference, mixed: (kind: string) => JmesError): List {
  const keys = list.map(item => by.evaluate(item))
  const kind = typeof keys[0]
  if (kind !== 'number' && kind !== 'string') throw new JmesError('invalid type, must be number of string')
  if (keys.some(key => typeof key !== kind)) throw mixed(kind)
  return keys
}

function compare(left: Json, right: Json): number {
  if (typeof left === 'string') return compareText(left, right as string) // the array was checked to hold one type
  return (left as number) - (right as number) // the array was checked to hold one type
}

function toNumber(value: Json): Json {
  if (typeof value === 'number') return value
  if (typeof value !== 'string' || !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value)) return null
  const number = Number(value)
  return Number.isFinite(number) ? number : null
}

function typeOf(value: Json): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

function printed(value: Json): string {
  return printJson(documentOf(value), { escapeHtml: true })
}

/** Converts a result to a Bloblang value; its numbers are floats. */
export function documentOf(value: Json): Value {
  if (typeof value === 'number') return new Float(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(documentOf)
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, documentOf(child)]))
}
