import process from 'node:process'
import {
  type AnySpec,
  type ComponentKind,
  configFields,
  type FieldShape,
  nodeOf,
  normalised,
  printYaml,
  type Registry,
  shapesOf,
  streamFields,
} from '../engine/index.ts'
import type { EngineOptions } from './options.ts'
import { registryOf } from './templates.ts'

/** A word that names no component. */
class UnknownName extends Error {}

/** Prints a configuration of the components of an expression such as `stdin/mapping,log/stdout`. Resolves to the exit code. */
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
    const body = (kind: ComponentKind, name: string) => ({
      [name]: template(specOf(registry, kind, name).config.shape, small),
    })
    const several = (kind: 'input' | 'output', names: readonly string[], fallback: string) => {
      if (names.length < 2) return body(kind, names[0] ?? fallback)
      return { broker: { [`${kind}s`]: names.map(name => body(kind, name)) } }
    }
    const config = {
      input: several('input', inputs, 'stdin'),
      pipeline: { processors: processors.map(name => body('processor', name)) },
      output: several('output', outputs, 'stdout'),
    }
    const { warpstream: _, tests: __, ...shapes } = shapesOf(configFields)
    process.stdout.write(
      `${printYaml(normalised(registry, small ? shapesOf(streamFields) : shapes, nodeOf(config)))}\n`,
    )
    return 0
  } catch (error) {
    if (error instanceof UnknownName) return fail(error.message)
    throw error
  }
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

/** Every field with its default, or with an empty value of its type where it has none. */
function template(shape: FieldShape, small: boolean): unknown {
  if (shape.default !== undefined) return shape.default
  if (shape.structure === 'array' || shape.structure === '2darray') return []
  if (shape.structure === 'map') return {}
  switch (shape.type) {
    case 'string':
      return shape.examples?.[0] ?? ''
    case 'int':
    case 'float':
      return 0
    case 'bool':
      return false
    case 'object': {
      const children = Object.entries(shape.children ?? {}).filter(
        ([, child]) => child.deprecated !== true && !(small && child.advanced === true),
      )
      return Object.fromEntries(children.map(([name, child]) => [name, template(child, small)]))
    }
    default:
      return null
  }
}
