import {
  applied,
  below,
  Break,
  breakable,
  type Closure,
  type Code,
  constant,
  type Emit,
  enter,
  type Env,
  fail,
  firstOf,
  firstWithPath,
  HaltError,
  keysOf,
  type Label,
  listed,
  optional,
  outerEnv,
  outward,
  type Path,
  piped,
  protectedRun,
  ROOT,
  STRAY,
  stray,
} from './code.ts'
import { limitCode, nthCode, rangeCode, recurseCode, untilCode, whileCode } from './loops.ts'
import { patternBinder } from './patterns.ts'
import { functionIn, hopsTo, JqCompileError, type Scope, type UserFunction, withEntry, withParams } from './scope.ts'
import { define, isArray, isMap, isNumber, JqError, type Json, type JsonObject, typedPreview } from './json.ts'
import { formatted } from './formats.ts'
import { keyedFunctions, plainFunctions, refuse, spreads } from './functions.ts'
import { isTrue, negate, operators, plus } from './operators.ts'
import { parseQuery } from './parse.ts'
import { deletePaths, getPath, indexed, setPath, sliced } from './paths.ts'
import { preludeDefinitions } from './prelude.ts'
import { capturedBy } from './regex.ts'
import type { AssignOperator, Definition, Pattern, Query, TextPart } from './syntax.ts'

export interface CompileOptions {
  /** The names of the variables that every run receives. */
  readonly variables: readonly string[]
  /** Functions that access something outside the query, by name and number of arguments. */
  readonly functions: Readonly<Record<string, (input: Json, ...args: Json[]) => Json>>
  /** The maximum number of steps of a run. */
  readonly maxSteps: number
}

/** A compiled query. Returns its results; throws `JqError` or {@link HaltError}. */
export type Program = (input: Json, variables: readonly Json[]) => readonly Json[]

/** Compiles a query. Throws `JqSyntaxError` or {@link JqCompileError}. */
export function compileQuery(source: string, options: CompileOptions): Program {
  const query = parseQuery(source)
  const compiler = new Compiler(options)
  const code = compiler.program(query)
  return (input, variables) => {
    compiler.steps = options.maxSteps
    let env: Env | undefined
    for (const value of variables) env = { outer: env, value }
    const results: Json[] = []
    try {
      // Undefined only if there are no variables, in which case it is never accessed.
      code(env as Env, input, undefined, value => {
        results.push(value)
      })
    } catch (error) {
      throw failureOf(error)
    }
    return results
  }
}

function failureOf(error: unknown): unknown {
  if (error instanceof Break) return new JqError('break')
  if (error instanceof RangeError) return new JqError('the query recurses too deeply, or makes too much')
  return error
}

class Compiler {
  steps = 0
  readonly #options: CompileOptions

  constructor(options: CompileOptions) {
    this.#options = options
  }

  program(query: Query): Code {
    let scope: Scope | undefined
    for (const name of this.#options.variables) scope = withEntry(scope, { kind: 'variable', name })
    // The prelude refers to no variables: its functions are compiled for the size of the environment where they are
    // defined.
    for (const definition of preludeDefinitions()) scope = this.#defined(definition, scope)
    return this.#compile(query, scope)
  }

  #tick(): void {
    if (--this.steps < 0) throw new HaltError(`the query took more than ${this.#options.maxSteps} steps`)
  }

  #compile(query: Query, scope: Scope | undefined): Code {
    switch (query.kind) {
      case 'identity':
        return (_env, input, path, emit) => emit(input, path)
      case 'literal':
        return (_env, _input, path, emit) => emit(query.value, stray(path))
      case 'text':
        return this.#text(query.format ?? '@text', query.parts, scope)
      case 'format':
        return (_env, input, path, emit) => emit(formatted(query.name, input), stray(path))
      case 'index':
        return this.#index(query, scope)
      case 'slice':
        return this.#slice(query, scope)
      case 'iterate':
        return this.#iterate(this.#compile(query.target, scope))
      case 'array':
        return this.#array(query.body, scope)
      case 'object':
        return this.#object(query.entries, scope)
      case 'sign':
        return this.#sign(query.operator === '-' ? negate : plus, this.#compile(query.operand, scope))
      case 'pipe':
        return piped(this.#compile(query.left, scope), this.#compile(query.right, scope))
      case 'comma':
        return listed(this.#compile(query.left, scope), this.#compile(query.right, scope))
      case 'binary':
        return this.#binary(query, scope)
      case 'assign':
        return this.#assign(query.operator, query.left, query.right, scope)
      case 'if':
        return this.#condition(query, scope)
      case 'try':
        return this.#attempt(query, scope)
      case 'reduce':
        return this.#reduce(query, scope)
      case 'foreach':
        return this.#foreach(query, scope)
      case 'define':
        return this.#compile(query.rest, this.#defined(query.definition, scope))
      case 'bind':
        return this.#binding(query, scope)
      case 'label':
        return this.#label(query, scope)
      case 'break':
        return breakOf(query.name, scope)
      case 'variable':
        return this.#variable(query.name, scope)
      case 'call':
        return this.#call(query.name, query.args, scope)
      default:
        return query satisfies never
    }
  }

  #text(format: string, parts: readonly TextPart[], scope: Scope | undefined): Code {
    const codes = parts.map(part => (typeof part === 'string' ? part : this.#compile(part, scope)))
    const fill = (env: Env, input: Json, at: number, tail: string, done: (text: string) => void): void => {
      if (at < 0) return done(tail)
      const part = codes[at]!
      if (typeof part === 'string') return fill(env, input, at - 1, part + tail, done)
      part(env, input, undefined, value => fill(env, input, at - 1, formatted(format, value) + tail, done))
    }
    return (env, input, path, emit) => fill(env, input, codes.length - 1, '', text => emit(text, stray(path)))
  }

  #index({ target, key }: { readonly target: Query; readonly key: Query }, scope: Scope | undefined): Code {
    const from = this.#compile(target, scope)
    if (key.kind === 'literal') {
      const constant = key.value
      return (env, input, path, emit) =>
        from(env, input, path, (value, at) => emit(indexed(value, constant), below(at, value, constant)))
    }
    const keys = this.#compile(key, scope)
    return (env, input, path, emit) =>
      keys(env, input, undefined, key =>
        from(env, input, path, (value, at) => emit(indexed(value, key), below(at, value, key))),
      )
  }

  #slice(query: Extract<Query, { kind: 'slice' }>, scope: Scope | undefined): Code {
    const target = this.#compile(query.target, scope)
    const none: Code = (_env, _input, _path, emit) => emit(null, undefined)
    const from = query.from === undefined ? none : this.#compile(query.from, scope)
    const to = query.to === undefined ? none : this.#compile(query.to, scope)
    return (env, input, path, emit) =>
      from(env, input, undefined, start =>
        to(env, input, undefined, end =>
          target(env, input, path, (value, at) => emit(sliced(value, start, end), below(at, value, { start, end }))),
        ),
      )
  }

  #iterate(target: Code): Code {
    return (env, input, path, emit) =>
      target(env, input, path, (value, at) => {
        if (at === STRAY) throw new JqError(`invalid path on iterating against: ${typedPreview(value)}`)
        this.#spread(value, at, emit)
      })
  }

  #spread(value: Json, at: Path, emit: Emit): void {
    if (isMap(value)) {
      for (const key of Object.keys(value).toSorted()) {
        this.#tick()
        emit(value[key]!, below(at, value, key))
      }
      return
    }
    if (!isArray(value)) throw new JqError(`cannot iterate over: ${typedPreview(value)}`)
    for (let index = 0; index < value.length; index++) {
      this.#tick()
      emit(value[index]!, below(at, value, index))
    }
  }

  #array(body: Query | undefined, scope: Scope | undefined): Code {
    if (body === undefined) return (_env, _input, path, emit) => emit([], stray(path))
    const code = this.#compile(body, scope)
    return (env, input, path, emit) => emit(this.#all(code, env, input), stray(path))
  }

  /** Collects all results of code. */
  #all(code: Code, env: Env, input: Json): Json[] {
    const results: Json[] = []
    code(env, input, undefined, value => {
      this.#tick()
      results.push(value)
    })
    return results
  }

  #object(entries: Extract<Query, { kind: 'object' }>['entries'], scope: Scope | undefined): Code {
    const codes = entries.map(({ key, value }) => [this.#compile(key, scope), this.#compile(value, scope)] as const)
    const fill = (env: Env, input: Json, at: number, made: JsonObject, done: (object: JsonObject) => void): void => {
      const entry = codes[at]
      if (entry === undefined) return done(made)
      entry[0](env, input, undefined, key => {
        if (typeof key !== 'string') throw new JqError(`expected a string for object key but got: ${typedPreview(key)}`)
        entry[1](env, input, undefined, value => {
          const object: Record<string, Json> = { ...made }
          define(object, key, value)
          fill(env, input, at + 1, object, done)
        })
      })
    }
    return (env, input, path, emit) => fill(env, input, 0, {}, object => emit(object, stray(path)))
  }

  #sign(run: (value: Json) => Json, operand: Code): Code {
    return (env, input, path, emit) => operand(env, input, undefined, value => emit(run(value), stray(path)))
  }

  #binary({ operator, left, right }: Extract<Query, { kind: 'binary' }>, scope: Scope | undefined): Code {
    const first = this.#compile(left, scope)
    const second = this.#compile(right, scope)
    if (operator === '//') return this.#alternative(first, second)
    if (operator === 'and' || operator === 'or') {
      const ends = operator === 'or'
      return (env, input, path, emit) =>
        first(env, input, undefined, value => {
          if (isTrue(value) === ends) return emit(ends, stray(path))
          second(env, input, undefined, other => emit(isTrue(other), stray(path)))
        })
    }
    const run = operators[operator]
    return (env, input, path, emit) =>
      second(env, input, undefined, other =>
        first(env, input, undefined, value => emit(run(value, other), stray(path))),
      )
  }

  #alternative(first: Code, second: Code): Code {
    return (env, input, path, emit) => {
      // An error on the left side is that of the query, as in gojq; jq itself uses the right side then.
      let found = false
      first(env, input, path, (value, at) => {
        if (!isTrue(value)) return
        found = true
        emit(value, at)
      })
      if (!found) second(env, input, path, emit)
    }
  }

  #assign(operator: AssignOperator, left: Query, right: Query, scope: Scope | undefined): Code {
    const places = this.#compile(left, scope)
    const values = this.#compile(right, scope)
    if (operator === '|=') {
      return (env, input, path, emit) =>
        emit(
          this.#modified(places, env, input, (value, emitNew) => values(env, value, undefined, emitNew)),
          stray(path),
        )
    }
    const fixed = operator === '=' ? fixedPath(left) : undefined
    if (fixed !== undefined) {
      return (env, input, path, emit) =>
        values(env, input, undefined, value => emit(setPath(input, fixed, value), stray(path)))
    }
    if (operator === '=') {
      return (env, input, path, emit) =>
        values(env, input, undefined, value => {
          let result = input
          for (const place of this.#paths(places, env, input)) result = setPath(result, place, value)
          emit(result, stray(path))
        })
    }
    // Without its `=`, an update operator is one of the operators.
    const run = operators[operator.slice(0, -1) as keyof typeof operators]
    return (env, input, path, emit) =>
      values(env, input, undefined, other =>
        emit(
          this.#modified(places, env, input, (value, emitNew) => emitNew(run(value, other), undefined)),
          stray(path),
        ),
      )
  }

  /** The input with the first result of `change` at each path; where there is no result, the path is deleted. */
  #modified(places: Code, env: Env, input: Json, change: (value: Json, emit: Emit) => void): Json {
    let result = input
    const gone: Json[] = []
    for (const place of this.#paths(places, env, input)) {
      const replacement = firstOf(emit => change(getPath(result, place), emit))
      if (replacement === undefined) gone.push(place)
      else result = setPath(result, place, replacement)
    }
    return deletePaths(result, gone)
  }

  /** The paths of all results. */
  #paths(code: Code, env: Env, input: Json): readonly (readonly Json[])[] {
    const paths: (readonly Json[])[] = []
    code(env, input, ROOT, (value, path) => {
      this.#tick()
      paths.push(keysOf(path, value))
    })
    return paths
  }

  #condition({ condition, yes, no }: Extract<Query, { kind: 'if' }>, scope: Scope | undefined): Code {
    const test = this.#compile(condition, scope)
    const then = this.#compile(yes, scope)
    const otherwise: Code = no === undefined ? (_env, input, path, emit) => emit(input, path) : this.#compile(no, scope)
    return (env, input, path, emit) =>
      test(env, input, undefined, value => (isTrue(value) ? then : otherwise)(env, input, path, emit))
  }

  #attempt({ body, handler }: Extract<Query, { kind: 'try' }>, scope: Scope | undefined): Code {
    const code = this.#compile(body, scope)
    const recover = handler === undefined ? undefined : this.#compile(handler, scope)
    return (env, input, path, emit) =>
      protectedRun(
        guarded => code(env, input, path, (value, at) => guarded(() => emit(value, at))),
        error => recover?.(env, error.value, stray(path), emit),
      )
  }

  #reduce(query: Extract<Query, { kind: 'reduce' }>, scope: Scope | undefined): Code {
    const source = this.#compile(query.source, scope)
    const start = this.#compile(query.start, scope)
    const [bind, inner] = this.#binder(query.patterns, scope)
    const update = this.#compile(query.update, inner)
    return (env, input, path, emit) =>
      start(env, input, path, (initial, initialPath) => {
        let state = initial
        let at = initialPath
        source(env, input, undefined, item => {
          this.#tick()
          bind(env, item, bound =>
            update(bound, state, at, (value, valuePath) => {
              state = value
              at = valuePath
            }),
          )
        })
        emit(state, at)
      })
  }

  #foreach(query: Extract<Query, { kind: 'foreach' }>, scope: Scope | undefined): Code {
    const source = this.#compile(query.source, scope)
    const start = this.#compile(query.start, scope)
    const [bind, inner] = this.#binder(query.patterns, scope)
    const update = this.#compile(query.update, inner)
    const extract = query.extract === undefined ? undefined : this.#compile(query.extract, inner)
    return (env, input, path, emit) =>
      start(env, input, path, (initial, initialPath) => {
        let state = initial
        let at = initialPath
        source(env, input, undefined, item => {
          this.#tick()
          bind(env, item, bound =>
            update(bound, state, at, (value, valuePath) => {
              state = value
              at = valuePath
              if (extract === undefined) emit(value, valuePath)
              else extract(bound, value, valuePath, emit)
            }),
          )
        })
      })
  }

  #binding({ source, patterns, body }: Extract<Query, { kind: 'bind' }>, scope: Scope | undefined): Code {
    const from = this.#compile(source, scope)
    const [bind, inner] = this.#binder(patterns, scope)
    const code = this.#compile(body, inner)
    return (env, input, path, emit) =>
      from(env, input, undefined, value =>
        bind(env, value, (bound, guarded) =>
          code(bound, input, path, (result, at) => {
            if (guarded === undefined) emit(result, at)
            else guarded(() => emit(result, at))
          }),
        ),
      )
  }

  /** Returns what binds a value to the variables of patterns, and the extended scope. */
  #binder(patterns: readonly Pattern[], scope: Scope | undefined): ReturnType<typeof patternBinder> {
    return patternBinder(patterns, scope, (query, inner) => this.#compile(query, inner))
  }

  #label({ name, body }: Extract<Query, { kind: 'label' }>, scope: Scope | undefined): Code {
    const code = this.#compile(body, withEntry(scope, { kind: 'label', name }))
    return (env, input, path, emit) => breakable(label => code({ outer: env, value: label }, input, path, emit))
  }

  #variable(name: string, scope: Scope | undefined): Code {
    const hops = hopsTo(scope, entry => entry.kind === 'variable' && entry.name === name)
    if (hops === undefined) {
      if (name === 'ENV') return (_env, _input, path, emit) => emit({}, stray(path))
      throw new JqCompileError(`variable not defined: $${name}`)
    }
    return (env, _input, path, emit) => emit(outward(env, hops).value as Json, stray(path)) // a variable holds a value
  }

  #defined(definition: Definition, scope: Scope | undefined): Scope {
    let code: Code | undefined
    const inScope: { scope?: Scope } = {}
    const made: UserFunction = {
      name: definition.name,
      params: definition.params,
      depth: scope?.depth ?? 0,
      code: () => {
        if (code !== undefined) return code
        // While the function is being compiled, recursive calls refer to a body that is filled in afterwards.
        let body: Code | undefined
        code = (env, input, path, emit) => body!(env, input, path, emit)
        body = this.#compile(definition.body, withParams(inScope.scope!, definition.params))
        code = body
        return code
      },
    }
    inScope.scope = { outer: scope, depth: made.depth, entry: { kind: 'function', function: made } }
    return inScope.scope
  }

  #call(name: string, args: readonly Query[], scope: Scope | undefined): Code {
    const found = functionIn(scope, name, args.length)
    if (found === undefined) return this.#builtin(name, args, scope)
    if (found.kind === 'argument') {
      return (env, input, path, emit) => {
        const closure = outward(env, found.hops).value as Closure // an argument holds a closure
        closure.code(closure.env as Env, input, path, emit)
      }
    }
    const { function: callee, hops } = found
    const codes = args.map(arg => this.#compile(arg, scope))
    const body = callee.code()
    const values = callee.params.flatMap((param, at) => (param.startsWith('$') ? [at] : []))
    return (env, input, path, emit) => {
      this.#tick()
      const closures = codes.map((code): Closure => ({ code, env }))
      const outer = hops === 0 ? env : (outerEnv(env, hops) as Env) // there are as many scopes as were counted
      enter(outer, input, closures, values, bound => body(bound, input, path, emit))
    }
  }

  #builtin(name: string, args: readonly Query[], scope: Scope | undefined): Code {
    const key = `${name}/${args.length}`
    if (name === 'input' && args.length === 0) throw new JqCompileError('input(s)/0 is not allowed')
    const codes = args.map(arg => this.#compile(arg, scope))
    const special = this.#special(key, codes)
    if (special !== undefined) return special
    if (Object.hasOwn(keyedFunctions, key)) return this.#keyed(keyedFunctions[key]!, codes[0]!)
    const plain = Object.hasOwn(plainFunctions, key) ? plainFunctions[key] : ownOf(this.#options.functions, key)
    if (plain === undefined) throw new JqCompileError(`function not defined: ${key}`)
    if (key === 'getpath/1') return this.#getPath(codes[0]!)
    if (spreads.has(key)) {
      return applied(
        codes,
        (input, values) => plain(input, ...values),
        (list, path, emit) => this.#spread(list, stray(path), emit),
      )
    }
    return applied(
      codes,
      (input, values) => plain(input, ...values),
      (value, path, emit) => emit(value, stray(path)),
    )
  }

  #keyed(run: (typeof keyedFunctions)[string], key: Code): Code {
    return (env, input, path, emit) =>
      emit(
        run(input, list => list.map(item => this.#all(key, env, item))),
        stray(path),
      )
  }

  #getPath(paths: Code): Code {
    return (env, input, path, emit) =>
      paths(env, input, undefined, keys => {
        if (path === undefined || path === STRAY) return emit(getPath(input, keys), path)
        let at: Path = path
        if (isArray(keys)) for (const key of keys) at = below(at, null, key)
        emit(
          optional(() => getPath(input, keys)),
          at,
        )
      })
  }

  /** Functions that take their arguments as code, or that preserve paths. */
  #special(key: string, [first, second, third]: readonly Code[]): Code | undefined {
    const tick = () => this.#tick()
    switch (key) {
      case 'empty/0':
        return () => {}
      case 'not/0':
        return (_env, input, path, emit) => emit(!isTrue(input), stray(path))
      case 'error/0':
        return (_env, input) => fail(input)
      case 'error/1':
        return (env, input) => first!(env, input, undefined, fail)
      case 'halt/0':
        return () => {
          throw new HaltError(null)
        }
      case 'halt_error/0':
        return (_env, input) => {
          throw new HaltError(input)
        }
      case 'halt_error/1':
        return (env, input) =>
          first!(env, input, undefined, code => {
            if (!isNumber(code)) refuse('halt_error', code)
            throw new HaltError(input)
          })
      case 'env/0':
        return (_env, _input, path, emit) => emit({}, stray(path))
      case 'builtins/0':
        return (_env, _input, path, emit) => emit(builtinNames(this.#options), stray(path))
      case 'map/1':
        return (env, input, path, emit) => {
          const results: Json[] = []
          this.#spread(input, undefined, item =>
            first!(env, item, undefined, value => {
              results.push(value)
            }),
          )
          emit(results, stray(path))
        }
      case 'path/1':
        return (env, input, path, emit) => {
          first!(env, input, ROOT, (value, at) => emit(keysOf(at, value), stray(path)))
        }
      case 'recurse/0':
        return recurseCode(tick, (_env, value, at, emit) => {
          if (typeof value === 'object' && value !== null) this.#spread(value, at, emit)
        })
      case 'recurse/1':
        return recurseCode(tick, first!)
      case 'recurse/2':
        return recurseCode(tick, (env, value, at, emit) =>
          first!(env, value, at, (next, nextAt) =>
            second!(env, next, undefined, holds => {
              if (isTrue(holds)) emit(next, nextAt)
            }),
          ),
        )
      case 'range/1':
        return rangeCode(tick, constant(0), first!, constant(1))
      case 'range/2':
        return rangeCode(tick, first!, second!, constant(1))
      case 'range/3':
        return rangeCode(tick, first!, second!, third!)
      case 'repeat/1':
        return (env, input, path, emit) => {
          for (;;) {
            this.#tick()
            first!(env, input, path, emit)
          }
        }
      case 'while/2':
        return whileCode(tick, first!, second!)
      case 'until/2':
        return untilCode(tick, first!, second!)
      case 'first/1':
        return (env, input, path, emit) => {
          const found = firstWithPath(emitFirst => first!(env, input, path, emitFirst))
          if (found !== undefined) emit(found.value, found.path)
        }
      case 'last/1':
        return (env, input, path, emit) => {
          let found: { value: Json; path: Path } | undefined
          first!(env, input, path, (value, at) => {
            found = { value, path: at }
          })
          if (found !== undefined) emit(found.value, found.path)
          else emit(null, path)
        }
      case 'isempty/1':
        return (env, input, path, emit) =>
          emit(firstOf(emitFirst => first!(env, input, undefined, emitFirst)) === undefined, stray(path))
      case 'limit/2':
        return limitCode(first!, second!)
      case 'nth/2':
        return nthCode(first!, second!)
      case '_captured/0':
        // Only the definition of `capture` calls this, with results of `match`.
        return (_env, input, path, emit) => emit(capturedBy(input as never), stray(path))
      default:
        return undefined
    }
  }
}

/** The path of a query that consists of names and numbers only; undefined for any other. */
function fixedPath(query: Query): readonly Json[] | undefined {
  if (query.kind === 'identity') return []
  if (query.kind !== 'index' || query.key.kind !== 'literal') return undefined
  const before = fixedPath(query.target)
  return before && [...before, query.key.value]
}

function breakOf(name: string, scope: Scope | undefined): Code {
  const hops = hopsTo(scope, entry => entry.kind === 'label' && entry.name === name)
  if (hops === undefined) throw new JqCompileError(`label not defined: $${name}`)
  return env => {
    throw new Break(outward(env, hops).value as Label) // a label entry holds a label
  }
}

function ownOf<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined
}

function builtinNames({ functions }: CompileOptions): readonly string[] {
  const defined = preludeDefinitions().map(({ name, params }) => `${name}/${params.length}`)
  return [
    ...Object.keys(plainFunctions),
    ...Object.keys(keyedFunctions),
    ...Object.keys(functions),
    ...defined,
    ...SPECIAL,
  ]
}

const SPECIAL =
  'empty/0 not/0 error/0 error/1 halt/0 halt_error/0 halt_error/1 env/0 builtins/0 map/1 path/1 recurse/0 recurse/1 recurse/2 range/1 range/2 range/3 repeat/1 while/2 until/2 first/1 last/1 isempty/1 limit/2 nth/2'.split(
    ' ',
  )
