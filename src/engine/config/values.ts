import type { FieldShape } from '../fields.ts'
import { type Node, parseFloatText, parseInteger, plainValue, resolved } from './node.ts'

/** A value that does not have its field's type. The text is the original's. */
export class ValueError extends Error {
  readonly line: number
  constructor(message: string, line: number) {
    super(message)
    this.name = 'ValueError'
    this.line = line
  }
}

/** Whether a field must have a default if it is not written. */
export function needsValue(shape: FieldShape): boolean {
  return !shape.optional && !shape.deprecated
}

/** The value of a field that is not written, with the defaults of its children; undefined if it has none. */
export function defaultOf(shape: FieldShape): unknown {
  const children = Object.entries(shape.children ?? {})
  if (shape.default !== undefined) {
    if (children.length === 0 || shape.structure !== 'scalar' || typeof shape.default !== 'object') return shape.default
    const result: Record<string, unknown> = { ...shape.default }
    for (const [name, child] of children) {
      const value = name in result ? result[name] : defaultOf(child)
      if (value !== undefined) result[name] = value
    }
    return result
  }
  if (shape.structure === 'array' || shape.structure === '2darray') return []
  if (shape.structure === 'map') return {}
  if (children.length === 0) return undefined
  const result: Record<string, unknown> = {}
  for (const [name, child] of children) {
    const value = defaultOf(child)
    if (value !== undefined) result[name] = value
    else if (needsValue(child)) return undefined
  }
  return result
}

/** A value as plain JavaScript with defaults, regardless of errors; undefined if nothing sensible results. */
export function looseValue(shape: FieldShape, written: Node): { value: unknown } | undefined {
  const node = resolved(written)
  try {
    return { value: loose(shape, node) }
  } catch (error) {
    if (error instanceof ValueError) return undefined
    throw error
  }
}

function loose(shape: FieldShape, written: Node): unknown {
  const node = resolved(written)
  switch (shape.structure) {
    case '2darray':
      return node.items.map(item => loose({ ...shape, structure: 'array' }, item))
    case 'array':
      return node.items.map(item => loose({ ...shape, structure: 'scalar' }, item))
    case 'map':
      return Object.fromEntries(
        node.entries.map(entry => [entry.key.value, loose({ ...shape, structure: 'scalar' }, entry.value)]),
      )
    case 'scalar':
      break
  }
  switch (shape.type) {
    case 'string':
      return stringValue(node)
    case 'int':
      return intValue(node)
    case 'float':
      return floatValue(node)
    case 'bool':
      return boolValue(node)
    case 'object':
      return shape.children === undefined ? plainValue(node) : looseFields(shape, node)
    default:
      return plainValue(node)
  }
}

function looseFields(shape: FieldShape, node: Node): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  const children = shape.children ?? {}
  for (const { key, value } of node.entries) {
    const child = Object.hasOwn(children, key.value) ? children[key.value] : undefined
    result[key.value] = child === undefined ? plainValue(value) : loose(child, value)
  }
  for (const [name, child] of Object.entries(children)) {
    if (Object.hasOwn(result, name)) continue
    const value = defaultOf(child)
    if (value !== undefined) result[name] = value
  }
  return result
}

/** Throws a {@link ValueError} for the first field of a wrong type; does not descend into components. */
export function checkFields(shapes: Readonly<Record<string, FieldShape>>, written: Node): void {
  for (const { key, value } of resolved(written).entries) {
    const shape = Object.hasOwn(shapes, key.value) ? shapes[key.value] : undefined
    if (shape === undefined) continue
    try {
      check(shape, value)
    } catch (error) {
      if (error instanceof ValueError) throw new ValueError(`field '${key.value}': ${error.message}`, error.line)
      throw error
    }
  }
}

function checkObject(shape: FieldShape, node: Node): void {
  const children = shape.children ?? {}
  checkFields(children, node)
  for (const [name, child] of Object.entries(children)) {
    if (!needsValue(child) || defaultOf(child) !== undefined) continue
    if (!node.entries.some(entry => entry.key.value === name)) {
      throw new ValueError(`field '${name}' is required and was not present in the config`, node.line)
    }
  }
}

function check(shape: FieldShape, written: Node): void {
  const node = resolved(written)
  switch (shape.structure) {
    case '2darray':
    case 'array':
      if (node.kind !== 'seq')
        throw new ValueError(`line ${node.line}: expected array value, got ${node.tag}`, node.line)
      for (const item of node.items)
        check({ ...shape, structure: shape.structure === 'array' ? 'scalar' : 'array' }, item)
      return
    case 'map':
      if (node.kind !== 'map') throw new ValueError(`line ${node.line}: expected map value, got ${node.tag}`, node.line)
      for (const entry of node.entries) check({ ...shape, structure: 'scalar' }, entry.value)
      return
    case 'scalar':
      if (shape.type === 'object') checkObject(shape, node)
      else if (['string', 'int', 'float', 'bool'].includes(shape.type)) loose(shape, node)
  }
}

export function stringValue(written: Node): string {
  const node = resolved(written)
  if (node.kind !== 'scalar') throw wrong(node, node.tag, 'string')
  return node.tag === '!!null' ? '' : node.value
}

export function intValue(written: Node): number {
  const node = resolved(written)
  if (node.kind === 'scalar' && node.tag === '!!null') return 0
  if (node.kind === 'scalar' && node.tag === '!!int') return Number(parseInteger(node.value))
  if (node.kind === 'scalar' && node.tag === '!!float') {
    const value = parseFloatText(node.value)
    if (Number.isInteger(value)) return value
  }
  throw wrong(node, node.tag, 'int')
}

export function floatValue(written: Node): number {
  const node = resolved(written)
  if (node.kind === 'scalar' && node.tag === '!!null') return 0
  if (node.kind === 'scalar' && node.tag === '!!int') return Number(parseInteger(node.value))
  if (node.kind === 'scalar' && node.tag === '!!float') return parseFloatText(node.value)
  throw wrong(node, node.tag, 'float64')
}

export function boolValue(written: Node): boolean {
  const node = resolved(written)
  if (node.kind === 'scalar' && node.tag === '!!null') return false
  // YAML 1.1 has more spellings of booleans; they are accepted where a boolean is expected.
  if (node.kind === 'scalar' && node.style === 'plain') {
    if (/^(true|True|TRUE|y|Y|yes|Yes|YES|on|On|ON)$/.test(node.value)) return true
    if (/^(false|False|FALSE|n|N|no|No|NO|off|Off|OFF)$/.test(node.value)) return false
  }
  throw wrong(node, node.tag, 'bool')
}

function wrong(node: Node, tag: string, type: string): ValueError {
  const shown =
    node.kind === 'scalar' ? ` \`${node.value.length > 10 ? `${node.value.slice(0, 7)}...` : node.value}\`` : ''
  return new ValueError(
    `yaml: unmarshal errors:\n  line ${node.line}: cannot unmarshal ${tag}${shown} into ${type}`,
    node.line,
  )
}
