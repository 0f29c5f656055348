import type { Capability } from '../base/index.ts'
import type { FieldShape, Need } from '../engine/index.ts'

/**
 * What components without an implementation here would access outside a stream: managed pipelines refuse them like
 * others, so that a configuration saved today does not gain access with the release that implements them.
 */
const components: Readonly<Record<string, readonly Capability[]>> = {
  'input/fsevent': ['files'],
  'output/duckdb_append': ['database_files'],
  'processor/python': ['processes'],
}

const fields: Readonly<Record<string, Capability>> = {
  'processor/nlp_classify_text.path': 'files',
  'processor/nlp_classify_tokens.path': 'files',
  'processor/nlp_extract_features.path': 'files',
  'processor/nlp_zero_shot_classify.path': 'files',
}

type Values = Readonly<Record<string, unknown>>

/** Needs that are determined by several fields together. */
const rules: Readonly<Record<string, (values: Values) => readonly Need[]>> = {
  'output/sql': needsOfDatabase,
  'processor/sql': needsOfDatabase,
}

/** The needs of a component, whatever its configuration. */
export function needsOfKnown(key: string): readonly Capability[] {
  return components[key] ?? []
}

/** Adds the needs of its fields to the shape of a component's configuration. */
export function withNeeds(key: string, shape: FieldShape): FieldShape {
  const rule = rules[key]
  const of = (value: unknown) => rule!((value ?? {}) as Values) // the raw value of a component is its fields
  const own = rule === undefined ? shape : { ...shape, needs: { capabilities: [], of } }
  return { ...own, ...childrenWithNeeds(key, shape) }
}

function childrenWithNeeds(key: string, { children }: FieldShape): Pick<FieldShape, 'children'> {
  if (children === undefined) return {}
  const entries = Object.entries(children).map(([name, child]): [string, FieldShape] => {
    const capability = fields[`${key}.${name}`] ?? (name.endsWith('_file') ? 'files' : undefined)
    const deep = { ...child, ...childrenWithNeeds(`${key}.${name}`, child) }
    return [
      name,
      capability === undefined ? deep : { ...deep, needs: { capabilities: [capability], of: textNeeds(capability) } },
    ]
  })
  return { children: Object.fromEntries(entries) }
}

function textNeeds(capability: Capability): (value: unknown) => readonly Need[] {
  return value => {
    if (typeof value !== 'string' || value === '') return []
    return [value.includes('${') ? { capability } : { capability, target: value }]
  }
}

function needsOfDatabase({ driver, data_source_name: name, dsn = name }: Values): readonly Need[] {
  if (driver !== 'sqlite' && driver !== 'duckdb') return []
  return [{ capability: 'database_files', target: String(dsn).replace(/^file:|\?.*$/g, '') }]
}
