import process from 'node:process'
import {
  type AnySpec,
  type ComponentKind,
  configFields,
  type FieldShape,
  type Node,
  nodeOf,
  normalised,
  printYaml,
  type Registry,
  shapesOf,
  stringNode,
  streamFields,
} from '../engine/index.ts'
import type { EngineOptions } from './options.ts'
import { registryOf } from './templates.ts'

/** The word does not name a component. */
class UnknownName extends Error {}

/**
 * Prints a configuration of the components of an expression such as `stdin/mapping,log/stdout`. Resolves to the exit
 * code.
 */
export async function createConfig(options: EngineOptions, { small }: { readonly small: boolean }): Promise<number> {
  const registry = await registryOf(options)
  const lists = (options.words[0] ?? '').split('/').map(list =>
    list
      .split(',')
      .map(name => name.trim())
      .filter(name => name !== ''),
  )
  if (lists.length > 3) return fail('more component separators than expected')
  await registry.load([...lists.flat(), 'stdin', 'stdout', 'broker', 'none', 'prometheus'])
  try {
    const [inputs = [], processors = [], outputs = []] = lists
    const body = (kind: ComponentKind, name: string) =>
      mapNode({ [name]: template(specOf(registry, kind, name).config.shape, small) })
    const several = (kind: 'input' | 'output', names: readonly string[], fallback: string) => {
      const [name] = names
      if (name === undefined) return mapNode({ [fallback]: nodeOf({}) })
      if (names.length === 1) return body(kind, name)
      return mapNode({ broker: mapNode({ [`${kind}s`]: listNode(names.map(each => body(kind, each))) }) })
    }
    const config = mapNode({
      input: several('input', inputs, 'stdin'),
      pipeline: mapNode({ processors: listNode(processors.map(name => body('processor', name))) }),
      output: several('output', outputs, 'stdout'),
      tests: nodeOf([]),
    })
    const { warpstream: _, ...shapes } = shapesOf(configFields)
    process.stdout.write(`${printYaml(normalised(registry, small ? shapesOf(streamFields) : shapes, config))}\n`)
    return 0
  } catch (error) {
    if (error instanceof UnknownName) return fail(error.message)
    throw error
  }
}

function mapNode(fields: Readonly<Record<string, Node>>): Node {
  return { ...nodeOf({}), entries: Object.entries(fields).map(([name, value]) => ({ key: stringNode(name), value })) }
}

function listNode(items: Node[]): Node {
  return { ...nodeOf([]), items }
}

function fail(message: string): number {
  process.stderr.write(`Generate error: ${message}\n`)
  return 1
}

function specOf(registry: Registry, kind: ComponentKind, name: string): AnySpec {
  const spec = registry.get(kind, name)
  if (spec === undefined) throw new UnknownName(`unrecognised ${kind} type '${name}'`)
  return spec
}

/** Every field with its default; a field without one gets its first example or an empty value, and a remark. */
function template(shape: FieldShape, small: boolean): Node {
  if (shape.default !== undefined) return nodeOf(shape.default)
  const children = Object.entries(shape.children ?? {})
  if (children.length > 0 && (shape.structure === 'scalar' || shape.structure === 'map')) {
    const entries = children
      .filter(([, child]) => child.deprecated !== true && !(small && child.advanced === true))
      .map(([name, child]) => ({ key: stringNode(name), value: template(child, small) }))
    return { ...nodeOf({}), entries }
  }
  const remark = `No default (${shape.optional === true ? 'optional' : 'required'})`
  return { ...nodeOf(placeholder(shape)), remark }
}

/** Only single values are shown by an example, as in the original. */
function placeholder(shape: FieldShape): unknown {
  if (shape.structure === 'array' || shape.structure === '2darray') return []
  if (shape.structure === 'map') return {}
  if (shape.examples?.[0] !== undefined) return shape.examples[0]
  switch (shape.type) {
    case 'string':
      return ''
    case 'int':
    case 'float':
      return 0
    case 'bool':
      return false
    default:
      return null
  }
}
