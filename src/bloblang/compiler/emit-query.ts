import { unreachable } from '../../base/index.ts'
import { annotationOf, dotPath } from '../syntax/annotation.ts'
import type { Binary, If, Index, Lambda, Match, Metadata, ObjectLiteral, Query, Slice } from '../syntax/ast.ts'
import { literalNumber } from '../runtime/operators.ts'
import { DELETED, NOTHING, type Value } from '../value.ts'
import { emitCall } from './emit-call.ts'
import { emitClosure, emitCoalesce, emitNested, guarded, hold, quote } from './emit-parts.ts'
import { emitSafePath } from './emit-path.ts'
import { type Context, refer, withoutSelf, withSelf } from './scope.ts'
import { isBoolean, maySpecial } from './traits.ts'

/** JavaScript that evaluates a query in place. */
export function emit(query: Query, context: Context): string {
  switch (query.kind) {
    case 'literal':
      return emitLiteral(query.value, context)
    case 'field':
      return emitField(query.base, query.path, context)
    case 'path':
      return emitPath(emit(query.target, context), query.path, context)
    case 'variable':
      return emitVariable(query.name, context)
    case 'metadata':
      return emitMetadata(query)
    case 'function':
    case 'method':
      return emitCall(query, context)
    case 'nested':
      return emitNested(emit(query.target, context), query.query, context)
    case 'index':
      return emitIndex(query, context)
    case 'slice':
      return emitSlice(query, context)
    case 'not':
      return isBoolean(query.operand)
        ? `(!${emit(query.operand, context)})`
        : `${context.program.use('not')}(${emit(query.operand, context)}, ${quote(annotationOf(query.operand))})`
    case 'binary':
      return emitBinary(query, context)
    case 'array':
      return emitArray(query.items, context)
    case 'object':
      return emitObject(query, context)
    case 'match':
      return emitMatch(query, context)
    case 'if':
      return emitIf(query, context)
    case 'lambda':
      return emitLambda(query, context)
    default:
      return unreachable(query)
  }
}

/** JavaScript for a known value: a literal, or a constant of the program. */
export function emitLiteral(value: Value, context: Context): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') {
    return value.isWellFormed() && value.length < 200 ? quote(value) : context.program.constant(value, 'a text')
  }
  if (typeof value === 'bigint') return value < 0n ? `(${value}n)` : `${value}n`
  if (value === DELETED) return context.program.use('DELETED')
  if (value === NOTHING) return context.program.use('NOTHING')
  return context.program.constant(value, 'a literal')
}

function emitField(base: string, path: readonly string[], context: Context): string {
  if (base === 'root') {
    if (context.root === null) return `${context.program.use('fail')}("unable to reference \`root\` from this context")`
    return emitPath(refer(context, context.root), path, context)
  }
  if (base !== 'this') {
    const name = context.names.get(base)
    if (name !== undefined) return emitPath(refer(context, name), path, context)
    // The parameter of a lambda that is applied to the document itself.
    context.program.readsDocument(path)
    return emitPath(`(doc ??= f.document(""))`, path, context)
  }
  if (context.self !== null) return emitPath(refer(context, context.self), path, context)
  context.program.readsDocument(path)
  return emitPath(`(doc ??= f.document(${quote(dotPath(path))}))`, path, context)
}

/** A chain of field accesses; a missing field yields null. */
function emitPath(target: string, path: readonly string[], context: Context): string {
  if (path.length === 0) return target
  const { text, count } = emitSafePath(path)
  if (count === path.length) return `(${target}${text} ?? null)`
  const rest = context.program.shared(path.slice(count), `the path ${dotPath(path.slice(count))}`)
  return `${context.program.use('read')}(${target}${text}, ${rest})`
}

function emitVariable(name: string, context: Context): string {
  const { program, variables } = context
  if (variables === null) return `${program.use('fail')}("variables were undefined")`
  const missing = () => `${program.use('fail')}(${quote(`variable '${name}' undefined`)})`
  if (!variables.locals.has(name)) return missing()
  const local = refer(context, { text: variables.local(name, program), scope: variables.scope })
  return variables.assigned.has(name) ? local : `(${local} !== undefined ? ${local} : ${missing()})`
}

function emitMetadata(query: Metadata): string {
  return query.key === '' ? 'f.allMetadata()' : `f.metadata(${quote(query.key)})`
}

function emitIndex(query: Index, context: Context): string {
  return `${context.program.use('elementAt')}(${emit(query.target, context)}, ${emit(query.index, context)})`
}

function emitSlice(query: Slice, context: Context): string {
  const bound = (part: Query | null) => (part === null ? 'undefined' : emit(part, context))
  const bounds = [query.from, query.to, query.step].map(bound).join(', ')
  return `${context.program.use('slice')}(${emit(query.target, context)}, ${bounds})`
}

const OPERATORS: Readonly<Record<string, string>> = {
  '+': 'add',
  '-': 'subtract',
  '*': 'multiply',
  '/': 'divide',
  '%': 'modulo',
  '==': 'equal',
  '!=': 'notEqual',
  '<': 'less',
  '<=': 'lessOrEqual',
  '>': 'greater',
  '>=': 'greaterOrEqual',
}

function emitBinary(query: Binary, context: Context): string {
  const { program } = context
  if (query.operator === '|') return emitCoalesce(query.left, query.right, context)
  if (query.operator === '&&' || query.operator === '||') {
    return `(${emitTruth(query.left, context)} ${query.operator} ${emitTruth(query.right, context)})`
  }
  const helper = program.use(OPERATORS[query.operator]!)
  const operands = `${emit(query.left, context)}, ${emit(query.right, context)}`
  if (query.operator === '==' || query.operator === '!=') return `${helper}(${operands})`
  const rightNumber = query.right.kind === 'literal' ? literalNumber(query.right.value) : undefined
  const sides = { left: annotationOf(query.left), right: annotationOf(query.right), rightNumber }
  return `${helper}(${operands}, ${program.shared(sides, `${sides.left} ${query.operator} ${sides.right}`)})`
}

function emitTruth(query: Query, context: Context): string {
  const text = emit(query, context)
  return isBoolean(query) ? text : `${context.program.use('truth')}(${text})`
}

function emitArray(items: readonly Query[], context: Context): string {
  const list = `[${items.map(item => emit(item, context)).join(', ')}]`
  return items.some(maySpecial) ? `${context.program.use('list')}(${list})` : list
}

function emitObject(query: ObjectLiteral, context: Context): string {
  const plain = query.entries.every(({ key, value }) => typeof key === 'string' && !maySpecial(value))
  const entries = query.entries.map(({ key, value }) => {
    if (typeof key === 'string') {
      const text = guarded(context, `failed to resolve '${key}' value`, () => emit(value, context), value)
      return plain ? `${key === '__proto__' ? '["__proto__"]' : quote(key)}: ${text}` : `[${quote(key)}, ${text}]`
    }
    const name = `${context.program.use('objectKey')}(${guarded(context, 'failed to resolve key', () => emit(key, context))})`
    const held = hold(context, name)
    // A closure, because the prefix of the value's errors names the computed key.
    const closure = emitClosure([], value, context)
    return `(${held.set}, [${held.name.text}, ${context.program.use('fieldValue')}(${held.name.text}, ${closure})])`
  })
  return plain ? `({ ${entries.join(', ')} })` : `${context.program.use('record')}([${entries.join(', ')}])`
}

function emitMatch(query: Match, context: Context): string {
  const { program } = context
  if (query.subject === null && context.self === null) program.readsDocument([])
  const subject =
    query.subject !== null
      ? emit(query.subject, context)
      : context.self !== null
        ? refer(context, context.self)
        : 'f.documentOrNull()'
  const { name, set } = hold(context, subject)
  const inner = withSelf(context, name)
  let text = ''
  for (const [index, { pattern, result }] of query.cases.entries()) {
    if (pattern === null) {
      return `(${set}, ${text}${emit(result, inner)})`
    }
    const test =
      pattern.kind === 'literal'
        ? `${program.use('equals')}(${name.text}, ${emitLiteral(pattern.value, inner)})`
        : `${guarded(inner, `failed to check match case ${index}`, () => emit(pattern, inner), pattern)}${isBoolean(pattern) ? '' : ' === true'}`
    text += `${test} ? ${emit(result, inner)} : `
  }
  return `(${set}, ${text}${program.use('NOTHING')})`
}

function emitIf(query: If, context: Context): string {
  const { program } = context
  const branches = query.branches.map(({ condition, result }, index) => {
    const prefix = `failed to check if condition${index === 0 ? '' : ` ${index}`}`
    const tested = guarded(context, prefix, () => emit(condition, context), condition)
    const test = isBoolean(condition)
      ? tested
      : `${program.use('condition')}(${tested}, ${quote(annotationOf(condition))})`
    return `${test} ? ${emit(result, context)} : `
  })
  const otherwise = query.otherwise === null ? program.use('NOTHING') : emit(query.otherwise, context)
  return `(${branches.join('')}${otherwise})`
}

/** A lambda evaluated in place: its parameter names `this`. */
function emitLambda(query: Lambda, context: Context): string {
  if (context.self !== null) return emit(query.body, withoutSelf(context, query.parameter))
  context.program.readsDocument([])
  const document = guarded(context, `failed to capture context ${query.parameter}`, () => '(doc ??= f.document(""))')
  const { name, set } = hold(context, document)
  return `(${set}, ${emit(query.body, withoutSelf({ ...context, self: name }, query.parameter))})`
}
