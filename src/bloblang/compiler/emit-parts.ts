// Shared by the emitters of queries and calls; nested queries are emitted through `context.emit`.
import type { Query } from '../syntax/ast.ts'
import { emitSafePath } from './emit-path.ts'
import { type Context, FunctionScope, type Name, withSelf } from './scope.ts'
import { maySpecial } from './traits.ts'

/** A query with another value as `this`. */
export function emitNested(target: string, query: Query, context: Context): string {
  const { name, set } = hold(context, target)
  return `(${set}, ${context.emit(query, withSelf(context, name))})`
}

/** The left side, or the right one if the left is null or fails. */
export function emitCoalesce(left: Query, right: Query, context: Context): string {
  const fallback = context.emit(right, context)
  if (left.kind === 'field' && left.base === 'this' && context.self === null && left.path.length > 0) {
    const { text, count } = emitSafePath(left.path)
    context.program.readsDocument(left.path)
    if (count === left.path.length) return `((doc ??= f.tryDocument())${text} ?? ${fallback})`
  }
  if (!maySpecial(left) && isHarmless(left, context)) return `(${context.emit(left, context)} ?? ${fallback})`
  return `(${context.program.use('attempt')}(${emitClosure([], left, context)}) ?? ${fallback})`
}

/** A function that returns a query's value; its parameters are names in the context. */
export function emitClosure(
  parameters: readonly string[],
  query: Query,
  context: Context,
  inner?: (scope: FunctionScope) => Context,
): string {
  return writeClosure(parameters, query, context, inner).text
}

/** The same, with whether it captures anything from the enclosing functions. */
export function writeClosure(
  parameters: readonly string[],
  query: Query,
  context: Context,
  inner?: (scope: FunctionScope) => Context,
): { readonly text: string; readonly captures: boolean } {
  const scope = new FunctionScope()
  const own = inner === undefined ? { ...context, scope } : inner(scope)
  const body = context.emit(query, own)
  for (const other of scope.captured) if (other !== context.scope) context.scope.captured.add(other)
  const head = `(${parameters.join(', ')}) =>`
  const expression = body.startsWith('{') ? `(${body})` : body
  if (!scope.marks && scope.temporaries.length === 0)
    return { text: `${head} ${expression}`, captures: scope.captured.size > 0 }
  const declared = [...(scope.marks ? ['at = 0'] : []), ...scope.temporaries]
  const code = scope.marks
    ? `try { return ${body} } catch (error) { throw ${context.program.use('within')}(error, sites, at) }`
    : `return ${body}`
  return { text: `${head} { let ${declared.join(', ')}; ${code} }`, captures: scope.captured.size > 0 }
}
/** Stores a value in a temporary, to compute it once and use it several times. */
export function hold(context: Context, expression: string): { readonly name: Name; readonly set: string } {
  const text = context.scope.temporary(context.program)
  return { name: { text, scope: context.scope }, set: `${text} = ${expression}` }
}

/** Marks the site of an expression during its evaluation, so that its errors get a prefix. */
export function guarded(context: Context, prefix: string, write: () => string, query?: Query): string {
  if (query !== undefined && isHarmless(query, context)) return write()
  const { program, scope } = context
  const around = scope.at
  scope.at = program.site(prefix, around)
  scope.marks = true
  const inside = scope.at
  const text = write()
  scope.at = around
  const { name, set } = hold(context, text)
  return `(at = ${inside}, ${set}, at = ${around}, ${name.text})`
}

/** Whether a query cannot fail. */
function isHarmless(query: Query, context: Context): boolean {
  switch (query.kind) {
    case 'literal':
      return true
    case 'field':
      return query.base !== 'this' ? query.base !== 'root' || context.root !== null : context.self !== null
    case 'path':
      return isHarmless(query.target, context)
    case 'array':
      return query.items.every(item => isHarmless(item, context))
    case 'object':
      return query.entries.every(({ key, value }) => typeof key === 'string' && isHarmless(value, context))
    case 'binary':
      return (
        (query.operator === '==' || query.operator === '!=') &&
        isHarmless(query.left, context) &&
        isHarmless(query.right, context)
      )
    default:
      return false
  }
}

/** A text as a JavaScript string literal. */
export function quote(text: string): string {
  return JSON.stringify(text).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
}
