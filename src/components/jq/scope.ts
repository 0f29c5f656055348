import type { Code } from './code.ts'

/** Names at one place of a query. */
export interface Scope {
  readonly outer: Scope | undefined
  /** How many values the environment holds here. */
  readonly depth: number
  readonly entry: Entry
}

export type Entry =
  | { readonly kind: 'variable' | 'argument' | 'label'; readonly name: string }
  | { readonly kind: 'function'; readonly function: UserFunction }

export interface UserFunction {
  readonly name: string
  readonly params: readonly string[]
  /** The environment's size where it is defined. */
  readonly depth: number
  readonly code: () => Code
}

/** A query that refers to what does not exist. */
export class JqCompileError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'JqCompileError'
  }
}

export function withEntry(scope: Scope | undefined, entry: Entry): Scope {
  return { outer: scope, depth: (scope?.depth ?? 0) + 1, entry }
}

/** The scope inside of a function: all its arguments, and behind them the variables of those that are values. */
export function withParams(scope: Scope, params: readonly string[]): Scope {
  let inner = scope
  for (const param of params) inner = withEntry(inner, { kind: 'argument', name: param.replace('$', '') })
  for (const param of params) {
    if (param.startsWith('$')) inner = withEntry(inner, { kind: 'variable', name: param.slice(1) })
  }
  return inner
}

/** How many values are in front of that of the innermost entry that fits. */
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
