import { DELETED, NOTHING } from '../value.ts'
import type { Query } from '../syntax/ast.ts'

/** Whether a query may yield `deleted()` or `nothing()`. */
export function maySpecial(query: Query): boolean {
  switch (query.kind) {
    case 'literal':
      return query.value === DELETED || query.value === NOTHING
    case 'field':
      return query.path.length === 0 && query.base !== 'this'
    case 'path':
    case 'metadata':
    case 'not':
    case 'array':
    case 'object':
    case 'slice':
    case 'index':
    case 'variable':
      return false
    case 'binary':
      return query.operator === '|' && maySpecial(query.right)
    case 'if':
      return (
        query.otherwise === null ||
        maySpecial(query.otherwise) ||
        query.branches.some(({ result }) => maySpecial(result))
      )
    case 'match':
      return query.cases.at(-1)?.pattern !== null || query.cases.some(({ result }) => maySpecial(result))
    case 'lambda':
      return maySpecial(query.body)
    case 'nested':
      return maySpecial(query.query)
    case 'function':
      return false
    case 'method':
      return PASSING_METHODS.has(query.name)
  }
}

/** Methods that may return `deleted()` or `nothing()` from their target or a query; variables and elements never do. */
const PASSING_METHODS = new Set(['apply', 'bloblang', 'catch', 'fold', 'from', 'map', 'not_empty', 'not_null', 'or'])

/** Whether a query always yields a boolean. */
export function isBoolean(query: Query): boolean {
  switch (query.kind) {
    case 'literal':
      return typeof query.value === 'boolean'
    case 'not':
      return true
    case 'binary':
      return !['+', '-', '*', '/', '%', '|'].includes(query.operator)
    default:
      return false
  }
}

/** Whether a query reads the document under construction, `root`. */
export function readsRoot(query: Query): boolean {
  return some(query, part => part.kind === 'field' && part.base === 'root')
}

/** Whether a query or any part of it passes a test. */
export function some(query: Query, test: (part: Query) => boolean): boolean {
  return test(query) || children(query).some(child => some(child, test))
}

/** The direct subqueries of a query, in text order. */
function children(query: Query): readonly Query[] {
  switch (query.kind) {
    case 'literal':
    case 'field':
    case 'variable':
    case 'metadata':
      return []
    case 'path':
      return [query.target]
    case 'function':
      return argumentQueries(query.args)
    case 'method':
      return [query.target, ...argumentQueries(query.args)]
    case 'nested':
      return [query.target, query.query]
    case 'index':
      return [query.target, query.index]
    case 'slice':
      return [query.target, query.from, query.to, query.step].filter(part => part !== null)
    case 'not':
      return [query.operand]
    case 'binary':
      return [query.left, query.right]
    case 'array':
      return query.items
    case 'object':
      return query.entries.flatMap(({ key, value }) => (typeof key === 'string' ? [value] : [key, value]))
    case 'match':
      return [
        ...(query.subject === null ? [] : [query.subject]),
        ...query.cases.flatMap(({ pattern, result }) => (pattern === null ? [result] : [pattern, result])),
      ]
    case 'if':
      return [
        ...query.branches.flatMap(({ condition, result }) => [condition, result]),
        ...(query.otherwise === null ? [] : [query.otherwise]),
      ]
    case 'lambda':
      return [query.body]
  }
}

function argumentQueries(args: {
  readonly values: readonly ({ readonly kind: string; readonly query?: Query | null } | undefined)[]
}): readonly Query[] {
  return args.values.flatMap(argument =>
    argument === undefined || argument.kind === 'known' || argument.query == null ? [] : [argument.query],
  )
}
