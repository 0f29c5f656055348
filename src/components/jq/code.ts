import { JqError, type Json, jsonText, typedPreview } from './json.ts'

/**
 * Queries are compiled to closures in continuation-passing style: each result is passed to `emit`. Where paths are
 * needed (`path(f)`, assignments), a result comes with its path, or with {@link STRAY} if it has none; otherwise the
 * path is undefined.
 */
export type Code = (env: Env, input: Json, path: Path, emit: Emit) => void

export type Emit = (value: Json, path: Path) => void

interface Step {
  readonly before: Step | undefined
  readonly key: Json
}

export const ROOT = Symbol('root')

export const STRAY = Symbol('stray')

export type Path = undefined | typeof ROOT | typeof STRAY | { readonly step: Step }

/** Variables and arguments, innermost first. */
export interface Env {
  readonly outer: Env | undefined
  readonly value: Json | Closure | Label
}

/** An argument: code with the environment of its call site. */
export interface Closure {
  readonly code: Code
  readonly env: Env | undefined
}

export class Label {}

/** Thrown to leave a label. */
export class Break {
  readonly label: Label
  constructor(label: Label) {
    this.label = label
  }
}

/** Wraps an error that occurred downstream of a `try`, outside its protection. */
class Passing {
  readonly error: unknown
  constructor(error: unknown) {
    this.error = error
  }
}

/** An error that no `try` catches. */
export class HaltError extends Error {
  constructor(value: Json) {
    super(`halt error: ${typeof value === 'string' ? value : jsonText(value)}`)
    this.name = 'HaltError'
  }
}

export function piped(left: Code, right: Code): Code {
  return (env, input, path, emit) => left(env, input, path, (value, at) => right(env, value, at, emit))
}

export function listed(left: Code, right: Code): Code {
  return (env, input, path, emit) => {
    left(env, input, path, emit)
    right(env, input, path, emit)
  }
}

export function constant(value: Json): Code {
  return (_env, _input, _path, emit) => emit(value, undefined)
}

/** Calls a function for every combination of its arguments' values, with the last argument varying slowest. */
export function applied(
  codes: readonly Code[],
  run: (input: Json, values: readonly Json[]) => Json,
  done: (result: Json, path: Path, emit: Emit) => void,
): Code {
  const [only] = codes
  if (only === undefined) return (_env, input, path, emit) => done(run(input, []), path, emit)
  if (codes.length === 1) {
    return (env, input, path, emit) => only(env, input, undefined, value => done(run(input, [value]), path, emit))
  }
  const fill = (
    env: Env,
    input: Json,
    at: number,
    values: readonly Json[],
    full: (values: readonly Json[]) => void,
  ): void => {
    if (at < 0) return full(values)
    codes[at]!(env, input, undefined, value => fill(env, input, at - 1, [value, ...values], full))
  }
  return (env, input, path, emit) =>
    fill(env, input, codes.length - 1, [], values => done(run(input, values), path, emit))
}

/** Extends an environment with arguments and, for those that are values, once for each of their values. */
export function enter(
  env: Env,
  input: Json,
  closures: readonly Closure[],
  values: readonly number[],
  done: (env: Env) => void,
): void {
  let bound = env
  for (const closure of closures) bound = { outer: bound, value: closure }
  const bindFrom = (at: number, current: Env): void => {
    const index = values[at]
    if (index === undefined) return done(current)
    const { code, env: place } = closures[index]!
    // The environment is undefined only in an empty program, which has no closures.
    code(place as Env, input, undefined, value => bindFrom(at + 1, { outer: current, value }))
  }
  bindFrom(0, bound)
}

export type Guarded = (run: () => void) => void

/** Runs `body` and passes its errors to `recover`, except those that occur in code run by `guarded`. */
export function protectedRun(body: (guarded: Guarded) => void, recover: (error: JqError) => void): void {
  try {
    body(run => {
      try {
        run()
      } catch (error) {
        throw new Passing(error)
      }
    })
  } catch (error) {
    if (error instanceof Passing) throw error.error
    if (!(error instanceof JqError)) throw error
    recover(error)
  }
}

export function breakable(body: (label: Label) => void): void {
  const label = new Label()
  try {
    body(label)
  } catch (error) {
    if (!isBreakOf(label, error)) throw error
  }
}

/** A break may pass through any number of `try`. */
function isBreakOf(label: Label, error: unknown): boolean {
  return error instanceof Break && error.label === label
}

export function firstOf(run: (emit: Emit) => void): Json | undefined {
  return firstWithPath(run)?.value
}

export function firstWithPath(run: (emit: Emit) => void): { value: Json; path: Path } | undefined {
  let found: { value: Json; path: Path } | undefined
  breakable(label =>
    run((value, path) => {
      found = { value, path }
      throw new Break(label)
    }),
  )
  return found
}

export function fail(value: Json): never {
  throw new JqError(`error: ${typeof value === 'string' ? value : jsonText(value)}`, value)
}

export function optional(run: () => Json): Json {
  try {
    return run()
  } catch (error) {
    if (error instanceof JqError) return null
    throw error
  }
}

export function stray(path: Path): Path {
  return path === undefined ? undefined : STRAY
}

export function below(path: Path, value: Json, key: Json): Path {
  if (path === undefined) return undefined
  if (path === STRAY) throw new JqError(`invalid path against: ${typedPreview(value)}`)
  return { step: { before: path === ROOT ? undefined : path.step, key } }
}

export function keysOf(path: Path, value: Json): readonly Json[] {
  if (path === STRAY) throw new JqError(`invalid path against: ${typedPreview(value)}`)
  const keys: Json[] = []
  if (typeof path === 'object')
    for (let step: Step | undefined = path.step; step !== undefined; step = step.before) keys.push(step.key)
  return keys.toReversed()
}

export function outward(env: Env, hops: number): Env {
  let at = env
  for (let hop = 0; hop < hops; hop++) at = at.outer!
  return at
}

export function outerEnv(env: Env, hops: number): Env | undefined {
  let at: Env | undefined = env
  for (let hop = 0; hop < hops; hop++) at = at!.outer
  return at
}
