import type { AnySpec, ComponentKind, FieldShape, KnownSpecs } from '../engine/index.ts'
import { Field } from '../engine/index.ts'
import table from './known.json' with { type: 'json' }

/**
 * The fields of every component of the original, for those that have no file of their own here (yet): their configurations
 * are checked like any other, and running one says that it cannot.
 */
interface KnownField {
  readonly type: string
  readonly structure?: string
  readonly default?: unknown
  /** Letters: `o`ptional, `a`dvanced, `d`eprecated, `s`ecret, `i`nterpolated, `b`loblang. */
  readonly flags?: string
  readonly options?: readonly (string | null)[]
  /** The options are hints: other values are accepted. */
  readonly lax?: boolean
  readonly rule?: string
  readonly children?: Readonly<Record<string, KnownField>>
}

interface KnownComponent {
  readonly status: string
  readonly config: KnownField
}

const components = table as unknown as Readonly<Record<string, Readonly<Record<string, KnownComponent>>>>
const specs = new Map<string, AnySpec>()

export const knownSpecs: KnownSpecs = {
  has: (kind, name) => find(kind, name) !== undefined,
  names: kind => Object.keys(components[kind] ?? {}),
  spec(kind, name) {
    const component = find(kind, name)
    if (component === undefined) return undefined
    const key = `${kind}/${name}`
    let spec = specs.get(key)
    if (spec === undefined) {
      spec = {
        kind,
        name,
        status: component.status as NonNullable<AnySpec['status']>,
        summary: '',
        config: new Field(shapeOf(component.config)),
      }
      specs.set(key, spec)
    }
    return spec
  },
}

function find(kind: ComponentKind, name: string): KnownComponent | undefined {
  const byName = components[kind] ?? {}
  return Object.hasOwn(byName, name) ? byName[name] : undefined
}

function shapeOf(known: KnownField): FieldShape {
  const flags = known.flags ?? ''
  return {
    type: known.type as FieldShape['type'],
    structure: (known.structure ?? 'scalar') as FieldShape['structure'],
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
