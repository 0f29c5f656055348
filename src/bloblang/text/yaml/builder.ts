/**
 * Builds the values of a YAML document, each as soon as it is complete. Errors of a value are stored with it, because a
 * later syntax error takes precedence, and because the original does not look into a mapping with duplicate keys.
 */
import { MappingError } from '../../errors.ts'
import type { Value } from '../../value.ts'
import { yamlFault } from './cursor.ts'
import { composeMapping } from './mapping.ts'
import {
  type CollectionNode,
  joinFaults,
  MERGE_TAG,
  NO_FAULTS,
  type ScalarNode,
  STRING_TAG,
  type YamlNode,
} from './nodes.ts'
import { resolvePlain, resolveTagged } from './resolve.ts'

/** The tag and anchor before a value. */
export interface YamlProperties {
  readonly line: number
  /** In short form; empty if absent. */
  readonly tag: string
  /** Empty if absent. */
  readonly anchor: string
}

/** Creates values for the nodes that the parser reports, as it goes. */
export class YamlBuilder {
  readonly #anchors = new Map<string, ScalarNode | CollectionNode>()
  readonly #open: CollectionNode[] = []
  #root: YamlNode | undefined
  /** How many values the original would have created so far, including that of the document. */
  #count = 1
  #aliasCount = 0

  /** A plain scalar without tag or anchor. */
  plain(line: number, text: string): void {
    this.#count++
    const tag = text === '<<' ? MERGE_TAG : ''
    this.#add({ kind: 'scalar', line, text, tag, value: resolvePlain(text), faults: NO_FAULTS })
  }

  scalar({ line, tag, anchor }: YamlProperties, text: string, isQuoted: boolean): void {
    if (tag === '' && anchor === '' && !isQuoted) return this.plain(line, text)
    this.#count++
    const ownTag = hasMeaning(tag) ? tag : isQuoted ? STRING_TAG : text === '<<' ? MERGE_TAG : ''
    const node = scalarNode(line, ownTag, text)
    if (anchor !== '') this.#anchors.set(anchor, node)
    this.#add(node)
  }

  alias(line: number, name: string): void {
    this.#count++
    const target = this.#anchors.get(name)
    if (target === undefined) throw yamlFault(`unknown anchor '${name}' referenced`)
    const ownFault = this.#expand(target, name)
    const faults = ownFault === undefined ? target.faults : [ownFault]
    this.#add({ kind: 'alias', line, text: name, tag: '', target, value: target.value, faults, ownFault })
  }

  /** Counts the values that an alias duplicates. */
  #expand(target: ScalarNode | CollectionNode, name: string): MappingError | undefined {
    if (target.kind !== 'scalar' && !target.isComplete) return yamlFault(`anchor '${name}' value contains itself`)
    const size = target.kind === 'scalar' ? 1 : target.size
    this.#count += size
    this.#aliasCount += size
    return this.#isBloated() ? yamlFault('document contains excessive aliasing') : undefined
  }

  /** Aliases may make up almost all of a small document, but only a tenth of a large one. */
  #isBloated(): boolean {
    if (this.#aliasCount <= 100 || this.#count <= 1000) return false
    const share = Math.min(Math.max((this.#count - 400_000) / 3_600_000, 0), 1)
    return this.#aliasCount / this.#count > 0.99 - 0.89 * share
  }

  open(kind: CollectionNode['kind'], { line, tag, anchor }: YamlProperties): void {
    const node: CollectionNode = {
      kind,
      line,
      text: '',
      tag: hasMeaning(tag) ? tag : kind === 'mapping' ? '!!map' : '!!seq',
      value: null,
      faults: NO_FAULTS,
      items: [],
      isComplete: false,
      size: this.#count++,
      isRefused: false,
      isOrdinary: false,
    }
    if (anchor !== '') this.#anchors.set(anchor, node)
    this.#open.push(node)
  }

  /** Ends the innermost open collection. */
  close(): void {
    const node = this.#open.pop()!
    if (node.kind === 'mapping') composeMapping(node)
    else composeSequence(node)
    node.isComplete = true
    node.size = this.#count - node.size
    this.#add(node)
  }

  #add(node: YamlNode): void {
    const { length } = this.#open
    if (length === 0) this.#root = node
    else this.#open[length - 1]!.items.push(node)
  }

  /** The value of the whole document. Throws its errors. */
  result(): Value {
    const { value, faults } = this.#root!
    if (faults.length === 0) return value
    const alone = faults.find(fault => fault instanceof MappingError)
    throw alone ?? yamlFault(`unmarshal errors:\n${faults.map(fault => `  ${String(fault)}`).join('\n')}`)
  }
}

/** A lone exclamation mark has no meaning. */
function hasMeaning(tag: string): boolean {
  return tag !== '' && tag !== '!'
}

function scalarNode(line: number, tag: string, text: string): ScalarNode {
  const node: ScalarNode = { kind: 'scalar', line, text, tag, value: text, faults: NO_FAULTS }
  if (tag === STRING_TAG) return node
  try {
    node.value = tag === '' ? resolvePlain(text) : resolveTagged(tag, text)
  } catch (error) {
    if (!(error instanceof MappingError)) throw error
    node.faults = [error]
  }
  return node
}

function composeSequence(node: CollectionNode): void {
  const values: Value[] = []
  for (const { value } of node.items) values.push(value)
  node.value = values
  node.faults = joinFaults(node.items)
}
