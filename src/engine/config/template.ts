import { messageOf } from '../../base/index.ts'
import {
  compileMapping,
  DELETED,
  type Importer,
  type Mapping,
  printJson,
  type Value,
  type Host,
} from '../../bloblang/index.ts'
import { type AnySpec, ConfigError } from '../component.ts'
import { Field, field, type FieldShape, type FieldStructure, type FieldType } from '../fields.ts'
import type { Registry } from '../registry.ts'
import { type Finding, lintFields, lintComponent } from './lint.ts'
import { lintContext } from './config.ts'
import { shapesOf } from './core-fields.ts'
import { type Node, nodeOf, parseYaml, plainValue, resolved, valueOf } from './node.ts'
import { type ParseContext, parseFields, parseValue } from './parse.ts'

/** The fields of a template file. */
const templateFields = {
  name: field.string('The name of the component that the template defines.'),
  type: field
    .string('The kind of the component.')
    .options({ cache: '', input: '', output: '', processor: '', rate_limit: '' }),
  status: field
    .string('The maturity of the component.')
    .default('stable')
    .options({ stable: '', beta: '', experimental: '' }),
  categories: field.string('Categories in the documentation.').list().default([]),
  summary: field.string('A one-sentence summary.').default(''),
  description: field.string('A longer description.').default(''),
  fields: field
    .object({
      name: field.string('The name of the field.'),
      description: field.string('The purpose of the field.').default(''),
      type: field
        .string('The type of the value.')
        .options({ string: '', int: '', float: '', bool: '', unknown: 'Any value, nested to any depth.' }),
      kind: field
        .string('Whether the field holds a single value, a map or a list.')
        .default('scalar')
        .options({ scalar: '', map: '', list: '' }),
      default: field.any('The default value; a field without one is required.').optional(),
      advanced: field.bool('Whether the field is for advanced use.').default(false),
    })
    .list(),
  mapping: field.string('A mapping from the fields to the configuration of the component.'),
  metrics_mapping: field.string('A mapping that renames or drops metrics of the component.').default(''),
  tests: field
    .object({
      name: field.string('The name of the test.'),
      config: field.any('The fields as written in a configuration.'),
      expected: field.any('The expected configuration.').optional(),
    })
    .list()
    .default([]),
} as const

/** The same for linting, with the mapping checked as a mapping. */
const lintShapes: Readonly<Record<string, FieldShape>> = {
  ...shapesOf(templateFields),
  mapping: { ...templateFields.mapping.shape, bloblang: true },
  metrics_mapping: { ...templateFields.metrics_mapping.shape, bloblang: true },
}

export interface TemplateOptions {
  readonly registry: Registry
  readonly host: Host
  readonly importer?: Importer
}

/** A template as read: findings about its text, and the component that it defines. */
export interface Template {
  readonly findings: readonly Finding[]
  /** Throws `ConfigError` if the template does not define a component. */
  spec(): AnySpec
  /** Returns the failures of the template's own tests. Throws `ConfigError` if a test cannot be run. */
  test(): readonly string[]
}

/** Parses a template. Throws `YamlError` if the text is not YAML. */
export function readTemplate(text: string, context: ParseContext, options: TemplateOptions): Template {
  const parsed = parseYaml(text)
  const node = parsed.kind === 'map' ? parsed : nodeOf({})
  return {
    findings: lintFields(lintContext(options), lintShapes, node),
    spec: () => compile(node, context, options).spec,
    test: () => runTests(node, context, options),
  }
}

interface Compiled {
  readonly spec: AnySpec
  render(config: Node): Node
}

function compile(node: Node, context: ParseContext, options: TemplateOptions): Compiled {
  const fields = Object.fromEntries(
    itemsOf(node, 'fields').map((item, index) => [textAt(item, 'name') ?? '', fieldOf(item, index)]),
  )
  const config = parseFields(
    context,
    { ...templateFields, fields: field.any('').optional(), tests: field.any('').optional() },
    node,
    '',
  )
  const { mapping, diagnostics } = compileMapping(config.mapping, {
    host: options.host,
    ...(options.importer === undefined ? {} : { importer: options.importer }),
  })
  if (mapping === undefined) throw new ConfigError(`parse mapping: ${diagnostics[0]!.text}`)
  const kinds = Object.keys(templateFields.type.shape.options ?? {})
  if (!kinds.includes(config.type)) {
    throw new ConfigError(`unable to register template for component type ${config.type}`)
  }
  const shape = field.object(Object.fromEntries(Object.entries(fields).map(([name, each]) => [name, new Field(each)])))
  const spec: AnySpec = {
    kind: config.type,
    name: config.name,
    status: config.status,
    categories: config.categories,
    summary: config.summary,
    description: config.description,
    config: shape,
    expand: values => expand(mapping, values),
  }
  return {
    spec,
    render: written => {
      try {
        return expand(mapping, parseValue(context, shape.shape, written, config.name))
      } catch (error) {
        const message = messageOf(error)
        if (/^(mapping|mapping for) /.test(message)) throw error
        throw new ConfigError(`invalid config for template component: ${message}`, { cause: error })
      }
    },
  }
}

function fieldOf(node: Node, index: number): FieldShape {
  const type = textAt(node, 'type')
  const kind = textAt(node, 'kind') ?? 'scalar'
  if (type === undefined) throw new ConfigError(`field ${index}: missing type field`)
  const structures: Readonly<Record<string, FieldStructure>> = { scalar: 'scalar', map: 'map', list: 'array' }
  const structure = Object.hasOwn(structures, kind) ? structures[kind] : undefined
  if (structure === undefined) throw new ConfigError(`field ${index}: unrecognised scalar type: ${kind}`)
  const written = valueOf(resolved(node), 'default')
  return {
    type: type as FieldType, // checked by the options of the field
    structure,
    description: textAt(node, 'description') ?? '',
    advanced: textAt(node, 'advanced') === 'true',
    ...(written === undefined ? {} : { default: plainValue(written) }),
  }
}

function itemsOf(node: Node, name: string): readonly Node[] {
  const value = valueOf(node, name)
  return value === undefined ? [] : resolved(value).items
}

function textAt(node: Node, name: string): string | undefined {
  const value = valueOf(resolved(node), name)
  return value === undefined ? undefined : resolved(value).value
}

/** The configuration that a template produces from the values of its fields. */
function expand(mapping: Mapping, values: unknown): Node {
  let result: Value
  try {
    result = mapping.apply(values as Value) // values of a configuration are values of the language
  } catch (error) {
    const message = messageOf(error)
    throw new ConfigError(`mapping failed for template component: ${message}`)
  }
  if (typeof result === 'symbol') {
    const what = result === DELETED ? 'a deleted message' : 'nothing'
    throw new ConfigError(`mapping for template component resulted in invalid config: ${what}`)
  }
  // JSON is YAML, so the result looks like a configuration that was written by hand.
  return parseYaml(printJson(result))
}

function runTests(node: Node, context: ParseContext, options: TemplateOptions): readonly string[] {
  const { spec, render } = compile(node, context, options)
  const failures: string[] = []
  for (const test of itemsOf(node, 'tests')) {
    const name = textAt(test, 'name') ?? ''
    const config = valueOf(resolved(test), 'config') ?? nodeOf({})
    let rendered: Node
    try {
      rendered = render(config)
    } catch (error) {
      throw new ConfigError(`test '${name}': ${messageOf(error)}`, { cause: error })
    }
    for (const { text, column } of lintComponent(lintContext(options), spec.kind, rendered)) {
      failures.push(`test '${name}': lint error in resulting config: (0,${column}) ${text}`)
    }
    const expected = valueOf(resolved(test), 'expected')
    if (expected === undefined || resolved(expected).entries.length === 0) continue
    const difference = differenceOf(plainValue(expected), plainValue(rendered), '')
    if (difference !== null) {
      throw new ConfigError(`test '${name}': mismatch between expected and actual resulting config: ${difference}`)
    }
  }
  return failures
}

/** Both values side by side where they differ; null if they are equal. The order of keys does not matter. */
function differenceOf(expected: unknown, actual: unknown, indent: string): string | null {
  const areLists = Array.isArray(expected) && Array.isArray(actual)
  if (!areLists && !(isRecord(expected) && isRecord(actual))) {
    const [left, right] = [printed(expected), printed(actual)]
    return left === right ? null : `${left} => ${right}`
  }
  const [left, right] = [new Map<string, unknown>(Object.entries(expected)), new Map(Object.entries(actual))]
  const keys = [...new Set([...left.keys(), ...right.keys()])]
  const inner = `${indent}    `
  let differs = false
  const lines = (areLists ? keys : keys.toSorted()).map(key => {
    const label = areLists ? inner : `${inner}${JSON.stringify(key)}: `
    const difference =
      left.has(key) && right.has(key)
        ? differenceOf(left.get(key), right.get(key), inner)
        : `${left.has(key) ? printed(left.get(key)) : 'nothing'} => ${right.has(key) ? printed(right.get(key)) : 'nothing'}`
    differs ||= difference !== null
    return label + (difference ?? printed(right.get(key)))
  })
  const [open, close] = areLists ? '[]' : '{}'
  return differs ? `${open}\n${lines.join(',\n')}\n${indent}${close}` : null
}

function printed(value: unknown): string {
  return printJson(value as Value) // values of a configuration are values of the language
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
