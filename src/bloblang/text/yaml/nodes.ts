// The parts of a YAML document.
import type { MappingError } from '../../errors.ts'
import type { Value } from '../../value.ts'

/** Something wrong with the meaning of a document: a line of the list of faults, or a fault that is reported alone. */
export type YamlFault = string | MappingError

interface NodeBase {
  /** From zero, where its anchor or tag stands if it has one. */
  readonly line: number
  /** What a scalar says, what an alias is called. */
  readonly text: string
  /** In its short form; empty of a plain scalar without one. */
  readonly tag: string
  value: Value
  faults: readonly YamlFault[]
}

/** A value without others in it. */
export interface ScalarNode extends NodeBase {
  readonly kind: 'scalar'
}

/** `*name`. */
interface AliasNode extends NodeBase {
  readonly kind: 'alias'
  readonly target: ScalarNode | CollectionNode
  /** It cannot stand here, whatever its target is. */
  readonly ownFault: MappingError | undefined
}

/** A sequence or a mapping. */
export interface CollectionNode extends NodeBase {
  readonly kind: 'sequence' | 'mapping'
  /** Elements; keys and values by turns. */
  readonly items: YamlNode[]
  isComplete: boolean
  /** How many values the original makes of it; while it is open, how many have been made before. */
  size: number
  /** Whether it has a key twice. */
  isRefused: boolean
  /** Whether all keys are strings, or `<<`, and nothing is wrong with it: others can merge its fields as they are. */
  isOrdinary: boolean
}

/** Anything that stands in a document. */
export type YamlNode = ScalarNode | AliasNode | CollectionNode

/** The faults of most nodes. */
export const NO_FAULTS: readonly YamlFault[] = []
/** Tags that the builder looks for, in their short form. */
export const STRING_TAG = '!!str'
export const MERGE_TAG = '!!merge'

/** The faults of some nodes, up to the first that is reported alone. */
export function joinFaults(nodes: readonly YamlNode[]): readonly YamlFault[] {
  let all: YamlFault[] | undefined
  for (const { faults } of nodes) {
    for (const fault of faults) {
      all ??= []
      all.push(fault)
      if (typeof fault !== 'string') return all
    }
  }
  return all ?? NO_FAULTS
}
