/** YAML as Go's yaml.v3 reads it: the first document of a text. */
import { createRequire } from 'node:module'
import type { Alias, Document, Node, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml'
import { MappingError } from '../errors.ts'
import { setOwn } from '../stdlib/support.ts'
import { Float, isObject, type Value } from '../value.ts'
import { utf8Bytes, utf8Text } from './bytes.ts'
import { decodeBase64 } from './encodings.ts'
import { sprintf } from './go-format.ts'
import { quote } from './quote.ts'
import { readYamlBlocks } from './yaml-blocks.ts'
import { resolvePlain } from './yaml-scalar.ts'

const require = createRequire(import.meta.url)
const TAG = 'tag:yaml.org,2002:'
/** Aliases may not blow a small document up to more values than this. */
const MAX_VALUES = 4_000_000
const MAX_DEPTH = 10_000

type Library = typeof import('yaml')

/** Throws `failed to parse value as YAML: yaml: …`. */
export function parseYaml(text: string): Value {
  const plain = readYamlBlocks(text)
  if (plain !== undefined) return plain
  const library = require('yaml') as Library
  try {
    if (CONTROL.test(text)) throw new MappingError('yaml: control characters are not allowed')
    const document = firstDocument(library, text.toWellFormed())
    if (document === undefined) return nothingBut(text)
    const error =
      document.errors.find(({ code, pos }) => code === 'MISSING_CHAR' || !isBehindRoot(document, pos[0])) ??
      document.warnings.find(({ code }) => code === 'BAD_DIRECTIVE')
    if (error !== undefined) throw syntaxFailure(text, error)
    return new Converter(library, document).run()
  } catch (error) {
    if (error instanceof MappingError) throw new MappingError(`failed to parse value as YAML: ${error.message}`)
    throw error
  }
}

const CONTROL = /[^\t\n\r -~\u0085\u00a0-\ufffd]/

/** A text without a document: blanks and comments, or directives, behind which there must be one. */
function nothingBut(text: string): null {
  const directive = /^%(\S*)/m.exec(text)
  if (directive === null) return null
  if (directive[1] === '') throw new MappingError('yaml: could not find expected directive name')
  const isKnown = directive[1] === 'YAML' || directive[1] === 'TAG'
  throw new MappingError(`yaml: ${isKnown ? 'did not find expected <document start>' : 'found unknown directive name'}`)
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

/** The original reads no further than to the end of a root that shows its end by itself: a flow collection, a quoted text. */
function isBehindRoot(document: Document.Parsed, offset: number): boolean {
  const root = document.contents as (YAMLMap & Scalar) | null
  if (root === null || !(root.flow === true || root.type === 'QUOTE_DOUBLE' || root.type === 'QUOTE_SINGLE'))
    return false
  return offset >= (root.range?.[1] ?? 0)
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
    if (isScalar(node)) return this.#withoutInventedBreak(node, scalarValue(node))
    if (isSeq(node)) return node.items.map(item => this.#value(item as Node | null, depth + 1))
    if (isMap(node)) return this.#map(node, depth)
    return null
  }

  /** A block at the end of a text that does not end its line has no line break there. */
  #withoutInventedBreak(scalar: Scalar, value: Value): Value {
    if (typeof value !== 'string' || !(scalar.type === 'BLOCK_LITERAL' || scalar.type === 'BLOCK_FOLDED')) return value
    const source = this.#source()
    const reachesEnd = (scalar.range?.[1] ?? 0) >= source.length && !source.endsWith('\n')
    return reachesEnd && value.endsWith('\n') ? value.slice(0, -1) : value
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
  if (Array.isArray(key) || isObject(key)) throw new MappingError(`yaml: invalid map key: ${sprintf('%#v', [key])}`)
  return key === null ? 'null' : sprintf('%v', [key])
}

function scalarValue(scalar: Scalar): Value {
  const text = typeof scalar.value === 'string' ? scalar.value : ''
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

/** The line of the colon that makes a key of what cannot be one; a key of several lines has it on its last. */
function colonLine(text: string, start: number, isMultiline: boolean): number {
  const from = isMultiline ? Math.max(start, text.indexOf('\n', start)) : start
  const colon = text.slice(from).search(/:(?=\s|$)/)
  return text.slice(0, from + Math.max(0, colon)).split('\n').length
}

/** Whether a plain text begins a line there and no colon follows. */
function isWithoutColon(text: string, start: number): boolean {
  return text[start - 1] === '\n' && !/:(\s|$)/.test(text.slice(start))
}

/** Scanner errors count lines from one, parser errors from zero; both keep silent about the first line. */
function faultText(text: string, error: SyntaxError, line: number): string {
  const { code, message } = error
  const scanned = (what: string, place = line): string => (place <= 1 ? what : `line ${place}: ${what}`)
  const parsed = (what: string, place = line - 1): string => (place <= 0 ? what : `line ${place}: ${what}`)
  const endLine = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
  switch (code) {
    case 'BAD_SCALAR_START':
      if (/flow indicator/.test(message)) return parsed('did not find expected node content')
      return scanned('found character that cannot start any token')
    case 'TAB_AS_INDENT':
      return scanned('found character that cannot start any token')
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY':
      return scanned(
        'mapping values are not allowed in this context',
        colonLine(text, error.pos[0], code === 'MULTILINE_IMPLICIT_KEY'),
      )
    case 'MISSING_CHAR':
      if (/quote/.test(message)) return scanned('found unexpected end of stream')
      if (/flow map|\}/i.test(message)) return parsed("did not find expected ',' or '}'", endLine)
      if (/flow seq|\]/i.test(message)) return parsed("did not find expected ',' or ']'", endLine)
      return scanned("could not find expected ':'", line + (text.split('\n')[line] === undefined ? 0 : 1))
    case 'BAD_INDENT':
      if (!/flow/i.test(message)) return parsed('did not find expected key')
      return parsed(`did not find expected ',' or '${/map/i.test(message) ? '}' : ']'}'`, endLine)
    case 'BLOCK_IN_FLOW':
      return parsed("did not find expected ',' or ']'", endLine)
    case 'BAD_COLLECTION_TYPE':
    case 'UNEXPECTED_TOKEN':
      if (/block-?\s?seq|seq-item/i.test(message) && line === 1) {
        return 'block sequence entries are not allowed in this context'
      }
      if (/flow-(seq|map)-end|Unexpected , in flow/.test(message)) return parsed('did not find expected node content')
      if (/Block scalar header|^Not a YAML token/.test(message)) {
        return scanned('did not find expected comment or line break')
      }
      if (message.startsWith('Unexpected scalar at node end') && isWithoutColon(text, error.pos[0])) {
        return scanned("could not find expected ':'")
      }
      return parsed('did not find expected key')
    case 'BAD_DQ_ESCAPE':
      return scanned(
        /hex|\\[xuU]/.test(message) ? 'did not find expected hexdecimal number' : 'found unknown escape character',
      )
    case 'BAD_ALIAS':
      return scanned('did not find expected alphabetic or numeric character')
    case 'BAD_DIRECTIVE':
      return scanned(/version/.test(message) ? 'found incompatible YAML document' : 'found unknown directive name')
    default:
      return parsed(message.split('\n', 1)[0]!)
  }
}
