import { MappingError, WrongTypeError } from '../errors.ts'
import type { CompileOptions } from '../mapping.ts'
import { annotate } from '../runtime/errors.ts'
import type { Frame } from '../runtime/frame.ts'
import type { Args, FunctionSpec, MethodSpec, Param, Query as QueryFunction } from '../stdlib/spec.ts'
import { annotationOf } from '../syntax/annotation.ts'
import type { Signature } from '../syntax/arguments.ts'
import type { FunctionCall, MethodCall } from '../syntax/ast.ts'
import type { Catalog } from '../syntax/query-parser.ts'
import type { Value } from '../value.ts'

type Closure = (context: Value) => Value
type MethodBody = (target: Value, frame: Frame) => Value
type FunctionBody = (frame: Frame) => Value

/** Determines which functions and methods a mapping may call, and which host they use. */
export type LibraryOptions = Omit<CompileOptions, 'importer'>

/**
 * The functions and methods of the specs for one mapping. Whatever is known about a call is created when it is parsed.
 */
export class Library implements Catalog {
  readonly #functions: ReadonlyMap<string, FunctionSpec>
  readonly #methods: ReadonlyMap<string, MethodSpec>
  readonly #options: LibraryOptions
  readonly #prepared = new WeakMap<FunctionCall | MethodCall, PreparedCall>()
  #mapNames: ReadonlyMap<string, string> | null = null

  constructor(
    functions: ReadonlyMap<string, FunctionSpec>,
    methods: ReadonlyMap<string, MethodSpec>,
    options: LibraryOptions,
  ) {
    this.#functions = functions
    this.#methods = methods
    this.#options = options
  }

  function(name: string): Signature | undefined {
    const spec = this.#functions.get(name)
    if (spec === undefined || this.#options.withoutFunctions?.includes(name) === true) return undefined
    if (this.#options.pureOnly === true && spec.impure === true) return undefined
    return this.#options.withoutMessage === true && spec.categories.includes('Message Info') ? undefined : spec
  }

  method(name: string): Signature | undefined {
    const spec = this.#methods.get(name)
    return this.#options.pureOnly === true && spec?.impure === true ? undefined : spec
  }

  functionNames(): readonly string[] {
    return [...this.#functions.keys()]
  }

  methodNames(): readonly string[] {
    return [...this.#methods.keys()]
  }

  /**
   * Sets the maps available to `apply` and the names of their generated functions; null if there are no maps at all.
   */
  useMaps(names: ReadonlyMap<string, string> | null): void {
    this.#mapNames = names
  }

  mapFunction(name: string): string | null {
    return this.#mapNames?.get(name) ?? null
  }

  missingMap(name: string): string {
    return this.#mapNames === null ? 'no maps were found' : `map ${name} was not found`
  }

  refusal(call: FunctionCall | MethodCall): string | undefined {
    const { needs } = this.#spec(call)
    if (needs === undefined) return undefined
    const [first] = call.args.values
    const target = first?.kind === 'known' && typeof first.value === 'string' ? first.value : undefined
    return this.#options.host.refusal?.(needs, target)
  }

  prepare(call: FunctionCall | MethodCall, target: Value | undefined): Value | undefined {
    const spec = this.#spec(call)
    const isOutside = spec.impure === true || spec.needs !== undefined
    const { constructs } = this.#options
    if (constructs === 'none' || (constructs === 'inside' && isOutside)) return undefined
    const queries = call.args.values.some(argument => argument?.kind === 'query')
    const slots: Slots = { current: [] }
    const args = this.#arguments(call, slots)
    const body = spec.create(args, this.#options.host)
    this.#prepared.set(call, { body, slots })
    const folds = typeof spec.folds === 'function' ? spec.folds(args) : spec.folds === true
    if (!folds || queries) return undefined
    if (call.kind === 'function') return (body as FunctionBody)(NO_FRAME) // a function's spec creates function bodies
    // A method's spec creates method bodies.
    return target === undefined ? undefined : (body as MethodBody)(target, NO_FRAME)
  }

  parameter(call: FunctionCall | MethodCall, index: number): Param {
    const { params } = this.#spec(call)
    const computedBefore = call.args.values.slice(0, index).filter(argument => argument?.kind === 'computed').length
    return params[index] ?? { name: String(computedBefore), type: 'unknown', description: '' }
  }

  isLazy(call: MethodCall): boolean {
    return this.#methods.get(call.name)!.lazyTarget !== undefined
  }

  /** The path that a call reads in the message's document; null if it reads nothing. */
  documentPath(call: FunctionCall): readonly string[] | null {
    const { readsDocument } = this.#functions.get(call.name)!
    if (readsDocument === undefined) return null
    const isKnown = call.args.values.every(argument => argument === undefined || argument.kind === 'known')
    return isKnown ? readsDocument(this.#merged(call, [], [])) : []
  }

  staticFunction(call: FunctionCall): FunctionBody {
    return this.#body(call) as FunctionBody // a function's spec creates function bodies
  }

  functionWithQueries(call: FunctionCall): (closures: readonly Closure[], frame: Frame) => Value {
    const body = this.#body(call) as FunctionBody // a function's spec creates function bodies
    const slots = this.#prepared.get(call)?.slots ?? { current: [] }
    return (closures, frame) => withSlots(slots, closures, () => body(frame))
  }

  dynamicFunction(call: FunctionCall): (...computed: Value[]) => FunctionBody {
    const spec = this.#functions.get(call.name)!
    return (...computed) => spec.create(this.#merged(call, computed, []), this.#options.host)
  }

  staticMethod(call: MethodCall): MethodBody {
    return this.#guard(call)(this.#body(call) as MethodBody) // a method's spec creates method bodies
  }

  methodWithQueries(call: MethodCall): (closures: readonly Closure[], target: Value, frame: Frame) => Value {
    const body = this.staticMethod(call)
    const slots = this.#prepared.get(call)?.slots ?? { current: [] }
    return (closures, target, frame) => withSlots(slots, closures, () => body(target, frame))
  }

  dynamicMethod(call: MethodCall): (computed: readonly Value[], closures?: readonly Closure[]) => MethodBody {
    const spec = this.#methods.get(call.name)!
    const { host } = this.#options
    const guarded = this.#guard(call)
    return (computed, closures = NO_CLOSURES) => guarded(spec.create(this.#merged(call, computed, closures), host))
  }

  lazyMethod(
    call: MethodCall,
  ): (computed: readonly Value[], closures: readonly Closure[], target: () => Value, frame: Frame) => Value {
    const { lazyTarget } = this.#methods.get(call.name)!
    const annotation = annotationOf(call.target)
    const wrongTypesOnly = this.#methods.get(call.name)!.bareErrors !== undefined
    const isFixed = call.args.values.every(argument => argument === undefined || argument.kind === 'known')
    const fixed = isFixed ? this.#merged(call, [], []) : null
    return (computed, closures, target, frame) => {
      // Errors of the target already have their location; only errors of the method itself are completed.
      let failure: unknown
      const evaluate = () => {
        try {
          return target()
        } catch (error) {
          failure = error
          throw error
        }
      }
      try {
        return lazyTarget!(evaluate, fixed ?? this.#merged(call, computed, closures), frame)
      } catch (error) {
        throw error === failure ? error : annotate(error, annotation, wrongTypesOnly)
      }
    }
  }

  #spec(call: FunctionCall | MethodCall): FunctionSpec | MethodSpec {
    return call.kind === 'function' ? this.#functions.get(call.name)! : this.#methods.get(call.name)!
  }

  #body(call: FunctionCall | MethodCall): PreparedCall['body'] {
    const prepared = this.#prepared.get(call)
    if (prepared !== undefined) return prepared.body
    return () => {
      throw new MappingError(`this ${call.kind} has been disabled`)
    }
  }

  /** Wraps the bodies of a call to complete their errors; the annotation is computed once. */
  #guard(call: MethodCall): (body: MethodBody) => MethodBody {
    const { bareErrors } = this.#methods.get(call.name)!
    if (bareErrors === true) return body => body
    const annotation = annotationOf(call.target)
    const wrongTypesOnly = bareErrors === 'messages'
    return body => (target, frame) => {
      try {
        return body(target, frame)
      } catch (error) {
        // A wrong type found by a query of the call is not the target's; the enclosing code names its source.
        if (wrongTypesOnly && error instanceof WrongTypeError && error.actual !== target) throw error
        throw annotate(error, annotation, wrongTypesOnly)
      }
    }
  }

  /** The arguments of a call as known when it is parsed; queries go through slots, which are filled for each call. */
  #arguments(call: FunctionCall | MethodCall, slots: Slots): Args {
    let queries = 0
    return call.args.values.map(argument => {
      if (argument === undefined) return undefined
      if (argument.kind === 'known') return argument.value
      const slot = queries++
      return annotated(context => slots.current[slot]!(context), annotationOf(argument.query))
    })
  }

  #merged(call: FunctionCall | MethodCall, computed: readonly Value[], closures: readonly Closure[]): Args {
    let nextComputed = 0
    let nextClosure = 0
    const merged: (Value | QueryFunction | undefined)[] = []
    for (const argument of call.args.values) {
      if (argument === undefined) merged.push(undefined)
      else if (argument.kind === 'known') merged.push(argument.value)
      else merged.push(argument.kind === 'computed' ? computed[nextComputed++]! : closures[nextClosure++]!)
    }
    return merged
  }
}

const NO_CLOSURES: readonly Closure[] = []

interface Slots {
  current: readonly Closure[]
}

interface PreparedCall {
  readonly body: ((frame: Frame) => Value) | ((target: Value, frame: Frame) => Value)
  readonly slots: Slots
}

/** Runs a call with its closures in their slots; calls may be nested. */
function withSlots<T>(slots: Slots, closures: readonly Closure[], run: () => T): T {
  const outer = slots.current
  slots.current = closures
  try {
    return run()
  } finally {
    slots.current = outer
  }
}

/** A query with the name used in error texts. */
export function annotated(closure: Closure, annotation: string): QueryFunction {
  return Object.assign(closure, { annotation })
}

/** Folded calls see no message: functions that read one are never folded. */
const NO_FRAME = { batch: [], index: 0, context: undefined, variables: new Map() } as unknown as Frame
