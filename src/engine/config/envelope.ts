import type { ComponentKind } from '../component.ts'
import type { FieldShape } from '../fields.ts'
import type { Registry } from '../registry.ts'
import { didYouMean } from './did-you-mean.ts'
import { type Node, resolved } from './node.ts'

const text: FieldShape = { type: 'string', structure: 'scalar', description: '', default: '' }
const common = { type: text, plugin: { ...text, type: 'object' } } as const
const label: FieldShape = {
  ...text,
  description: 'The name of the component in metrics, logs and references; unique in the configuration.',
}
const processors: FieldShape = {
  type: 'processor',
  structure: 'array',
  description: 'Processors that run only on the messages of this component.',
  default: [],
}
const mapping: FieldShape = { ...text, bloblang: true, description: 'A mapping that renames or drops metrics.' }

/** The fields allowed next to a component's name. */
export function reservedFields(kind: ComponentKind): Readonly<Record<string, FieldShape>> {
  switch (kind) {
    case 'input':
    case 'output':
      return { ...common, label, processors }
    case 'processor':
    case 'cache':
    case 'rate_limit':
      return { ...common, label }
    case 'metrics':
      return { ...common, mapping }
    case 'buffer':
    case 'scanner':
    case 'tracer':
      return common
  }
}

export type Inferred = { readonly name: string } | { readonly error: string; readonly hint?: string }

/**
 * Infers which component an object configures: from its `type`, or from the only key that names one. With `checkType`,
 * `type` must be known too.
 */
export function inferName(registry: Registry, kind: ComponentKind, written: Node, checkType = true): Inferred {
  const node = resolved(written)
  if (node.kind !== 'map') return { error: `invalid type ${node.tag}, expected object` }
  const reserved = reservedFields(kind)
  const candidates: string[] = []
  let name: string | undefined
  for (const { key, value } of node.entries) {
    if (key.value === 'type') {
      if (checkType && registry.get(kind, value.value) === undefined) {
        return { error: `${kind} type '${value.value}' was not recognised`, ...hintFor(registry, kind, value.value) }
      }
      if (checkType || value.value !== '') return { name: value.value }
    }
  }
  for (const { key } of node.entries) {
    if (Object.hasOwn(reserved, key.value)) continue
    candidates.push(key.value)
    if (registry.get(kind, key.value) === undefined) continue
    if (name !== undefined) {
      const [first, second] = [name, key.value].toSorted()
      return { error: `unable to infer ${kind} type, multiple candidates '${first}' and '${second}'` }
    }
    name = key.value
  }
  if (candidates.length === 0) return { error: `an explicit ${kind} type must be specified` }
  if (name === undefined) {
    const error = `unable to infer ${kind} type from candidates: [${candidates.toSorted().join(' ')}]`
    return { error, ...hintFor(registry, kind, candidates[0]!) }
  }
  return { name }
}

function hintFor(registry: Registry, kind: ComponentKind, word: string): { hint?: string } {
  const hint = didYouMean(word, registry.names(kind))
  return hint === undefined ? {} : { hint }
}
