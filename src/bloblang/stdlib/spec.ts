import type { Capability } from '../../base/index.ts'
import type { Value, ValueObject } from '../value.ts'
import type { MessageView } from '../message-view.ts'
import type { MetadataDraft } from '../metadata-draft.ts'

/** The type of a parameter, as the reference prints it. A `query` argument is passed as an unevaluated function. */
type ParamType = 'string' | 'integer' | 'float' | 'bool' | 'array' | 'object' | 'timestamp' | 'unknown' | 'query'

/** A parameter of a function or method. */
export interface Param {
  readonly name: string
  readonly type: ParamType
  readonly description: string
  readonly optional?: boolean
  readonly default?: string | number | boolean | bigint
  /** A `query` or other argument that must be known when the mapping is parsed (no dynamic value). */
  readonly static?: boolean
}

/**
 * The arguments in the order of `params`, after checks and defaults; an omitted optional one is `undefined`.
 * `string` → string, `integer` → bigint, `float` → number, `bool` → boolean, `query` → {@link Query}, others → Value.
 */
export type Args = readonly (Value | Query | undefined)[]

interface ArgumentTypes {
  readonly string: string
  readonly integer: bigint
  readonly float: number
  readonly bool: boolean
  readonly query: Query
  readonly array: Value
  readonly object: Value
  readonly timestamp: Value
  readonly unknown: Value
}

/** The arguments of a callable with these parameters; a variadic one declares none and accepts any. */
type ArgsOf<Params extends readonly Param[]> = number extends Params['length']
  ? Args
  : Params extends readonly []
    ? Args
    : {
        readonly [Index in keyof Params]:
          | ArgumentTypes[Params[Index]['type']]
          | (Params[Index] extends { readonly default: unknown }
              ? never
              : Params[Index] extends { readonly optional: true }
                ? undefined
                : never)
      }

/** An unevaluated argument: a lambda or an expression, applied with `context` as its `this`. */
export interface Query {
  (context: Value): Value
  /** Its name in error texts: ``field `x.b` ``, `method uppercase`. */
  readonly annotation?: string
}

/**
 * The context that a running mapping provides to functions, and to the few methods that need more than their target.
 */
export interface CallContext {
  readonly batch: readonly MessageView[]
  readonly index: number
  /** The document of `batch[index]`, or the parts that calls read. Throws `MappingError` if there is none. */
  messageDocument(): Value
  /** The value of `this` at the call; undefined if there is none. */
  readonly context: Value | undefined
  readonly variables: ReadonlyMap<string, Value>
  /** The metadata of the message under construction; null or absent if the call has none. */
  readonly draft?: MetadataDraft | null
}

/** A mapping's access to the outside: the clock, random numbers, files, environment variables, caches. */
export interface Host {
  /**
   * Why a capability, or one `target` of it (a path, the name of a variable), is refused; undefined if it is granted.
   * Without this function everything is granted.
   */
  refusal?(capability: Capability, target?: string): string | undefined
  /** Nanoseconds since 1970. */
  now(): bigint
  random(): number
  randomBytes(count: number): Uint8Array
  env(name: string): string | undefined
  /** Throws an `Error` whose message is shown to the user: `open x: no such file or directory`. */
  readFile(path: string): Uint8Array
  hostname(): string
  /** Reads a file relative to the mapping; if absent, paths are resolved like those of `readFile`. */
  readRelativeFile?(path: string): Uint8Array
  /** The cache resource with this label; undefined if there is none. */
  cache?(resource: string): CacheAccess | undefined
}

/** A cache for use by mappings. Failures are thrown as `MappingError`. */
export interface CacheAccess {
  /** Undefined if there is no such key. */
  get(key: string): Uint8Array | undefined
  set(key: string, value: Uint8Array): void
  /** Sets the value unless the key exists; returns whether it was set. */
  add(key: string, value: Uint8Array): boolean
  delete(key: string): void
}

/** `[mapping, input document, output document]`; the output may be `{ error }` or `'deleted'`. Each runs as a test. */
export type Example = readonly [mapping: string, input: string, output: string | { readonly error: string }]

interface CallableSpec<Params extends readonly Param[] = readonly Param[]> {
  readonly name: string
  readonly categories: readonly string[]
  readonly status: 'stable' | 'beta' | 'experimental' | 'deprecated' | 'hidden'
  /** Markdown, in our own words. */
  readonly description: string
  readonly params: Params
  readonly examples: readonly Example[]
  /** The capability that it requires; its first argument names the file or variable. */
  readonly needs?: Capability
  /**
   * Whether it reads or changes anything outside the mapping: not allowed in `.bloblang()` or sandboxes, never folded.
   */
  readonly impure?: boolean
  /** Accepts any number of unnamed arguments of any type (`format`); `params` is empty, and `args` has them all. */
  readonly variadic?: boolean
  /**
   * Its errors are reported bare: without ``field `this.a`: `` before the text and without `from …` after a wrong type.
   * The original does this for everything registered through its public plugin API. `'messages'`: only texts are bare,
   * a `WrongTypeError` still gets its `from …` (`sort`, `merge`, `set` …).
   */
  readonly bareErrors?: boolean | 'messages'
  /**
   * Evaluated when the mapping is parsed if target and arguments are literals: a failure is then a parse error, which
   * `catch` cannot handle. The original does this for plugins marked as static. A function may decide by its arguments.
   */
  readonly folds?: boolean | ((args: ArgsOf<Params>) => boolean)
}

/** A function: one file of `functions/`. */
export interface FunctionSpec<Params extends readonly Param[] = readonly Param[]> extends CallableSpec<Params> {
  /** Called once if all arguments are known at parse time, otherwise at each call. Throws `MappingError`. */
  readonly create: (args: ArgsOf<Params>, host: Host) => (call: CallContext) => Value
  /** The path that a call reads of `messageDocument()`; if the arguments are not constant, it may read all of it. */
  readonly readsDocument?: (args: ArgsOf<Params>) => readonly string[]
}

/** A method: one file of `methods/`. */
export interface MethodSpec<Params extends readonly Param[] = readonly Param[]> extends CallableSpec<Params> {
  /**
   * Called once if all arguments are known at parse time, else at each call. Throws `MappingError`, `WrongTypeError`.
   */
  readonly create: (args: ArgsOf<Params>, host: Host) => (target: Value, call: CallContext) => Value
  /**
   * Set if the method itself decides what happens when its target fails (`catch`, `or`, `exists`, `from` …): it
   * receives the target unevaluated.
   */
  readonly lazyTarget?: (target: () => Value, args: ArgsOf<Params>, call: CallContext) => Value
}

/** The default export of `functions/<name>.ts`. */
export function defineFunction<const Params extends readonly Param[]>(spec: FunctionSpec<Params>): FunctionSpec {
  // The compiler checks arguments against `params` before passing them.
  return spec as unknown as FunctionSpec
}

/** The default export of `methods/<name>.ts`. */
export function defineMethod<const Params extends readonly Param[]>(spec: MethodSpec<Params>): MethodSpec {
  // The compiler checks arguments against `params` before passing them.
  return spec as unknown as MethodSpec
}

/** A method under a former name. The examples remain with the current name. */
export function underOldName(name: string, method: MethodSpec): MethodSpec {
  const description = `The old name of \`${method.name}\`. ${method.description}`
  return { ...method, name, description, examples: [] }
}

export type { Value, ValueObject }
