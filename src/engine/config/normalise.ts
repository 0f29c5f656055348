import type { ComponentKind } from '../component.ts'
import type { FieldShape } from '../fields.ts'
import type { Registry } from '../registry.ts'
import { inferName } from './envelope.ts'
import { type Node, nodeOf, resolved, stringNode, valueOf } from './node.ts'
import { defaultOf } from './values.ts'

const SCRUBBED = '!!!SECRET_SCRUBBED!!!'

/**
 * A configuration with the defaults of its core fields, in field order, without `type` and with secrets scrubbed, as
 * the original's `echo` prints it. The bodies of components keep only the fields that were written.
 */
export function normalised(registry: Registry, shapes: Readonly<Record<string, FieldShape>>, root: Node): Node {
  return fields(registry, shapes, root, true)
}

function fields(
  registry: Registry,
  shapes: Readonly<Record<string, FieldShape>>,
  written: Node,
  withDefaults: boolean,
): Node {
  const node = resolved(written)
  const entries = Object.entries(shapes).flatMap(([name, shape]) => {
    const value = valueOf(node, name)
    if (value !== undefined) return [{ key: stringNode(name), value: field(registry, shape, value, withDefaults) }]
    const fallback = withDefaults && shape.optional !== true ? defaultOf(shape) : undefined
    return fallback === undefined
      ? []
      : [{ key: stringNode(name), value: field(registry, shape, nodeOf(fallback), true) }]
  })
  // With defaults added it is too long for one line.
  return { ...node, kind: 'map', tag: '!!map', entries, ...(withDefaults && { flow: false }) }
}

function field(registry: Registry, shape: FieldShape, written: Node, withDefaults: boolean): Node {
  const node = resolved(written)
  const each = (child: Node) => field(registry, { ...shape, structure: 'scalar' }, child, withDefaults)
  switch (shape.structure) {
    case '2darray':
      return {
        ...node,
        items: node.items.map(item => field(registry, { ...shape, structure: 'array' }, item, withDefaults)),
      }
    case 'array':
      return { ...node, items: node.items.map(each) }
    case 'map':
      return { ...node, entries: node.entries.map(({ key, value }) => ({ key, value: each(value) })) }
    case 'scalar':
      break
  }
  switch (shape.type) {
    case 'object':
      return shape.children === undefined ? node : fields(registry, shape.children, node, withDefaults)
    case 'string':
    case 'int':
    case 'float':
    case 'bool':
    case 'unknown':
      // A reference to the environment is not itself a secret.
      return shape.secret === true && node.value !== '' && !/^\$\{[^}]*\}$/.test(node.value)
        ? stringNode(SCRUBBED)
        : node
    default:
      return component(registry, shape.type, node)
  }
}

/** The same for a single component; its label is always included. */
export function normalisedComponent(registry: Registry, kind: ComponentKind, written: Node): Node {
  const node = component(registry, kind, resolved(written))
  return valueOf(node, 'label') === undefined
    ? { ...node, entries: [...nodeOf({ label: '' }).entries, ...node.entries] }
    : node
}

function component(registry: Registry, kind: ComponentKind, node: Node): Node {
  const inferred = inferName(registry, kind, node)
  if ('error' in inferred) return node
  const spec = registry.get(kind, inferred.name)!
  const body = valueOf(node, spec.name) ?? valueOf(node, 'plugin') ?? nodeOf({})
  const kept = (name: string) => node.entries.filter(entry => entry.key.value === name)
  const processors = kept('processors').map(({ key, value }) => ({
    key,
    value: {
      ...resolved(value),
      items: resolved(value).items.map(item => component(registry, 'processor', resolved(item))),
    },
  }))
  return {
    ...node,
    entries: [
      ...kept('label'),
      { key: stringNode(spec.name), value: field(registry, spec.config.shape, body, false) },
      ...processors,
      ...(kind === 'metrics' ? kept('mapping') : []),
    ],
  }
}
