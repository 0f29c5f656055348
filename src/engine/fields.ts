import type { Capability } from '../base/index.ts'
import type { Interpolation, Mapping } from '../bloblang/index.ts'
import type { ComponentConfig, ComponentKind } from './component.ts'
import type { Need } from './needs.ts'

export type FieldType =
  | 'string'
  | 'int'
  | 'float'
  | 'bool'
  | 'object'
  | 'unknown'
  | 'input'
  | 'output'
  | 'processor'
  | 'cache'
  | 'buffer'
  | 'rate_limit'
  | 'scanner'
  | 'metrics'
  | 'tracer'

export type FieldStructure = 'scalar' | 'array' | '2darray' | 'map'

/** How one field is checked, parsed, shown in editors and documented in the reference. */
export interface FieldShape {
  readonly type: FieldType
  readonly structure: FieldStructure
  /** Markdown, in our own words. */
  readonly description: string
  /** As written in a configuration; undefined if there is none. */
  readonly default?: unknown
  readonly optional?: boolean
  readonly advanced?: boolean
  readonly deprecated?: boolean
  /** Why the field has no effect here, if it is accepted only for existing configurations. */
  readonly ineffective?: string
  readonly secret?: boolean
  readonly interpolated?: boolean
  readonly bloblang?: boolean
  /** Text of the form `1h30m`, parsed to milliseconds. */
  readonly duration?: boolean
  /** Allowed values and their meanings. */
  readonly options?: Readonly<Record<string, string>>
  /** Whether checking the configuration rejects a value that is not among the options. */
  readonly strict?: boolean
  readonly children?: Readonly<Record<string, FieldShape>>
  /** Reports problems of a well-formed value. Runs on the whole field and, in lists and maps, on each element. */
  readonly lint?: (value: unknown) => string | readonly string[] | undefined
  /** Why this build cannot run a value that the original accepts; undefined if it can. */
  readonly unsupported?: (value: unknown) => string | undefined
  readonly examples?: readonly unknown[]
  readonly version?: string
  readonly needs?: FieldNeeds
}

/** What the values of a field may reach outside the stream. */
interface FieldNeeds {
  /** Every capability that any value may need. */
  readonly capabilities: readonly Capability[]
  /** The needs of a value as written; in lists and maps, of each element. */
  readonly of: (value: unknown) => readonly Need[]
}

/** A field of a configuration and the TypeScript type it is parsed to. */
export class Field<T> {
  readonly shape: FieldShape
  /** Carries the type; never set. */
  declare readonly type: T

  constructor(shape: FieldShape) {
    this.shape = shape
  }

  /** The value if none is set, as it would be written. */
  default<const Written>(value: Written): Field<WithDefault<T, Written>> {
    return new Field<WithDefault<T, Written>>({ ...this.shape, default: value })
  }

  optional(): Field<T | undefined> {
    return new Field<T | undefined>({ ...this.shape, optional: true })
  }

  advanced(): Field<T> {
    return this.#with({ advanced: true })
  }

  deprecated(): Field<T> {
    return this.#with({ deprecated: true })
  }

  /** Accepts the field for existing configurations, without effect; `reason` completes a sentence that says so. */
  ineffective(reason: string): Field<T> {
    return this.#with({ ineffective: reason })
  }

  /** Never displayed again: scrubbed from `echo`, logs and the API. */
  secret(): Field<T> {
    return this.#with({ secret: true })
  }

  /**
   * The allowed values, case-insensitive in lint; a text field has their union as its type unless `strict` is false.
   */
  options(options: Readonly<Record<string, string>>, strict: false): Field<T>
  options<const Name extends string>(options: Readonly<Record<Name, string>>): Field<T extends string ? Name : T>
  options(options: Readonly<Record<string, string>>, strict = true): Field<T> {
    return this.#with({ options, strict })
  }

  lint(lint: NonNullable<FieldShape['lint']>): Field<T> {
    return this.#with({ lint })
  }

  unsupported(unsupported: NonNullable<FieldShape['unsupported']>): Field<T> {
    return this.#with({ unsupported })
  }

  examples(...examples: readonly unknown[]): Field<T> {
    return this.#with({ examples })
  }

  /**
   * Declares that a value reaches something outside the stream; an empty text reaches nothing. The target is the value,
   * unless it is interpolated or `targetOf` returns another; undefined means that the value needs nothing.
   */
  needs(capability: Capability, targetOf: (value: unknown) => string | undefined = textOf): Field<T> {
    return this.needsWhen([capability], value => {
      const target = targetOf(value)
      if (target === undefined || target === '') return []
      return [target.includes('${') ? { capability } : { capability, target }]
    })
  }

  /** The same for needs that depend on the value, or on several fields of an object together. */
  needsWhen(capabilities: readonly Capability[], of: (value: unknown) => readonly Need[]): Field<T> {
    return this.#with({ needs: { capabilities, of } })
  }

  since(version: string): Field<T> {
    return this.#with({ version })
  }

  list(): Field<T[]> {
    return new Field<T[]>({ ...this.shape, structure: 'array' })
  }

  listOfLists(): Field<T[][]> {
    return new Field<T[][]>({ ...this.shape, structure: '2darray' })
  }

  map(): Field<Record<string, T>> {
    return new Field<Record<string, T>>({ ...this.shape, structure: 'map' })
  }

  #with(more: Partial<FieldShape>): Field<T> {
    return new Field<T>({ ...this.shape, ...more })
  }
}

/** The default of a choice may be none of its options, such as an empty text. */
type WithDefault<T, Written> = T extends string ? (string extends T ? T : T | Extract<Written, string>) : T

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

export type FieldMap = Readonly<Record<string, Field<unknown>>>
/** The parsed form of a field, or of an object of fields. */
export type Infer<F> =
  F extends Field<infer T> ? T : F extends FieldMap ? { readonly [K in keyof F]: Infer<F[K]> } : never

function make<T>(type: FieldType, description: string, more: Partial<FieldShape> = {}): Field<T> {
  return new Field<T>({ type, structure: 'scalar', description, ...more })
}

/** Builders of fields. Each takes the description shown in the reference. */
export const field = {
  string: (description: string) => make<string>('string', description),
  int: (description: string) => make<number>('int', description),
  float: (description: string) => make<number>('float', description),
  bool: (description: string) => make<boolean>('bool', description),
  /** Anything, as plain JavaScript values. */
  any: (description: string) => make<unknown>('unknown', description),
  /** Text such as `1h30m`, parsed to milliseconds; an empty text becomes undefined. */
  duration: (description: string) => make<number | undefined>('string', description, { duration: true }),
  /** Text that may contain `${! query }`. */
  interpolated: (description: string) => make<Interpolation>('string', description, { interpolated: true }),
  /** A mapping; an empty text becomes null. */
  mapping: (description: string) => make<Mapping | null>('string', description, { bloblang: true }),
  object: <const F extends FieldMap>(children: F, description = '') =>
    make<Infer<F>>('object', description, {
      children: Object.fromEntries(Object.entries(children).map(([name, child]) => [name, child.shape])),
    }),
  /** An object with arbitrary fields, as plain JavaScript values. */
  anyObject: (description: string) => make<Record<string, unknown>>('object', description),
  component: (kind: ComponentKind, description: string) => make<ComponentConfig>(kind, description),
  input: (description: string) => make<ComponentConfig>('input', description),
  output: (description: string) => make<ComponentConfig>('output', description),
  processor: (description: string) => make<ComponentConfig>('processor', description),
  processors: (description: string) => make<ComponentConfig[]>('processor', description, { structure: 'array' }),
  scanner: (description: string) => make<ComponentConfig>('scanner', description),
} as const
