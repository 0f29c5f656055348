import { isDeepStrictEqual } from 'node:util'
import { functions, isTrue, Reference, type Result } from './functions.ts'
import { type Comparison, type Expression, type Json, parseQuery } from './parse.ts'

/** A compiled query: returns its result for a document. Throws `JmesError`. */
export type Query = (document: Json) => Json

type Evaluate = (value: Json) => Result

/** Compiles a JMESPath query. Throws `JmesSyntaxError`. */
export function compileQuery(query: string): Query {
  const evaluate = compile(parseQuery(query))
  return document => {
    const result = evaluate(document)
    return result instanceof Reference ? {} : result
  }
}

function compile(expression: Expression): Evaluate {
  switch (expression.kind) {
    case 'identity':
      return value => value
    case 'field':
      return fieldOf(expression.name)
    case 'index':
      return indexOf(expression.index)
    case 'slice':
      return value => (Array.isArray(value) ? slice(value, expression.parts) : null)
    case 'literal':
      return () => expression.value
    case 'chain':
      return chained(compile(expression.left), compile(expression.right))
    case 'projection':
      return projected(compile(expression.left), listOf, compile(expression.right))
    case 'valueProjection':
      return projected(compile(expression.left), valuesOf, compile(expression.right))
    case 'filter':
      return filtered(compile(expression.left), compile(expression.condition), compile(expression.right))
    case 'flatten':
      return flattened(compile(expression.left))
    case 'or':
      return either(compile(expression.left), compile(expression.right))
    case 'and':
      return both(compile(expression.left), compile(expression.right))
    case 'not':
      return negated(compile(expression.operand))
    case 'compare':
      return compared(expression.operator, compile(expression.left), compile(expression.right))
    case 'list':
      return listed(expression.items.map(compile))
    case 'object':
      return keyed(expression.entries.map(([key, value]) => [key, compile(value)] as const))
    case 'call':
      return called(expression.name, expression.args.map(compile))
    case 'reference':
      return referenced(compile(expression.body))
    default:
      return expression satisfies never
  }
}

function fieldOf(name: string): Evaluate {
  return value => (isMap(value) && Object.hasOwn(value, name) ? value[name]! : null)
}

function indexOf(index: number): Evaluate {
  return value => (Array.isArray(value) ? (value.at(index) ?? null) : null)
}

function chained(left: Evaluate, right: Evaluate): Evaluate {
  return value => right(plain(left(value)))
}

function projected(left: Evaluate, elements: (value: Result) => readonly Json[] | null, right: Evaluate): Evaluate {
  return value => {
    const found = elements(left(value))
    return found === null ? null : withoutNulls(found, right)
  }
}

function filtered(left: Evaluate, condition: Evaluate, right: Evaluate): Evaluate {
  return value => {
    const found = listOf(left(value))
    if (found === null) return null
    return withoutNulls(
      found.filter(element => isTrue(condition(element))),
      right,
    )
  }
}

function flattened(left: Evaluate): Evaluate {
  return value => listOf(left(value))?.flat() ?? null
}

function either(left: Evaluate, right: Evaluate): Evaluate {
  return value => {
    const first = left(value)
    return isTrue(first) ? first : right(value)
  }
}

function both(left: Evaluate, right: Evaluate): Evaluate {
  return value => {
    const first = left(value)
    return isTrue(first) ? right(value) : first
  }
}

function negated(operand: Evaluate): Evaluate {
  return value => !isTrue(operand(value))
}

function compared(operator: Comparison, left: Evaluate, right: Evaluate): Evaluate {
  const holds = comparisons[operator]
  return value => holds(left(value), right(value))
}

const ordered =
  (holds: (left: number, right: number) => boolean) =>
  (left: Result, right: Result): Json =>
    typeof left === 'number' && typeof right === 'number' ? holds(left, right) : null

const comparisons: Readonly<Record<Comparison, (left: Result, right: Result) => Json>> = {
  tEQ: (left, right) => isDeepStrictEqual(left, right),
  tNE: (left, right) => !isDeepStrictEqual(left, right),
  tLT: ordered((left, right) => left < right),
  tLTE: ordered((left, right) => left <= right),
  tGT: ordered((left, right) => left > right),
  tGTE: ordered((left, right) => left >= right),
}

function listed(items: readonly Evaluate[]): Evaluate {
  return value => (value === null ? null : items.map(item => plain(item(value))))
}

function keyed(entries: readonly (readonly [string, Evaluate])[]): Evaluate {
  return value =>
    value === null ? null : Object.fromEntries(entries.map(([key, entry]) => [key, plain(entry(value))]))
}

function called(name: string, args: readonly Evaluate[]): Evaluate {
  return value =>
    functions.call(
      name,
      args.map(arg => arg(value)),
    )
}

function referenced(body: Evaluate): Evaluate {
  const reference = new Reference(value => plain(body(value)))
  return () => reference
}

function listOf(value: Result): readonly Json[] | null {
  return Array.isArray(value) ? value : null
}

function valuesOf(value: Result): readonly Json[] | null {
  return isMap(value) ? Object.values(value) : null
}

function withoutNulls(elements: readonly Json[], right: Evaluate): Json {
  const results: Json[] = []
  for (const element of elements) {
    const result = plain(right(element))
    if (result !== null) results.push(result)
  }
  return results
}

/** A reference outside an argument is an empty object, as printed by the original. */
function plain(result: Result): Json {
  return result instanceof Reference ? {} : result
}

function isMap(value: Result): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Reference)
}

function slice(list: readonly Json[], [from, to, by]: readonly (number | undefined)[]): Json {
  const step = by ?? 1
  if (step === 0) throw new Error('Invalid slice, step cannot be 0')
  const start = from === undefined ? (step < 0 ? list.length - 1 : 0) : within(list.length, from, step)
  const end = to === undefined ? (step < 0 ? -1 : list.length) : within(list.length, to, step)
  const result: Json[] = []
  for (let at = start; step > 0 ? at < end : at > end; at += step) result.push(list[at]!)
  return result
}

function within(length: number, bound: number, step: number): number {
  if (bound < 0) return Math.max(bound + length, step < 0 ? -1 : 0)
  return Math.min(bound, step < 0 ? length - 1 : length)
}
