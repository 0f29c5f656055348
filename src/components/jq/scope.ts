import type { Code } from './code.ts'

/** The names visible at a position in a query. */
export interface Scope {
  readonly outer: Scope | undefined
  /** The number of values in the environment at this position. */
  readonly depth: number
  readonly entry: Entry
}

export type Entry =
  | { readonly kind: 'variable' | 'argument' | 'label'; readonly name: string }
  | { readonly kind: 'function'; readonly function: UserFunction }

export interface UserFunction {
  readonly name: string
  readonly params: readonly string[]
  /** The size of the environment where it is defined. */
  readonly depth: number
  readonly code: () => Code
}

/** A query that refers to something undefined. */
export class JqCompileError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'JqCompileError'
  }
}

export function withEntry(scope: Scope | undefined, entry: Entry): Scope {
  return { outer: scope, depth: (scope?.depth ?? 0) + 1, entry }
}

/** The scope inside a function: all its arguments, followed by the variables of those that are values. */
export function withParams(scope: Scope, params: readonly string[]): Scope {
  let inner = scope
  for (const param of params) inner = withEntry(inner, { kind: 'argument', name: param.replace('$', '') })
  for (const param of params) {
    if (param.startsWith('$')) inner = withEntry(inner, { kind: 'variable', name: param.slice(1) })
  }
  return inner
}

/** The number of values between here and the innermost entry that matches. */
export function hopsTo(scope: Scope | undefined, fits: (entry: Entry) => boolean): number | undefined {
  const depth = scope?.depth ?? 0
  for (let at = scope; at !== undefined; at = at.outer) if (fits(at.entry)) return depth - at.depth
  return undefined
}

export type Found =
  | { readonly kind: 'argument'; readonly hops: number }
  | { readonly kind: 'function'; readonly function: UserFunction; readonly hops: number }

export function functionIn(scope: Scope | undefined, name: string, arity: number): Found | undefined {
  const depth = scope?.depth ?? 0
  for (let at = scope; at !== undefined; at = at.outer) {
    const { entry } = at
    if (entry.kind === 'argument' && entry.name === name && arity === 0)
      return { kind: 'argument', hops: depth - at.depth }
    if (entry.kind !== 'function') continue
    const { function: callee } = entry
    if (callee.name === name && callee.params.length === arity) {
      return { kind: 'function', function: callee, hops: depth - callee.depth }
    }
  }
  return undefined
}
