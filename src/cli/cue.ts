import type { ComponentKind } from '../engine/index.ts'
import type { ComponentSchema, FieldSchema, FullSchema } from './full-schema.ts'

/** A CUE definition of configurations, with the names that the original's has: `#Config`, `#Input`, `#AllInputs` … */
export function cueSource(schema: FullSchema): string {
  return [
    'package bento',
    `#Config: ${struct(schema.config, '')}`,
    ...components(schema.inputs, 'input', ['label?: string', 'processors?: [...#Processor]']),
    ...components(schema.outputs, 'output', ['label?: string', 'processors?: [...#Processor]']),
    ...components(schema.processors, 'processor', ['label?: string']),
    ...components(schema.caches, 'cache', ['label?: string']),
    ...components(schema['rate-limits'], 'rate_limit', ['label?: string']),
    ...components(schema.buffers, 'buffer', []),
    ...components(schema.metrics, 'metrics', []),
    ...components(schema.tracers, 'tracer', []),
    ...components(schema.scanners, 'scanner', []),
    '',
  ].join('\n\n')
}

const definitions: Readonly<Record<ComponentKind, string>> = {
  input: 'Input',
  output: 'Output',
  processor: 'Processor',
  cache: 'Cache',
  rate_limit: 'RateLimit',
  buffer: 'Buffer',
  metrics: 'Metric',
  tracer: 'Tracer',
  scanner: 'Scanner',
}

/** All components of a kind by name, one of which is chosen by its name, and the fields that any of them may have. */
function components(
  schemas: readonly ComponentSchema[],
  kind: ComponentKind,
  shared: readonly string[],
): readonly string[] {
  const name = definitions[kind]
  const all = `#All${name}s`
  const fields = schemas.map(
    ({ name: own, summary, config }) => `${comment(summary, '\t')}\t${label(own)}: ${value(config, '\t')}\n`,
  )
  return [
    `${all}: {\n${fields.join('')}}`,
    `#${name}: or([for name, config in ${all} {\n\t(name): config\n}])`,
    ...shared.map(field => `#${name}: {\n\t${field}\n}`),
  ]
}

function struct(fields: readonly FieldSchema[], indent: string): string {
  if (fields.length === 0) return '{}'
  const inner = `${indent}\t`
  const lines = fields.map(field => {
    const mark = isRequired(field) && !(field.type in definitions) ? '' : '?'
    return `${comment(field.description, inner)}${inner}${label(field.name)}${mark}: ${value(field, inner)}\n`
  })
  return `{\n${lines.join('')}${indent}}`
}

function value(field: FieldSchema, indent: string): string {
  const one = scalar(field, indent)
  switch (field.kind) {
    case 'scalar':
      return one
    case 'array':
      return `[...${one}]`
    case '2darray':
      return `[...[...${one}]]`
    case 'map':
      return `{[string]: ${one}}`
    default:
      return field.kind satisfies never
  }
}

function scalar({ type, children }: FieldSchema, indent: string): string {
  switch (type) {
    case 'string':
    case 'int':
    case 'bool':
      return type
    case 'float':
      return 'number'
    case 'unknown':
      return '_'
    case 'object':
      return children === undefined ? '{...}' : struct(children, indent)
    default:
      return `#${definitions[type]}`
  }
}

/** Whether a configuration without the field is incomplete. */
function isRequired(field: FieldSchema): boolean {
  if (field.is_optional === true || field.is_deprecated === true || field.default !== undefined) return false
  const { children = [] } = field
  return children.length === 0 || children.some(isRequired)
}

/** Field names that are not identifiers, or would hide a type, are quoted. */
function label(name: string): string {
  return /^[A-Za-z]\w*$/.test(name) && !reserved.has(name) ? name : JSON.stringify(name)
}

const reserved = new Set(['string', 'int', 'bool', 'number', 'or', 'for', 'in', 'if', 'let', 'true', 'false', 'null'])

function comment(text: string | undefined, indent: string): string {
  if (text === undefined || text === '') return ''
  return text
    .trim()
    .split('\n')
    .map(line => `${indent}// ${line}`.trimEnd())
    .join('\n')
    .concat('\n')
}
