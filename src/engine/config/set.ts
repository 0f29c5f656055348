import { type ComponentKind, ConfigError } from '../component.ts'
import type { FieldShape } from '../fields.ts'
import type { Registry } from '../registry.ts'
import { reservedFields } from './envelope.ts'
import { didYouMean } from './did-you-mean.ts'
import { type Node, nullNode, plainScalar, resolved, stringNode } from './node.ts'

type Shapes = Readonly<Record<string, FieldShape>>

/** A `--set` expression, split at its first `=`. */
export interface Override {
  /** The segments of the path. */
  readonly path: readonly string[]
  /** The text after the `=`, verbatim. */
  readonly text: string
}

/**
 * Splits `path.to.field=value`; in a segment, `~1` stands for a dot and `~0` for a tilde. Throws {@link ConfigError}.
 */
export function parseOverride(expression: string): Override {
  const separator = expression.indexOf('=')
  if (separator < 1 || separator === expression.length - 1) {
    throw new ConfigError(`invalid set expression '${expression}': expected foo=bar syntax`)
  }
  const path = expression
    .slice(0, separator)
    .split('.')
    .map(segment => segment.replaceAll('~1', '.').replaceAll('~0', '~'))
  return { path, text: expression.slice(separator + 1) }
}

/**
 * The configuration with one field replaced. The value is raw text, not YAML, and gets the type of an unquoted scalar.
 * `-` appends to a list. Throws {@link ConfigError} if the path does not lead to a field.
 */
export function applyOverride(registry: Registry, shapes: Shapes, root: Node, { path, text }: Override): Node {
  return setAt(registry, shapes, root, path, plainScalar(text))
}

/**
 * The configuration with another value at a path of field names, indexes and component names. `-` appends to a list.
 * Throws {@link ConfigError} if the path does not lead to a field.
 */
export function setAt(registry: Registry, shapes: Shapes, root: Node, path: readonly string[], value: Node): Node {
  return new Setter(registry, path, value).setIn(shapes, root, 0)
}

/** Walks down the path and rebuilds the nodes on it; each method is passed the number of segments consumed. */
class Setter {
  readonly #registry: Registry
  readonly #path: readonly string[]
  readonly #value: Node

  constructor(registry: Registry, path: readonly string[], value: Node) {
    this.#registry = registry
    this.#path = path
    this.#value = value
  }

  setIn(shapes: Shapes, object: Node, depth: number): Node {
    const name = this.#path[depth]!
    const shape = Object.hasOwn(shapes, name) ? shapes[name] : undefined
    if (shape === undefined) throw this.#unknown(depth, Object.keys(shapes))
    return this.#setEntry(shape, object, depth)
  }

  #setEntry(shape: FieldShape, object: Node, depth: number): Node {
    const name = this.#path[depth]!
    const { entries } = resolved(object)
    const existing = entries.findLast(({ key }) => key.value === name)
    const value = this.#setField(shape, existing?.value ?? nullNode(0, 1), depth + 1)
    const changed =
      existing === undefined
        ? [...entries, { key: stringNode(name), value }]
        : entries.map(entry => (entry === existing ? { ...entry, value } : entry))
    return { ...resolved(object), kind: 'map', tag: '!!map', value: '', items: [], entries: changed }
  }

  #setField(shape: FieldShape, node: Node, depth: number): Node {
    const isLast = depth === this.#path.length
    switch (shape.structure) {
      case 'map':
        if (isLast) throw this.#failure(depth, 'cannot set map directly')
        return this.#setEntry({ ...shape, structure: 'scalar' }, node, depth)
      case 'array':
      case '2darray': {
        const element: FieldShape = { ...shape, structure: shape.structure === '2darray' ? 'array' : 'scalar' }
        if (isLast && resolved(this.#value).kind === 'seq') return this.#value
        if (isLast) return listOf(nullNode(0, 1), [this.#setField(element, nullNode(0, 1), depth)])
        return this.#setItem(element, node, depth)
      }
      case 'scalar':
        return isLast ? this.#value : this.#setInside(shape, node, depth)
    }
  }

  #setItem(shape: FieldShape, list: Node, depth: number): Node {
    const segment = this.#path[depth]!
    const items = [...resolved(list).items]
    const index = segment === '-' ? items.length : Number(segment)
    if (segment !== '-' && !/^\d+$/.test(segment))
      throw this.#failure(depth + 1, 'a list needs an index, or `-` to append')
    if (segment !== '-' && index >= items.length)
      throw this.#failure(depth + 1, 'target index greater than array length')
    items[index] = this.#setField(shape, items[index] ?? nullNode(0, 1), depth + 1)
    return listOf(list, items)
  }

  #setInside(shape: FieldShape, node: Node, depth: number): Node {
    switch (shape.type) {
      case 'object':
        return this.setIn(shape.children ?? {}, node, depth)
      case 'string':
      case 'int':
      case 'float':
      case 'bool':
      case 'unknown':
        throw this.#unknown(depth, [])
      default:
        return this.#setInComponent(shape.type, node, depth)
    }
  }

  #setInComponent(kind: ComponentKind, node: Node, depth: number): Node {
    const name = this.#path[depth]!
    const reserved = reservedFields(kind)
    if (Object.hasOwn(reserved, name)) return this.setIn(reserved, node, depth)
    const spec = this.#registry.get(kind, name)
    if (spec === undefined) throw this.#unknown(depth, this.#registry.names(kind))
    return this.#setEntry(spec.config.shape, node, depth)
  }

  #unknown(depth: number, known: readonly string[]): ConfigError {
    const hint = didYouMean(this.#path[depth]!, known)
    return this.#failure(depth + 1, `field not recognised${hint === undefined ? '' : `, ${hint}`}`)
  }

  #failure(segments: number, reason: string): ConfigError {
    return new ConfigError(`failed to set config field override: ${this.#path.slice(0, segments).join('.')}: ${reason}`)
  }
}

function listOf(previous: Node, items: Node[]): Node {
  return { ...resolved(previous), kind: 'seq', tag: '!!seq', value: '', entries: [], items }
}
