import { typeOf } from '../value.ts'
import type { FunctionCall, MethodCall, Query } from './ast.ts'
import { toPlainText } from '../text/go-value.ts'

/** The name of a query's result in error texts: ``field `this.a` ``, `string literal`, `method uppercase`. */
export function annotationOf(query: Query): string {
  switch (query.kind) {
    case 'literal':
      return query.annotation ?? `${typeOf(query.value)} literal`
    case 'field':
      return `field \`${query.path.length === 0 ? query.base : `${query.base}.${dotPath(query.path)}`}\``
    case 'path':
      return `path \`${dotPath(query.path)}\``
    case 'variable':
      return `variable ${query.name}`
    case 'metadata':
      return query.key === '' ? 'meta object' : `meta field ${query.key}`
    case 'function':
      return functionAnnotation(query)
    case 'method':
      return methodAnnotation(query)
    case 'nested':
      return annotationOf(query.query)
    case 'index':
      return 'index'
    case 'slice':
      return 'slice'
    case 'not':
      return `not ${annotationOf(query.operand)}`
    case 'binary':
      return annotationOf(query.right)
    case 'array':
      return 'array literal'
    case 'object':
      return 'object literal'
    case 'match':
      return 'match expression'
    case 'if':
      return 'if expression'
    case 'lambda':
      return annotationOf(query.body)
  }
}

/** Joins path segments to one text, with `.` and `~` escaped. */
export function dotPath(path: readonly string[]): string {
  return path.map(segment => segment.replaceAll('~', '~0').replaceAll('.', '~1')).join('.')
}

/** Splits `a.b~1c` into `a` and `b.c`. */
export function splitDotPath(path: string): readonly string[] {
  const segments = path.split('.')
  return path.includes('~')
    ? segments.map(part => part.replace(/~[01]/g, mark => (mark === '~0' ? '~' : '.')))
    : segments
}

/** The value of a known argument; undefined if it is computed or absent. */
export function knownArgument(call: FunctionCall | MethodCall, index: number): unknown {
  const argument = call.args.values[index]
  return argument?.kind === 'known' ? argument.value : undefined
}

function isComputed(call: FunctionCall | MethodCall): boolean {
  return call.args.values.some(argument => argument?.kind === 'computed')
}

function functionAnnotation(call: FunctionCall): string {
  const plain = `function ${call.name}`
  if (isComputed(call)) return plain
  const key = knownArgument(call, 0)
  switch (call.name) {
    case 'json':
      return `json path \`${typeof key === 'string' && key !== '' ? dotPath(splitDotPath(key)) : ''}\``
    case 'meta':
    case 'metadata':
    case 'root_meta':
      return key === '' ? `${call.name} object` : `${call.name} field ${String(key)}`
    case 'var':
      return `variable ${String(key)}`
    default:
      return plain
  }
}

function methodAnnotation(call: MethodCall): string {
  const plain = `method ${call.name}`
  if (isComputed(call)) return plain
  const first = knownArgument(call, 0)
  switch (call.name) {
    case 'apply':
      return `map ${String(first)}`
    case 'from':
      return `${annotationOf(call.target)} from ${String(first)}`
    case 'map': {
      const [query] = call.args.values
      return query?.kind === 'query' ? annotationOf(query.query) : plain
    }
    case 'not':
      return `not ${annotationOf(call.target)}`
    case 'set': {
      const argument = call.args.values[1]
      const shown = argument?.kind === 'known' ? toPlainText(argument.value ?? null) : ''
      return `set path \`${dotPath(splitDotPath(String(first)))}\` with ${shown}`
    }
    default:
      return plain
  }
}
