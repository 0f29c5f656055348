/** The fields of a YAML mapping: keys of all types become text, `<<` merges fields, duplicate keys are errors. */
import { compareText } from '../../data/text-order.ts'
import { Float, isObject, NarrowInteger, type Value, setOwn } from '../../value.ts'
import { sprintf } from '../go-format.ts'
import { quote } from '../quote.ts'
import { yamlFault } from './cursor.ts'
import { type CollectionNode, joinFaults, MERGE_TAG, STRING_TAG, type YamlFault, type YamlNode } from './nodes.ts'

/** Each pair of equal keys is a separate error; this is the maximum number listed. */
const MAX_DUPLICATES = 100_000
/** The maximum nesting of merges. */
const MAX_MERGE_DEPTH = 1000

/** Sets the value of a mapping whose items are complete, and its errors. */
export function composeMapping(node: CollectionNode): void {
  const { items } = node
  const fields: Record<string, Value> = {}
  for (let i = 0; i < items.length; i += 2) {
    const key = items[i]!
    if (key.kind !== 'scalar' || key.value !== key.text || (key.tag !== '' && key.tag !== STRING_TAG)) {
      return composeOthers(node)
    }
    if (Object.hasOwn(fields, key.text)) return refuse(node)
    setOwn(fields, key.text, items[i + 1]!.value)
  }
  node.value = fields
  node.faults = joinFaults(items)
  node.isOrdinary = node.faults.length === 0
}

/** The same for a mapping with keys that are not strings, or with `<<`. */
function composeOthers(node: CollectionNode): void {
  node.faults = duplicateFaults(node.items)
  if (node.faults.length > 0) return refuse(node)
  const hasStringKeys = isStringMapping(node)
  const draft = new MappingDraft(hasStringKeys)
  draft.take(node)
  node.value = draft.fields
  node.faults = draft.faults
  node.isOrdinary = hasStringKeys && draft.faults.length === 0
}

function refuse(node: CollectionNode): void {
  node.isRefused = true
  node.faults = duplicateFaults(node.items)
}

/** Keys are compared by text, not by value. */
function duplicateFaults(items: readonly YamlNode[]): YamlFault[] {
  const places = new Map<string, YamlNode[]>()
  for (let i = 0; i < items.length; i += 2) {
    const key = items[i]!
    const name = `${key.kind} ${key.text}`
    const others = places.get(name)
    if (others === undefined) places.set(name, [key])
    else others.push(key)
  }
  const faults: YamlFault[] = []
  for (let i = 0; i < items.length; i += 2) {
    const key = items[i]!
    const equals = places.get(`${key.kind} ${key.text}`)!
    equals.shift()
    for (const other of equals) {
      if (faults.length === MAX_DUPLICATES) return faults
      const text = `mapping key ${quote(key.text)} already defined at line ${key.line + 1}`
      faults.push(`line ${other.line + 1}: ${text}`)
    }
  }
  return faults
}

function isStringMapping({ items }: CollectionNode): boolean {
  return items.every((item, i) => i % 2 === 1 || isStringKey(item))
}

function isStringKey(key: YamlNode): boolean {
  if (key.kind === 'alias') return isStringKey(key.target)
  if (key.tag === '') return typeof key.value === 'string'
  return key.tag === STRING_TAG || key.tag === MERGE_TAG
}

function isMerge(key: YamlNode): boolean {
  return key.kind === 'scalar' && key.text === '<<' && key.tag === MERGE_TAG
}

/** Accumulates the fields of a mapping and of those that it merges. */
class MappingDraft {
  readonly fields: Record<string, Value> = {}
  readonly faults: YamlFault[] = []
  readonly #hasStringKeys: boolean
  /** The keys that must not be merged again; undefined until a merge starts. */
  #known: Set<string> | undefined
  #depth = 0
  #isDone = false

  constructor(hasStringKeys: boolean) {
    this.#hasStringKeys = hasStringKeys
  }

  take({ items }: CollectionNode): void {
    let merged: YamlNode | undefined
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i]!
      const item = items[i + 1]!
      if (isMerge(key)) merged = item
      else {
        const name = this.#keyName(key)
        if (name === undefined || this.#isKnown(name)) continue
        setOwn(this.fields, name, item.value)
        this.#fail(item.faults)
      }
    }
    if (merged !== undefined) this.#merge(merged)
  }

  /** Records a key being merged; true if its field exists already. */
  #isKnown(name: string): boolean {
    if (this.#known === undefined) return false
    if (this.#known.has(name)) return true
    this.#known.add(name)
    return false
  }

  /** An error that is reported alone ends the list. */
  #fail(faults: readonly YamlFault[]): void {
    for (const fault of faults) {
      if (this.#isDone) return
      this.faults.push(fault)
      this.#isDone = typeof fault !== 'string'
    }
  }

  /** The name of a field; undefined if the key is invalid. */
  #keyName(key: YamlNode): string | undefined {
    if (key.kind === 'alias') {
      if (key.ownFault === undefined) return this.#keyName(key.target)
      this.#fail([key.ownFault])
      return undefined
    }
    if (key.kind !== 'scalar') return this.#refuseKey(key)
    this.#fail(key.faults)
    if (typeof key.value === 'string') return key.value
    if (!this.#hasStringKeys) return key.value === null ? 'null' : sprintf('%v', [key.value])
    // A string key is used as written.
    return key.value === null ? undefined : key.text
  }

  #refuseKey(key: CollectionNode): undefined {
    if (key.isRefused || !this.#hasStringKeys) this.#fail(key.faults)
    if (key.isRefused) return undefined
    if (!this.#hasStringKeys) this.#fail([yamlFault(`invalid map key: ${goSyntax(key)}`)])
    else {
      const text = key.tag === '!!map' || key.tag === '!!seq' ? '' : ' ``'
      this.#fail([`line ${key.line + 1}: cannot unmarshal ${key.tag}${text} into string`])
    }
    return undefined
  }

  #merge(source: YamlNode): void {
    this.#known ??= new Set([...Object.keys(this.fields), '<<'])
    if (source.kind !== 'sequence') this.#mergeOne(source)
    else for (const item of source.items) this.#mergeOne(item)
  }

  #mergeOne(source: YamlNode): void {
    const mapping = source.kind === 'alias' ? source.target : source
    if (mapping.kind !== 'mapping') {
      this.#fail([yamlFault('map merge requires map or sequence of maps as the value')])
    } else if (source.kind === 'alias' && source.ownFault !== undefined) {
      this.#fail([source.ownFault])
    } else if (mapping.isRefused) {
      this.#fail(mapping.faults)
    } else if (mapping.isOrdinary) {
      this.#copy(mapping.value)
    } else if (this.#depth === MAX_MERGE_DEPTH) {
      this.#fail([yamlFault(`exceeded max depth of ${MAX_MERGE_DEPTH} merges`)])
    } else {
      this.#depth++
      this.take(mapping)
      this.#depth--
    }
  }

  #copy(mapping: Value): void {
    if (!isObject(mapping)) return
    for (const [name, value] of Object.entries(mapping)) {
      if (!this.#isKnown(name)) setOwn(this.fields, name, value)
    }
  }
}

/**
 * A value in Go syntax. A mapping with non-string keys has a different type there; one with duplicate keys is omitted.
 */
function goSyntax(node: YamlNode): string {
  if (node.kind === 'alias') return goSyntax(node.target)
  if (node.kind === 'scalar') return node.value === null ? 'interface {}(nil)' : sprintf('%#v', [node.value])
  const { items } = node
  if (node.kind === 'sequence') {
    const elements = items.filter(item => !isRefused(item)).map(goSyntax)
    return `[]interface {}{${elements.join(', ')}}`
  }
  const fields = new Map<string, { readonly key: Value; readonly value: string }>()
  for (let i = 0; i < items.length; i += 2) {
    const key = items[i]!
    const item = items[i + 1]!
    if (isMerge(key)) return sprintf('%#v', [node.value])
    if (!isRefused(item)) fields.set(goSyntax(key), { key: key.value, value: goSyntax(item) })
  }
  const sorted = [...fields].toSorted(([, left], [, right]) => compareKeys(left.key, right.key))
  const type = isStringMapping(node) ? 'string' : 'interface {}'
  return `map[${type}]interface {}{${sorted.map(([name, { value }]) => `${name}:${value}`).join(', ')}}`
}

function isRefused(node: YamlNode): boolean {
  if (node.kind === 'alias') return isRefused(node.target)
  return node.kind === 'mapping' && node.isRefused
}

/** Keys of different types are sorted in the order of Go's types. */
const TYPE_ORDER = ['null', 'string', 'int', 'float', 'boolean', 'other']

function compareKeys(left: Value, right: Value): number {
  const [leftType, rightType] = [keyType(left), keyType(right)]
  if (leftType !== rightType) return TYPE_ORDER.indexOf(leftType) - TYPE_ORDER.indexOf(rightType)
  if (typeof left === 'string' && typeof right === 'string') return compareText(left, right)
  if (left instanceof NarrowInteger && right instanceof NarrowInteger) return left.value < right.value ? -1 : 1
  return left instanceof Float && right instanceof Float ? left.value - right.value : Number(left) - Number(right)
}

function keyType(key: Value): string {
  if (key === null) return 'null'
  if (key instanceof Float) return 'float'
  if (key instanceof NarrowInteger) return 'int'
  return TYPE_ORDER.includes(typeof key) ? typeof key : 'other'
}
