import { type Code, type Env, type Guarded, protectedRun } from './code.ts'
import { isArray, JqError, type Json, typedPreview } from './json.ts'
import { indexed } from './paths.ts'
import { type Scope, withEntry } from './scope.ts'
import type { Pattern, Query } from './syntax.ts'

type Compile = (query: Query, scope: Scope | undefined) => Code

/** Returns what binds a value to the variables of patterns, and the extended scope. */
export function patternBinder(
  patterns: readonly Pattern[],
  scope: Scope | undefined,
  compile: Compile,
): readonly [Binder, Scope | undefined] {
  const names = [...new Set(patterns.flatMap(variablesOf))]
  let inner = scope
  for (const name of names) inner = withEntry(inner, { kind: 'variable', name })
  // Computed keys can refer to the variables that precede them in the pattern.
  const takers = patterns.map(pattern => takerOf(pattern, inner, compile))
  const extend = (env: Env, values: ReadonlyMap<string, Json>): Env => {
    let bound = env
    for (const name of names) bound = { outer: bound, value: values.get(name) ?? null }
    return bound
  }
  const single: Binder = (env, value, done) =>
    takers[0]!(env, value, new Map(), extend, values => done(extend(env, values)))
  if (takers.length === 1) return [single, inner]
  const several: Binder = (env, value, done) => {
    for (const [at, take] of takers.entries()) {
      if (at === takers.length - 1) return take(env, value, new Map(), extend, values => done(extend(env, values)))
      let failed = false
      protectedRun(
        guarded => take(env, value, new Map(), extend, values => done(extend(env, values), guarded)),
        () => (failed = true),
      )
      if (!failed) return
    }
  }
  return [several, inner]
}

function takerOf(pattern: Pattern, inner: Scope | undefined, compile: Compile): Taker {
  switch (pattern.kind) {
    case 'variable':
      return (_env, value, values, _extend, done) => done(new Map(values).set(pattern.name, value))
    case 'array': {
      const items = pattern.items.map(item => takerOf(item, inner, compile))
      return (env, value, values, extend, done) => {
        if (value !== null && !isArray(value)) throw new JqError(`expected an array but got: ${typedPreview(value)}`)
        takeAll(items, env, index => indexed(value, index), values, extend, done)
      }
    }
    case 'object': {
      const entries = pattern.entries.map(({ key, variable, pattern: child }) => ({
        key: key.kind === 'literal' ? undefined : compile(key, inner),
        name: key.kind === 'literal' ? key.value : null,
        variable,
        take: child === undefined ? undefined : takerOf(child, inner, compile),
      }))
      const fill = (at: number, env: Env, value: Json, values: Values, extend: Extend, done: Done): void => {
        const entry = entries[at]
        if (entry === undefined) return done(values)
        const withKey = (key: Json) => {
          if (typeof key !== 'string') {
            throw new JqError(`expected a string for object key but got: ${typedPreview(key)}`)
          }
          const child = indexed(value, key)
          const known = entry.variable === undefined ? values : new Map(values).set(entry.variable, child)
          if (entry.take === undefined) return fill(at + 1, env, value, known, extend, done)
          entry.take(env, child, known, extend, more => fill(at + 1, env, value, more, extend, done))
        }
        if (entry.key === undefined) withKey(entry.name)
        else entry.key(extend(env, values), value, undefined, withKey)
      }
      return (env, value, values, extend, done) => fill(0, env, value, values, extend, done)
    }
    default:
      return pattern satisfies never
  }
}

type Values = ReadonlyMap<string, Json>

type Extend = (env: Env, values: Values) => Env

type Done = (values: Values) => void

type Taker = (env: Env, value: Json, values: Values, extend: Extend, done: Done) => void

export type Binder = (env: Env, value: Json, done: (bound: Env, guarded?: Guarded) => void) => void

function takeAll(
  takers: readonly Taker[],
  env: Env,
  childAt: (index: number) => Json,
  values: Values,
  extend: Extend,
  done: Done,
  at = 0,
): void {
  const take = takers[at]
  if (take === undefined) return done(values)
  take(env, childAt(at), values, extend, more => takeAll(takers, env, childAt, more, extend, done, at + 1))
}

function variablesOf(pattern: Pattern): readonly string[] {
  switch (pattern.kind) {
    case 'variable':
      return [pattern.name]
    case 'array':
      return pattern.items.flatMap(variablesOf)
    case 'object':
      return pattern.entries.flatMap(({ variable, pattern: child }) => [
        ...(variable === undefined ? [] : [variable]),
        ...(child === undefined ? [] : variablesOf(child)),
      ])
    default:
      return pattern satisfies never
  }
}
