import type { AnySpec, ComponentKind, FieldShape, KnownSpecs } from '../engine/index.ts'
import { Field } from '../engine/index.ts'
import { needsOfKnown, withNeeds } from './known-needs.ts'

/**
 * A field of an original component that is not implemented yet. Such configurations are linted like any other; running
 * one is an error. A component that gets its own file must be removed from `known/`, which the generator checks.
 */
interface KnownField {
  readonly type: string
  readonly structure?: string
  readonly default?: unknown
  /** Letters: `o`ptional, `a`dvanced, `d`eprecated, `s`ecret, `i`nterpolated, `b`loblang. */
  readonly flags?: string
  readonly options?: readonly (string | null)[]
  /** The options are only suggestions: other values are accepted. */
  readonly lax?: boolean
  readonly rule?: string
  readonly children?: Readonly<Record<string, KnownField>>
}

interface KnownComponent {
  readonly status: string
  readonly config: KnownField
}

type Table = Readonly<Record<string, KnownComponent>>

const tables: Readonly<Record<ComponentKind, () => Promise<{ readonly default: object }>>> = {
  input: () => import('./known/input.json', { with: { type: 'json' } }),
  output: () => import('./known/output.json', { with: { type: 'json' } }),
  processor: () => import('./known/processor.json', { with: { type: 'json' } }),
  cache: () => import('./known/cache.json', { with: { type: 'json' } }),
  buffer: () => import('./known/buffer.json', { with: { type: 'json' } }),
  rate_limit: () => import('./known/rate_limit.json', { with: { type: 'json' } }),
  scanner: () => import('./known/scanner.json', { with: { type: 'json' } }),
  metrics: () => import('./known/metrics.json', { with: { type: 'json' } }),
  tracer: () => import('./known/tracer.json', { with: { type: 'json' } }),
}

/** Loads the known components of one kind: every configuration needs metrics, few need the long list of outputs. */
export async function loadKnown(kind: ComponentKind): Promise<KnownSpecs> {
  const table = (await tables[kind]()).default as Table // TypeScript types the strings of a JSON file as `string`
  const specs = new Map<string, AnySpec>()
  const has = (name: string) => Object.hasOwn(table, name)
  const make = (name: string): AnySpec => {
    const { status, config } = table[name]!
    const key = `${kind}/${name}`
    const shape = withNeeds(key, withRules(key, shapeOf(config)))
    return {
      kind,
      name,
      status: status as NonNullable<AnySpec['status']>, // one of the statuses, as the table was generated
      summary: '',
      config: new Field(shape),
      needs: needsOfKnown(key),
    }
  }
  return {
    spec(name) {
      if (!has(name)) return undefined
      const spec = specs.get(name) ?? make(name)
      specs.set(name, spec)
      return spec
    },
  }
}

function shapeOf(known: KnownField): FieldShape {
  const flags = known.flags ?? ''
  return {
    type: known.type as FieldShape['type'], // the table names types like fields do
    structure: (known.structure ?? 'scalar') as FieldShape['structure'], // likewise
    description: '',
    default: known.default,
    optional: flags.includes('o'),
    advanced: flags.includes('a'),
    deprecated: flags.includes('d'),
    secret: flags.includes('s'),
    interpolated: flags.includes('i'),
    bloblang: flags.includes('b'),
    ...(known.options === undefined
      ? {}
      : { options: Object.fromEntries(known.options.map(option => [option ?? '', ''])), strict: known.lax !== true }),
    ...(known.rule === undefined ? {} : { lint: rules[known.rule]! }),
    ...(known.children === undefined
      ? {}
      : {
          children: Object.fromEntries(Object.entries(known.children).map(([name, child]) => [name, shapeOf(child)])),
        }),
  }
}

const rules: Readonly<Record<string, NonNullable<FieldShape['lint']>>> = {
  jitter: value => (Number(value) < 0 ? 'Cannot set a negative jitter factor' : undefined),
  listsOfStrings: () => undefined,
}

type Values = Readonly<Record<string, unknown>>
type Lint = NonNullable<FieldShape['lint']>

/** Rules about several fields of a component together. */
const componentRules: Readonly<Record<string, (value: Values) => string | undefined>> = {
  'input/kafka': value => {
    if (!list(value['topics']).some(topic => String(topic).includes(':'))) return undefined
    if ((value['consumer_group'] ?? '') === '') return undefined
    return 'this input does not support both a consumer group and explicit topic partitions'
  },
  'output/kafka': partitionRule,
  'processor/redis': value => {
    const operator = value['operator'] !== undefined
    if (operator === (value['command'] !== undefined)) {
      return "one of 'operator' (old style) or 'command' (new style) fields must be specified"
    }
    return value['args_mapping'] !== undefined && operator
      ? 'field args_mapping is invalid with an operator set'
      : undefined
  },
}

/** Rules about single fields, by component and field. */
const fieldRules: Readonly<Record<string, Lint>> = {
  'rate_limit/redis.count': value => (Number(value) <= 0 ? 'count must be larger than zero' : undefined),
}

function withRules(key: string, shape: FieldShape): FieldShape {
  const rule = componentRules[key]
  const children =
    shape.children &&
    Object.fromEntries(
      Object.entries(shape.children).map(([name, child]) => {
        const lint = fieldRules[`${key}.${name}`]
        return [name, lint === undefined ? child : { ...child, lint }]
      }),
    )
  const withChildren = children === undefined ? shape : { ...shape, children }
  // The raw value of a component is its fields.
  return rule === undefined ? withChildren : { ...withChildren, lint: value => rule((value ?? {}) as Values) }
}

function partitionRule(value: Values): string | undefined {
  const partition = value['partition'] ?? ''
  if (value['partitioner'] === 'manual') {
    return partition === '' ? 'a partition must be specified when the partitioner is set to manual' : undefined
  }
  return partition === '' ? undefined : 'a partition cannot be specified unless the partitioner is set to manual'
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
