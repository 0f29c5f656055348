/** YAML as Go's yaml.v3 reads it: the first document of a text. */
import { createRequire } from 'node:module'
import type { Alias, Document, Node, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml'
import { MappingError } from '../errors.ts'
import { setOwn } from '../stdlib/support.ts'
import { Float, isObject, type Value } from '../value.ts'
import { utf8Bytes, utf8Text } from './bytes.ts'
import { decodeBase64 } from './encodings.ts'
import { quote } from './quote.ts'
import { resolvePlain } from './yaml-scalar.ts'

const require = createRequire(import.meta.url)
const TAG = 'tag:yaml.org,2002:'
/** Aliases may not blow a small document up to more values than this. */
const MAX_VALUES = 4_000_000
const MAX_DEPTH = 10_000

type Library = typeof import('yaml')

/** Throws `failed to parse value as YAML: yaml: …`. */
export function parseYaml(text: string): Value {
  const library = require('yaml') as Library
  try {
    const document = firstDocument(library, text.toWellFormed())
    if (document === undefined) return null
    const [error] = document.errors
    if (error !== undefined) throw syntaxFailure(text, error)
    return new Converter(library, document).run()
  } catch (error) {
    if (error instanceof MappingError) throw new MappingError(`failed to parse value as YAML: ${error.message}`)
    throw error
  }
}

function firstDocument(library: Library, text: string): Document.Parsed | undefined {
  const options = { schema: 'failsafe', version: '1.2', uniqueKeys: false, merge: false, logLevel: 'silent' } as const
  const composer = new library.Composer({ ...options, resolveKnownTags: false })
  const tokens = new library.Parser().parse(text)
  for (const composed of composer.compose(tokens)) {
    const document = composed as Document.Parsed
    sources.set(document, text)
    return document
  }
  return undefined
}

class Converter {
  readonly #library: Library
  readonly #document: Document.Parsed
  readonly #anchors = new Map<string, Node>()
  readonly #failures: string[] = []
  readonly #lineStarts: number[] = [0]
  readonly #expanding = new Set<Node>()
  #count = 0

  constructor(library: Library, document: Document.Parsed) {
    this.#library = library
    this.#document = document
  }

  run(): Value {
    const value = this.#value(this.#document.contents as Node | null, 0)
    if (this.#failures.length === 0) return value
    throw new MappingError(`yaml: unmarshal errors:\n${this.#failures.map(failure => `  ${failure}`).join('\n')}`)
  }

  #value(node: Node | null, depth: number): Value {
    if (node === null) return null
    if (++this.#count > MAX_VALUES) throw new MappingError('yaml: document contains excessive aliasing')
    if (depth > MAX_DEPTH) throw new MappingError('yaml: exceeded max depth of 10000')
    const { isAlias, isMap, isScalar, isSeq } = this.#library
    if (isAlias(node)) return this.#alias(node, depth)
    const { anchor } = node as Scalar | YAMLMap | YAMLSeq
    if (anchor !== undefined) this.#anchors.set(anchor, node)
    if (isScalar(node)) return scalarValue(node)
    if (isSeq(node)) return node.items.map(item => this.#value(item as Node | null, depth + 1))
    if (isMap(node)) return this.#map(node, depth)
    return null
  }

  #alias(alias: Alias, depth: number): Value {
    const node = this.#anchors.get(alias.source)
    if (node === undefined) throw new MappingError(`yaml: unknown anchor '${alias.source}' referenced`)
    if (this.#expanding.has(node)) throw new MappingError(`yaml: anchor '${alias.source}' value contains itself`)
    this.#expanding.add(node)
    const value = this.#value(node, depth + 1)
    this.#expanding.delete(node)
    return value
  }

  #map(map: YAMLMap, depth: number): Value {
    const fields: Record<string, Value> = {}
    const merged: Value[] = []
    this.#expanding.add(map)
    for (const pair of map.items as Pair<Node | null, Node | null>[]) {
      if (isMerge(this.#library, pair.key)) {
        merged.push(this.#value(pair.value, depth + 1))
        continue
      }
      const key = keyText(this.#value(pair.key, depth + 1))
      if (Object.hasOwn(fields, key)) this.#duplicate(map, pair, key)
      setOwn(fields, key, this.#value(pair.value, depth + 1))
    }
    this.#expanding.delete(map)
    for (const value of merged) mergeInto(fields, value)
    return fields
  }

  #duplicate(map: YAMLMap, pair: Pair<Node | null, Node | null>, key: string): void {
    const first = (map.items as Pair<Node | null, Node | null>[]).find(other => String(other.key) === String(pair.key))
    const line = this.#lineOf(pair.key)
    this.#failures.push(
      `line ${line}: mapping key ${quote(key)} already defined at line ${this.#lineOf(first?.key ?? null)}`,
    )
  }

  #lineOf(node: Node | null): number {
    const offset = node?.range?.[0] ?? 0
    const source = this.#source()
    if (this.#lineStarts.length === 1) {
      for (let i = source.indexOf('\n'); i >= 0; i = source.indexOf('\n', i + 1)) this.#lineStarts.push(i + 1)
    }
    return this.#lineStarts.filter(start => start <= offset).length
  }

  #source(): string {
    return sources.get(this.#document) ?? ''
  }
}

/** The text that a document was read from, for the lines of its errors. */
const sources = new WeakMap<Document.Parsed, string>()

function isMerge(library: Library, key: Node | null): boolean {
  return library.isScalar(key) && key.value === '<<' && (key.type === 'PLAIN' || key.type === undefined)
}

function mergeInto(fields: Record<string, Value>, value: Value): void {
  if (Array.isArray(value)) {
    for (const element of value as readonly Value[]) mergeInto(fields, element)
    return
  }
  if (!isObject(value)) throw new MappingError('yaml: map merge requires map or sequence of maps as the value')
  for (const [key, field] of Object.entries(value)) if (!Object.hasOwn(fields, key)) setOwn(fields, key, field)
}

function keyText(key: Value): string {
  if (typeof key === 'string') return key
  if (key instanceof Float) return String(key.value)
  return key === null ? 'null' : String(key)
}

function scalarValue(scalar: Scalar): Value {
  const text = scalar.value === null || scalar.value === undefined ? '' : String(scalar.value)
  const tag = scalar.tag?.startsWith(TAG) ? scalar.tag.slice(TAG.length) : scalar.tag
  if (tag === 'str' || tag === '!') return text
  if (tag === 'binary') return decodeBinary(text)
  const isPlain = scalar.type === 'PLAIN' || scalar.type === undefined
  if (tag === undefined) return isPlain ? resolvePlain(text) : text
  if (!['int', 'float', 'bool', 'null', 'timestamp'].includes(tag)) return text
  const value = resolvePlain(text)
  if (tag === 'float' && typeof value === 'bigint') return new Float(Number(value))
  if (typeof value === 'string') throw new MappingError(`yaml: cannot decode !!str \`${text}\` as a !!${tag}`)
  return value
}

function decodeBinary(text: string): Value {
  try {
    return utf8Text(decodeBase64(utf8Bytes(text), 'std'))
  } catch {
    throw new MappingError('yaml: !!binary value contains invalid base64 data')
  }
}

interface SyntaxError {
  readonly code: string
  readonly message: string
  readonly pos: readonly [number, number]
}

/** The complaint of the original's library about the same fault, as far as the two see the same. */
function syntaxFailure(text: string, error: SyntaxError): MappingError {
  const before = text.slice(0, error.pos[0])
  const line = before.split('\n').length
  return new MappingError(`yaml: ${faultText(text, error, line)}`)
}

function faultText(text: string, error: SyntaxError, line: number): string {
  const { code, message } = error
  const at = (place: number, what: string): string =>
    place <= 1 && text.trimEnd().split('\n').length === 1 ? what : `line ${place}: ${what}`
  switch (code) {
    case 'BAD_SCALAR_START':
    case 'TAB_AS_INDENT':
      return at(line, 'found character that cannot start any token')
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY':
      return `line ${line}: mapping values are not allowed in this context`
    case 'MISSING_CHAR':
      if (/closing/.test(message) || /quote/.test(message)) return `line ${line}: found unexpected end of stream`
      if (/\]/.test(message)) return `line ${line}: did not find expected ',' or ']'`
      if (/\}/.test(message)) return `line ${line}: did not find expected ',' or '}'`
      if (/implicit map keys|:/.test(message)) return `line ${line + 1}: could not find expected ':'`
      return `line ${line}: did not find expected node content`
    case 'BAD_INDENT':
      return /flow/i.test(message)
        ? `line ${line}: did not find expected ',' or ']'`
        : `line ${line}: did not find expected key`
    case 'BAD_COLLECTION_TYPE':
    case 'UNEXPECTED_TOKEN':
      return `line ${line}: did not find expected key`
    case 'BAD_DQ_ESCAPE':
      return `line ${line}: found unknown escape character`
    case 'BAD_ALIAS':
      return at(line, 'did not find expected alphabetic or numeric character')
    case 'BAD_DIRECTIVE':
      return at(line, 'found unknown directive name')
    default:
      return `line ${line}: ${message.split('\n', 1)[0]}`
  }
}
