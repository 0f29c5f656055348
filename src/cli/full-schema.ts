import { FUNCTION_SIGNATURES, METHOD_SIGNATURES } from '../bloblang/index.ts'
import {
  type AnySpec,
  type ComponentKind,
  configFields,
  type FieldShape,
  type Registry,
  shapesOf,
} from '../engine/index.ts'
import { version } from './version.ts'

/** Everything a configuration may contain, in the format of the original's `list --format json-full`. */
export interface FullSchema {
  readonly version: string
  readonly date: string
  readonly config: readonly FieldSchema[]
  readonly buffers: readonly ComponentSchema[]
  readonly caches: readonly ComponentSchema[]
  readonly inputs: readonly ComponentSchema[]
  readonly outputs: readonly ComponentSchema[]
  readonly processors: readonly ComponentSchema[]
  readonly 'rate-limits': readonly ComponentSchema[]
  readonly metrics: readonly ComponentSchema[]
  readonly tracers: readonly ComponentSchema[]
  readonly scanners: readonly ComponentSchema[]
  readonly 'bloblang-functions': readonly WordSchema[]
  readonly 'bloblang-methods': readonly WordSchema[]
}

export interface ComponentSchema {
  readonly name: string
  readonly type: ComponentKind
  readonly status: string
  readonly plugin: boolean
  readonly summary?: string
  readonly description?: string
  readonly categories: readonly string[] | null
  readonly examples?: readonly { readonly title: string; readonly summary: string; readonly config: string }[]
  readonly config: FieldSchema
  readonly version?: string
}

export interface FieldSchema {
  readonly name: string
  readonly type: FieldShape['type']
  readonly kind: FieldShape['structure']
  readonly description?: string
  readonly is_advanced?: boolean
  readonly is_deprecated?: boolean
  readonly is_optional?: boolean
  readonly is_secret?: boolean
  readonly default?: unknown
  readonly interpolated?: boolean
  readonly bloblang?: boolean
  readonly examples?: readonly unknown[]
  readonly annotated_options?: readonly (readonly [value: string, meaning: string])[]
  readonly options?: readonly string[]
  readonly children?: readonly FieldSchema[]
  readonly version?: string
}

/** A function or a method of the mapping language. */
interface WordSchema {
  readonly status: string
  readonly name: string
  readonly description?: string
  readonly params: { readonly variadic?: boolean; readonly named?: readonly object[] }
  readonly impure: boolean
  /** Of a function. */
  readonly category?: string
  /** Of a method. */
  readonly categories?: readonly { readonly Category: string }[]
}

interface Options {
  /** Only components and words of this status; all if empty. */
  readonly status: string
  /** Whether to leave out descriptions and examples. */
  readonly scrubbed?: boolean
}

/** The schema of all components in a registry whose files have been loaded. */
export function fullSchema(registry: Registry, { status, scrubbed = false }: Options): FullSchema {
  const isShown = (entry: { readonly status?: string }) => status === '' || (entry.status ?? 'stable') === status
  const components = (kind: ComponentKind) =>
    registry
      .names(kind)
      .flatMap(name => registry.get(kind, name) ?? [])
      .filter(isShown)
      .map(spec => componentSchema(spec, scrubbed))
  const { warpstream: _, ...shapes } = shapesOf(configFields)
  return {
    version,
    date: '',
    config: fieldSchemas(shapes, scrubbed),
    buffers: components('buffer'),
    caches: components('cache'),
    inputs: components('input'),
    outputs: components('output'),
    processors: components('processor'),
    'rate-limits': components('rate_limit'),
    metrics: components('metrics'),
    tracers: components('tracer'),
    scanners: components('scanner'),
    'bloblang-functions': FUNCTION_SIGNATURES.filter(isShown).map(entry => ({
      ...wordSchema(entry, scrubbed),
      category: entry.categories[0] ?? '',
    })),
    'bloblang-methods': METHOD_SIGNATURES.filter(isShown).map(entry => ({
      ...wordSchema(entry, scrubbed),
      ...(!scrubbed && { categories: entry.categories.map(name => ({ Category: name })) }),
    })),
  }
}

function componentSchema(spec: AnySpec, scrubbed: boolean): ComponentSchema {
  const { name, kind, status = 'stable', summary, description, categories, examples = [], version: since } = spec
  return {
    name,
    type: kind,
    status,
    plugin: true,
    ...(!scrubbed && { summary, ...(description !== undefined && { description }) }),
    categories: categories ?? null,
    ...(!scrubbed &&
      examples.length > 0 && {
        examples: examples.map(example => ({
          title: example.title,
          summary: example.summary ?? '',
          config: example.config,
        })),
      }),
    config: fieldSchema('', spec.config.shape, scrubbed),
    ...(since !== undefined && { version: since }),
  }
}

function fieldSchemas(shapes: Readonly<Record<string, FieldShape>>, scrubbed: boolean): readonly FieldSchema[] {
  return Object.entries(shapes).map(([name, shape]) => fieldSchema(name, shape, scrubbed))
}

function fieldSchema(name: string, shape: FieldShape, scrubbed: boolean): FieldSchema {
  const { type, structure, description, examples, options, children, version: since } = shape
  return {
    name,
    type,
    kind: structure,
    ...(!scrubbed && description !== '' && { description }),
    ...(shape.advanced === true && { is_advanced: true }),
    ...(shape.deprecated === true && { is_deprecated: true }),
    ...(shape.optional === true && { is_optional: true }),
    ...(shape.secret === true && { is_secret: true }),
    ...(shape.default !== undefined && { default: shape.default }),
    ...(shape.interpolated === true && { interpolated: true }),
    ...(shape.bloblang === true && { bloblang: true }),
    ...(!scrubbed && examples !== undefined && { examples }),
    ...(options !== undefined && optionsSchema(options, scrubbed)),
    ...(children !== undefined && { children: fieldSchemas(children, scrubbed) }),
    ...(since !== undefined && { version: since }),
  }
}

function optionsSchema(options: Readonly<Record<string, string>>, scrubbed: boolean): Partial<FieldSchema> {
  const hasMeanings = !scrubbed && Object.values(options).some(meaning => meaning !== '')
  return hasMeanings ? { annotated_options: Object.entries(options) } : { options: Object.keys(options) }
}

function wordSchema(entry: (typeof METHOD_SIGNATURES)[number], scrubbed: boolean): WordSchema {
  const { status, name, description, params, impure = false, variadic = false } = entry
  return {
    status,
    name,
    ...(!scrubbed && { description }),
    params: {
      ...(variadic && { variadic }),
      ...(params.length > 0 && {
        named: params.map(param => ({
          name: param.name,
          ...(!scrubbed && { description: param.description }),
          type: param.type,
          no_dynamic: param.static === true,
          scalars_to_literal: false,
          ...(param.optional === true && { is_optional: true }),
          ...(param.default !== undefined && { default: param.default }),
        })),
      }),
    },
    impure,
  }
}
