import {
  type AnySpec,
  type ComponentKind,
  configFields,
  type FieldShape,
  type Registry,
  shapesOf,
} from '../../engine/index.ts'
import { managedComponents } from './components.ts'

type Schema = Readonly<Record<string, unknown>>

const kinds = ['input', 'output', 'processor', 'cache', 'buffer', 'rate_limit', 'scanner', 'metrics', 'tracer'] as const

/** Blocks that configure the original's whole program and have no meaning for a managed pipeline. */
const ofThePrograms = new Set(['http', 'metrics', 'tracer', 'tests'])

/** JSON Schema of a whole pipeline configuration: the `warpstream` block, every component and its fields. */
export async function pipelineJsonSchema(registry: Registry): Promise<Schema> {
  await registry.loadAll()
  const access = { seedBroker: 'localhost:9092', clientId: 'penstock' }
  const components = await managedComponents(registry, access)
  const fields = Object.entries(shapesOf(configFields)).filter(([name]) => !ofThePrograms.has(name))
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Pipeline',
    type: 'object',
    additionalProperties: false,
    properties: { ...Object.fromEntries(fields.map(([name, shape]) => [name, fieldSchema(shape)])), warpstream: block },
    definitions: Object.fromEntries(kinds.map(kind => [kind, componentSchema(components, kind)])),
  }
}

const target = (description: string): Schema => ({ type: 'integer', minimum: 1, maximum: 1024, description })

const block: Schema = {
  type: 'object',
  additionalProperties: false,
  description: 'How many instances run, on which agents, and when.',
  properties: {
    cluster_concurrency_target: target(
      'At least this many instances in the whole cluster, rounded up to the same number on each agent of the group.',
    ),
    agent_concurrency_target: target('This many instances on each agent.'),
    exact_concurrency: target('Exactly this many instances in the whole cluster, on whichever agents have room.'),
    pipeline_group: {
      type: 'string',
      description: 'Only agents that were started with the same `-managedPipelinesGroupName` run the pipeline.',
    },
    exactly_once: {
      type: 'boolean',
      description:
        'Whether offsets that kafka_franz_warpstream reads and records that it writes are committed in one transaction.',
    },
    scheduling: {
      type: 'object',
      additionalProperties: false,
      description: 'When a stream that has reached its end runs again.',
      properties: {
        run_every: {
          type: 'string',
          description: 'How long after the start of a run the next one starts.',
          examples: ['30s', '1h'],
        },
      },
    },
  },
}

function componentSchema(registry: Registry, kind: ComponentKind): Schema {
  const specs = registry.names(kind).flatMap(name => registry.get(kind, name) ?? [])
  const shared: Record<string, Schema> = {}
  if (kind !== 'scanner' && kind !== 'buffer' && kind !== 'tracer')
    shared['label'] = { type: 'string', description: 'A name for this component, unique in the configuration.' }
  if (kind === 'input' || kind === 'output')
    shared['processors'] = {
      type: 'array',
      items: { $ref: '#/definitions/processor' },
      description: 'Processors that run on the messages of this component alone.',
    }
  return { type: 'object', properties: { ...Object.fromEntries(specs.map(namedSchema)), ...shared } }
}

function namedSchema(spec: AnySpec): [string, Schema] {
  const schema = fieldSchema(spec.config.shape)
  return [
    spec.name,
    {
      ...schema,
      description: [spec.summary, spec.description].filter(Boolean).join('\n\n'),
      ...(spec.status === 'deprecated' && { deprecated: true }),
    },
  ]
}

function fieldSchema(shape: FieldShape): Schema {
  const { description, default: value, deprecated, examples, structure } = shape
  const notes = {
    ...(description !== '' && { description }),
    ...(value !== undefined && { default: value }),
    ...(deprecated && { deprecated }),
    ...(examples !== undefined && examples.length > 0 && { examples }),
  }
  const item = scalarSchema(shape)
  switch (structure) {
    case 'scalar':
      return { ...item, ...notes }
    case 'array':
      return { type: 'array', items: item, ...notes }
    case '2darray':
      return { type: 'array', items: { type: 'array', items: item }, ...notes }
    case 'map':
      return { type: 'object', additionalProperties: item, ...notes }
    default:
      return structure satisfies never
  }
}

function scalarSchema({ type, children, options }: FieldShape): Schema {
  switch (type) {
    case 'unknown':
      return {}
    case 'string':
      return options === undefined ? { type: 'string' } : { type: 'string', enum: Object.keys(options) }
    case 'int':
      return { type: 'integer' }
    case 'float':
      return { type: 'number' }
    case 'bool':
      return { type: 'boolean' }
    case 'object': {
      if (children === undefined || Object.keys(children).length === 0) return { type: 'object' }
      const properties = Object.fromEntries(Object.entries(children).map(([name, child]) => [name, fieldSchema(child)]))
      return { type: 'object', additionalProperties: false, properties }
    }
    default:
      return { $ref: `#/definitions/${type}` }
  }
}
