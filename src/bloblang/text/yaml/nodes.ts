// The nodes of a YAML document.
import type { MappingError } from '../../errors.ts'
import type { Value } from '../../value.ts'

/** A semantic error of a document: an entry of the error list, or an error that is reported alone. */
export type YamlFault = string | MappingError

interface NodeBase {
  /** Counted from zero; the line of the anchor or tag, if there is one. */
  readonly line: number
  /** The text of a scalar, or the name of an alias. */
  readonly text: string
  /** In short form; empty for a plain scalar without a tag. */
  readonly tag: string
  value: Value
  faults: readonly YamlFault[]
}

/** A value that contains no others. */
export interface ScalarNode extends NodeBase {
  readonly kind: 'scalar'
}

/** `*name`. */
interface AliasNode extends NodeBase {
  readonly kind: 'alias'
  readonly target: ScalarNode | CollectionNode
  /** Set if an alias is not allowed here, whatever its target. */
  readonly ownFault: MappingError | undefined
}

/** A sequence or a mapping. */
export interface CollectionNode extends NodeBase {
  readonly kind: 'sequence' | 'mapping'
  /** Elements, or alternating keys and values. */
  readonly items: YamlNode[]
  isComplete: boolean
  /** How many values the original creates for it; while it is open, how many were created before it. */
  size: number
  /** Whether it has duplicate keys. */
  isRefused: boolean
  /** Whether all keys are strings or `<<` and there are no errors, so that others can merge its fields directly. */
  isOrdinary: boolean
}

/** Any node of a document. */
export type YamlNode = ScalarNode | AliasNode | CollectionNode

/** The errors of most nodes. */
export const NO_FAULTS: readonly YamlFault[] = []
/** Tags that the builder handles, in short form. */
export const STRING_TAG = '!!str'
export const MERGE_TAG = '!!merge'

/** The errors of several nodes, up to the first one that is reported alone. */
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
