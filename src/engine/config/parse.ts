import { messageOf } from '../../base/index.ts'
import type { Host, Interpolation, Mapping } from '../../bloblang/index.ts'
import { type ComponentConfig, type ComponentKind, ConfigError, InitError } from '../component.ts'
import type { FieldMap, FieldShape, Infer } from '../fields.ts'
import { needsOf, refusedNeeds, type Need } from '../needs.ts'
import type { Registry } from '../registry.ts'
import { parseDuration } from './duration.ts'
import { inferName } from './envelope.ts'
import { type Node, nodeOf, plainValue, resolved, valueOf } from './node.ts'
import { boolValue, floatValue, intValue, looseValue, needsValue, stringValue, ValueError } from './values.ts'

/** What parsing the values of a configuration requires. */
export interface ParseContext {
  readonly registry: Registry
  /** Says what the stream is not granted; absent if everything is granted. */
  readonly refusal?: NonNullable<Host['refusal']>
  /** Throws `ConfigError`. */
  compileMapping(text: string): Mapping
  compileInterpolation(text: string): Interpolation
}

/** The parsed form of an object of fields. Throws {@link ConfigError}. */
export function parseFields<F extends FieldMap>(context: ParseContext, fields: F, node: Node, path: string): Infer<F> {
  const children = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value.shape]))
  // Infer derives this type from the same children.
  return parseObject(context, children, node, path) as Infer<F>
}

/** The parsed form of one field. Throws {@link ConfigError}. */
export function parseValue(context: ParseContext, shape: FieldShape, written: Node, path: string): unknown {
  try {
    return parse(context, shape, written, path)
  } catch (error) {
    if (error instanceof ValueError) throw new ConfigError(error.message, { cause: error })
    throw error
  }
}

function parse(context: ParseContext, shape: FieldShape, written: Node, path: string): unknown {
  const node = resolved(written)
  switch (shape.structure) {
    case '2darray':
    case 'array': {
      if (node.kind !== 'seq') throw new ConfigError(`line ${node.line}: expected array value, got ${node.tag}`)
      const element: FieldShape = { ...shape, structure: shape.structure === '2darray' ? 'array' : 'scalar' }
      return node.items.map((item, index) => parse(context, element, item, `${path}.${index}`))
    }
    case 'map': {
      if (node.kind !== 'map') throw new ConfigError(`line ${node.line}: expected map value, got ${node.tag}`)
      const element: FieldShape = { ...shape, structure: 'scalar' }
      const result: Record<string, unknown> = {}
      for (const { key, value } of node.entries)
        result[key.value] = parse(context, element, value, `${path}.${key.value}`)
      return result
    }
    case 'scalar':
      return parseScalar(context, shape, node, path)
  }
}

function parseScalar(context: ParseContext, shape: FieldShape, node: Node, path: string): unknown {
  const value = shape.needs === undefined ? undefined : looseValue(shape, node)
  if (value !== undefined) refuseUnmet(context, shape.needs!.of(value.value), path)
  switch (shape.type) {
    case 'string': {
      const text = stringValue(node)
      if (shape.interpolated) return context.compileInterpolation(text)
      if (shape.bloblang && text === '') {
        // Only an optional mapping may be empty.
        if (shape.default !== undefined || shape.optional === true) return null
        const why = 'expected import, map, or assignment, but reached end of input'
        throw new ConfigError(`failed to parse bloblang mapping '${path}': ${why}`)
      }
      if (shape.bloblang) return context.compileMapping(text)
      if (shape.duration) return duration(text, path)
      return text
    }
    case 'int':
      return intValue(node)
    case 'float':
      return floatValue(node)
    case 'bool':
      return boolValue(node)
    case 'unknown':
      return plainValue(node)
    case 'object':
      return shape.children === undefined ? plainValue(node) : parseObject(context, shape.children, node, path)
    default:
      return parseComponent(context, shape.type, node, path)
  }
}

function duration(text: string, path: string): number | undefined {
  if (text === '') return undefined
  try {
    return parseDuration(text)
  } catch (error) {
    const field = path.slice(path.lastIndexOf('.') + 1)
    throw new ConfigError(`failed to parse '${field}' as a duration string: ${messageOf(error)}`, { cause: error })
  }
}

function parseObject(
  context: ParseContext,
  children: Readonly<Record<string, FieldShape>>,
  node: Node,
  path: string,
): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const [name, shape] of Object.entries(children)) {
    const childPath = path === '' ? name : `${path}.${name}`
    const written = valueOf(node, name)
    try {
      result[name] =
        written === undefined
          ? parseDefault(context, shape, childPath, name)
          : parse(context, shape, written, childPath)
    } catch (error) {
      if (error instanceof ValueError) throw new ConfigError(`field '${name}': ${error.message}`, { cause: error })
      throw error
    }
  }
  return result
}

/** The value of an absent field: its default or, for an object, the defaults of its children. */
function parseDefault(context: ParseContext, shape: FieldShape, path: string, name: string): unknown {
  if (shape.default !== undefined) return parse(context, shape, nodeOf(shape.default), path)
  if (shape.optional) return undefined
  if (shape.structure === 'array' || shape.structure === '2darray') return []
  if (shape.structure === 'map') return {}
  if (shape.type === 'object' && shape.children !== undefined)
    return parseObject(context, shape.children, nodeOf({}), path)
  if (needsValue(shape)) throw new ConfigError(`field '${name}' is required and was not present in the config`)
  return undefined
}

/** Parses the configuration of a component from its envelope. Throws {@link ConfigError}. */
export function parseComponent(
  context: ParseContext,
  kind: ComponentKind,
  written: Node,
  path: string,
): ComponentConfig {
  const node = resolved(written)
  const inferred = inferName(context.registry, kind, node)
  if ('error' in inferred) throw new ConfigError(inferred.error)
  const spec = context.registry.get(kind, inferred.name)
  if (spec === undefined) throw new ConfigError(`${kind} type '${inferred.name}' was not recognised`)
  refuseUnmet(context, needsOf(spec), `${path}.${spec.name}`)
  const body = valueOf(node, spec.name) ?? valueOf(node, 'plugin')
  const processors = valueOf(node, 'processors')
  const label = valueOf(node, 'label')
  const mapping = kind === 'metrics' ? stringValue(valueOf(node, 'mapping') ?? nodeOf('')) : ''
  const bodyPath = `${path}.${spec.name}`
  // A null body is treated as absent: all defaults.
  const isEmpty = body === undefined || (body.tag === '!!null' && body.value === 'null')
  const component = { kind, label: label === undefined ? '' : stringValue(label), path }
  const parsed: ComponentConfig = {
    ...component,
    fresh: () => parseComponent(context, kind, written, path),
    written,
    name: spec.name,
    spec,
    ...(mapping === '' ? {} : { mapping: context.compileMapping(mapping) }),
    config: bodyOf(component, () =>
      isEmpty
        ? parseDefault(context, spec.config.shape, bodyPath, spec.name)
        : parse(context, spec.config.shape, body, bodyPath),
    ),
    processors:
      (kind === 'input' || kind === 'output') && processors !== undefined
        ? resolved(processors).items.map((item, index) =>
            parseComponent(context, 'processor', item, `${path}.processors.${index}`),
          )
        : [],
  }
  return spec.expand === undefined ? parsed : expanded(context, parsed, spec.expand)
}

/** Returns the result of `parseBody`; a parse error is reported as the component's failure to initialize. */
function bodyOf<T>(component: Parameters<typeof InitError.of>[0], parseBody: () => T): T {
  try {
    return parseBody()
  } catch (error) {
    throw error instanceof ConfigError || error instanceof ValueError ? InitError.of(component, error) : error
  }
}

/** Throws a {@link ConfigError} for the first need that is not granted. */
function refuseUnmet({ refusal }: ParseContext, needs: readonly Need[], path: string): void {
  const [refused] = refusedNeeds(refusal, needs)
  if (refused !== undefined) throw new ConfigError(`${path}: ${refused.text}`)
}

/** The component that a template expands to; the template's own processors come outermost. */
function expanded(
  context: ParseContext,
  template: ComponentConfig,
  expand: (config: unknown) => Node,
): ComponentConfig {
  const inner = parseComponent(context, template.kind, expand(template.config), template.path)
  const processors =
    template.kind === 'input'
      ? [...inner.processors, ...template.processors]
      : [...template.processors, ...inner.processors]
  return { ...inner, fresh: template.fresh, label: template.label, processors }
}
