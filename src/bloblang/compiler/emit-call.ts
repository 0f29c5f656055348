import { annotationOf, splitDotPath } from '../syntax/annotation.ts'
import type { BoundArgument } from '../syntax/arguments.ts'
import type { FunctionCall, MethodCall, Query } from '../syntax/ast.ts'
import { emitClosure, emitCoalesce, emitNested, guarded, quote, writeClosure } from './emit-parts.ts'
import { type Context, type FunctionScope, refer, withoutSelf } from './scope.ts'

/** JavaScript for a call of a function or method. */
export function emitCall(call: FunctionCall | MethodCall, context: Context): string {
  return call.kind === 'function' ? emitFunction(call, context) : emitMethod(call, context)
}

function emitFunction(call: FunctionCall, context: Context): string {
  if (call.name === 'var') return emitVar(call, context)
  const { program } = context
  const read = program.library.documentPath(call)
  if (read !== null) program.readsDocument(read)
  if (hasComputed(call)) {
    const make = program.constant(program.library.dynamicFunction(call), `makes ${annotationOf(call)}`, 'make')
    return `${make}(${emitComputed(call, context)})(f)`
  }
  const queries = queryArguments(call)
  if (queries.length === 0)
    return `${program.constant(program.library.staticFunction(call), annotationOf(call), 'fn')}(f)`
  // Query arguments of a function see the `this` of the call.
  const closures = queries.map(query => emitClosure([], query, context))
  const call_ = program.constant(program.library.functionWithQueries(call), annotationOf(call), 'fn')
  return `${call_}([${closures.join(', ')}], f)`
}

function emitVar(call: FunctionCall, context: Context): string {
  const [argument] = call.args.values
  if (argument?.kind === 'known')
    return context.emit({ kind: 'variable', name: String(argument.value), span: call.span }, context)
  const { program, variables } = context
  if (variables === null) return `${program.use('fail')}("variables were undefined", ${emitComputed(call, context)})`
  const locals = [...variables.locals].map(([name, local]) => {
    return `${quote(name)}: ${refer(context, { text: local, scope: variables.scope })}`
  })
  return `${program.use('variableNamed')}({ __proto__: null, ${locals.join(', ')} }, ${emitComputed(call, context)})`
}

function emitMethod(call: MethodCall, context: Context): string {
  const { program } = context
  const [first] = call.args.values
  switch (call.name) {
    case 'or':
      if (first?.kind === 'query') return emitCoalesce(call.target, first.query, context)
      break
    case 'map':
      if (first?.kind === 'query') return emitNested(context.emit(call.target, context), first.query, context)
      break
    case 'not':
      return context.emit({ kind: 'not', operand: call.target, span: call.span }, context)
    case 'catch':
      if (first?.kind === 'query') return emitCatch(call.target, first.query, context)
      break
    case 'apply':
      return emitApply(call, context)
    case 'from':
      return `${program.use('fromIndex')}(f, ${argument(call, 0, context)}, ${emitClosure([], call.target, context)})`
    case 'from_all':
      return `${program.use('fromAll')}(f, ${emitClosure([], call.target, context)})`
    case 'get':
      if (first?.kind === 'known') {
        const path = splitDotPath(String(first.value))
        return context.emit({ kind: 'path', target: call.target, path, span: call.span }, context)
      }
      break
  }
  return emitLibraryMethod(call, context)
}

function emitLibraryMethod(call: MethodCall, context: Context): string {
  const { program } = context
  if (program.library.isLazy(call)) {
    const queries = emitQueries(queryArguments(call), context)
    const target = emitClosure([], call.target, context)
    const method = program.constant(program.library.lazyMethod(call), annotationOf(call), 'm')
    const computed = hasComputed(call) ? `[${emitComputed(call, context)}]` : '[]'
    return `${method}(${computed}, [${queries.join(', ')}], ${target}, f)`
  }
  if (hasComputed(call)) {
    const make = program.constant(program.library.dynamicMethod(call), `makes ${annotationOf(call)}`, 'make')
    const queries = emitQueries(queryArguments(call), context)
    const extra = queries.length === 0 ? '' : `, [${queries.join(', ')}]`
    return `${make}([${emitComputed(call, context)}]${extra})(${context.emit(call.target, context)}, f)`
  }
  const queries = queryArguments(call)
  if (queries.length === 0) {
    const target = context.emit(call.target, context)
    return `${program.constant(program.library.staticMethod(call), annotationOf(call), 'm')}(${target}, f)`
  }
  const target = context.emit(call.target, context)
  const closures = emitQueries(queries, context)
  const method = program.constant(program.library.methodWithQueries(call), annotationOf(call), 'm')
  return `${method}([${closures.join(', ')}], ${target}, f)`
}

/** `target.catch(fallback)`; in the fallback, `this` is the text of the error. */
function emitCatch(target: Query, fallback: Query, context: Context): string {
  const { program } = context
  return `${program.use('caught')}(${emitClosure([], target, context)}, ${emitQuery(fallback, context).text})`
}

/** `target.apply("name")`. */
function emitApply(call: MethodCall, context: Context): string {
  const { program } = context
  const [name] = call.args.values
  const target = context.emit(call.target, context)
  if (name?.kind === 'known') {
    const known = program.library.mapFunction(String(name.value))
    if (known !== null) return `${known}(${target})`
    return `${program.use('noMap')}(${target}, ${quote(program.library.missingMap(String(name.value)))})`
  }
  return `${program.use('applyNamed')}(maps, ${argument(call, 0, context)}, ${emitClosure([], call.target, context)})`
}

/** The arguments computed at each call, comma-separated, in the order in which the original computes them. */
function emitComputed(call: FunctionCall | MethodCall, context: Context): string {
  return call.args.values
    .flatMap((value, index) => (value?.kind === 'computed' ? [argument(call, index, context)] : []))
    .join(', ')
}

/** One argument, converted as its parameter requires. */
function argument(call: FunctionCall | MethodCall, index: number, context: Context): string {
  const { program } = context
  const value = call.args.values[index]
  if (value === undefined) return 'undefined'
  if (value.kind === 'known') return program.constant(value.value, 'an argument')
  const param = program.library.parameter(call, index)
  const prefix = `${call.kind} '${call.name}': failed to extract input arg '${param.name}'`
  return guarded(context, prefix, () => {
    const text = context.emit(value.query, context)
    if (param.type === 'unknown') return text
    return `${program.use('readArgument')}(${program.shared(param, `the parameter ${param.name}`)}, ${text})`
  })
}

function emitQueries(queries: readonly Query[], context: Context): readonly string[] {
  return queries.map(query => {
    const { text, captures } = emitQuery(query, context)
    const annotated = `${context.program.use('annotated')}(${text}, ${quote(annotationOf(query))})`
    // A query that captures nothing is created once.
    return captures ? annotated : context.program.hoist(annotated)
  })
}

/** A query as a function of its `this`. */
function emitQuery(query: Query, context: Context): { readonly text: string; readonly captures: boolean } {
  const parameter = context.program.uniqueName(query.kind === 'lambda' ? `_${query.parameter}$` : 'it')
  const body = query.kind === 'lambda' ? query.body : query
  return writeClosure([parameter], body, context, (scope: FunctionScope) => {
    const own: Context = { ...context, scope, self: { text: parameter, scope }, outer: context.self }
    return query.kind === 'lambda' ? withoutSelf(own, query.parameter) : own
  })
}

function queryArguments(call: FunctionCall | MethodCall): readonly Query[] {
  return call.args.values.flatMap((value: BoundArgument) => (value?.kind === 'query' ? [value.query] : []))
}

function hasComputed(call: FunctionCall | MethodCall): boolean {
  return call.args.values.some(value => value?.kind === 'computed')
}
