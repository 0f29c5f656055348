import type { Capability } from '../../base/index.ts'
import type { Value, ValueObject } from '../value.ts'
import type { MessageView } from '../message-view.ts'
import type { MetadataDraft } from '../metadata-draft.ts'

/** The type of a parameter, as the reference prints it. A `query` argument is not evaluated but handed over as a function. */
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
 * The arguments in the order of `params`, after checks and defaults; an absent optional one is `undefined`.
 * `string` → string, `integer` → bigint, `float` → number, `bool` → boolean, `query` → {@link Query}, all others → Value.
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

/** The arguments of a callable that declares these parameters; a variadic one declares none and takes any. */
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

/** An unevaluated argument: a lambda or an expression, applied to `context` as its `this`. */
export interface Query {
  (context: Value): Value
  /** What error texts call it: ``field `x.b` ``, `method uppercase`. */
  readonly annotation?: string
}

/** What a running mapping offers to functions and to the few methods that look beyond their target. */
export interface CallContext {
  readonly batch: readonly MessageView[]
  readonly index: number
  /** The document of `batch[index]`, as far as the calls of the mapping read it. Throws `MappingError` where it is none. */
  messageDocument(): Value
  /** The value of `this` where the call stands; undefined where there is none. */
  readonly context: Value | undefined
  readonly variables: ReadonlyMap<string, Value>
  /** The metadata of the message being made; null or absent where a call sees none. */
  readonly draft?: MetadataDraft | null
}

/** What a mapping reaches outside of itself: the clock, random numbers, files, environment variables, caches. */
export interface Host {
  /**
   * Why a capability, or one `target` of it (a path, the name of a variable), may not be used; undefined where it may. Without
   * it everything may be used.
   */
  refusal?(capability: Capability, target?: string): string | undefined
  /** Nanoseconds since 1970. */
  now(): bigint
  random(): number
  randomBytes(count: number): Uint8Array
  env(name: string): string | undefined
  /** Throws an `Error` whose message is what the user reads: `open x: no such file or directory`. */
  readFile(path: string): Uint8Array
  hostname(): string
  /** Reads a file beside the mapping; without it paths are resolved like those of `readFile`. */
  readRelativeFile?(path: string): Uint8Array
  /** The cache resource of this label; undefined where there is none. */
  cache?(resource: string): CacheAccess | undefined
}

/** A cache as mappings use it. Failures are thrown as `MappingError`. */
export interface CacheAccess {
  /** Undefined where there is no such key. */
  get(key: string): Uint8Array | undefined
  set(key: string, value: Uint8Array): void
  /** Sets the value unless the key exists; says whether it did. */
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
  /** What it reaches outside of the mapping; its first argument says which file or variable. */
  readonly needs?: Capability
  /** Reads or changes something outside the mapping: not allowed in `.bloblang()` nor in sandboxes, never folded. */
  readonly impure?: boolean
  /** Takes any number of unnamed arguments of any type (`format`); `params` is empty then and all of them are in `args`. */
  readonly variadic?: boolean
  /**
   * Its errors reach the user bare: no ``field `this.a`: `` before the text, no `from …` behind a wrong type. So the original
   * treats everything that it registers through its public plugin door. `'messages'`: only the texts stay bare, a
   * `WrongTypeError` still gets its `from …` (`sort`, `merge`, `set` …).
   */
  readonly bareErrors?: boolean | 'messages'
  /**
   * Evaluated when the mapping is parsed, where target and arguments are literals: its failure is then a parse error that no
   * `catch` saves. So the original treats the plugins that it marks as static. A function may decide by its arguments.
   */
  readonly folds?: boolean | ((args: ArgsOf<Params>) => boolean)
}

/** A function: one file of `functions/`. */
export interface FunctionSpec<Params extends readonly Param[] = readonly Param[]> extends CallableSpec<Params> {
  /** Called once where all arguments are known at parse time, else at each call. Throws `MappingError`. */
  readonly create: (args: ArgsOf<Params>, host: Host) => (call: CallContext) => Value
  /** The path that a call reads of `messageDocument()`; where its arguments are not known before, it may read all of it. */
  readonly readsDocument?: (args: ArgsOf<Params>) => readonly string[]
}

/** A method: one file of `methods/`. */
export interface MethodSpec<Params extends readonly Param[] = readonly Param[]> extends CallableSpec<Params> {
  /** Called once where all arguments are known at parse time, else at each call. Throws `MappingError`, `WrongTypeError`. */
  readonly create: (args: ArgsOf<Params>, host: Host) => (target: Value, call: CallContext) => Value
  /**
   * Set where the method decides itself what happens when its target fails (`catch`, `or`, `exists`, `from` …): it receives the
   * target unevaluated.
   */
  readonly lazyTarget?: (target: () => Value, args: ArgsOf<Params>, call: CallContext) => Value
}

/** The default export of `functions/<name>.ts`. */
export function defineFunction<const Params extends readonly Param[]>(spec: FunctionSpec<Params>): FunctionSpec {
  // The compiler checks arguments by `params` before it hands them over.
  return spec as unknown as FunctionSpec
}

/** The default export of `methods/<name>.ts`. */
export function defineMethod<const Params extends readonly Param[]>(spec: MethodSpec<Params>): MethodSpec {
  // The compiler checks arguments by `params` before it hands them over.
  return spec as unknown as MethodSpec
}

/** A method as it was called before. Its examples are those of the method, under the present name. */
export function underOldName(name: string, method: MethodSpec): MethodSpec {
  const description = `The old name of \`${method.name}\`. ${method.description}`
  return { ...method, name, description, examples: [] }
}

export type { Value, ValueObject }
