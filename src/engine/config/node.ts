import { Composer, type Document, isAlias, isMap, isScalar, isSeq, LineCounter, Parser, visit } from 'yaml'
import type * as Yaml from 'yaml'
import type { CST } from 'yaml'
import { Float, yamlFaultIn } from '../../bloblang/index.ts'

type NodeKind = 'map' | 'seq' | 'scalar' | 'alias'
export type ScalarStyle = 'plain' | 'single' | 'double' | 'literal' | 'folded'

/** A node of a configuration with its position, parsed from YAML or created from a value. */
export interface Node {
  readonly kind: NodeKind
  /**
   * `!!map`, `!!seq`, `!!str`, `!!int`, `!!float`, `!!bool`, `!!null`, `!!timestamp`, `!!merge`, or an explicit tag.
   */
  readonly tag: string
  /** The text of a scalar. */
  readonly value: string
  readonly style: ScalarStyle
  /** Whether a collection was written in braces or brackets. */
  readonly flow?: boolean
  /** From 1; 0 if the node does not come from a file. */
  readonly line: number
  readonly column: number
  readonly entries: Entry[]
  readonly items: Node[]
  readonly target?: Node
  /** A comment that is printed after the value. */
  readonly remark?: string
}

interface Entry {
  readonly key: Node
  value: Node
}

/** A text that is not valid YAML. The message is the original's, whose line is often missing or one too low. */
export class YamlError extends Error {
  /** Where the error was detected, from 1. */
  readonly line: number
  readonly column: number

  constructor(message: string, line: number, column: number) {
    super(message)
    this.name = 'YamlError'
    this.line = line
    this.column = column
  }
}

/** Parses the first document of a text. Throws {@link YamlError}. */
export function parseYaml(text: string): Node {
  const lines = new LineCounter()
  const parser = new Parser(lines.addNewLine)
  const composer = new Composer({
    schema: 'failsafe',
    uniqueKeys: false,
    merge: false,
    keepSourceTokens: true,
    strict: false,
  })
  let first: Document.Parsed | undefined
  for (const document of composer.compose(parser.parse(text), true, text.length)) {
    first ??= document
    break
  }
  if (first === undefined || first.contents === null) {
    if (first !== undefined && first.errors.length > 0) throw yamlError(first.errors[0]!, lines, text)
    return nullNode(0, 0)
  }
  if (first.errors.length > 0) throw yamlError(first.errors[0]!, lines, text)
  return new Builder(lines, text, first).build(first.contents)
}

/** The node of a plain value, as if it had been written in YAML. */
export function nodeOf(value: unknown, line = 0): Node {
  const base = { line, column: 1, value: '', style: 'plain' as const, entries: [], items: [] }
  if (value === null || value === undefined) return nullNode(line, 1)
  if (value instanceof Float) return { ...base, kind: 'scalar', tag: '!!float', value: String(value.value) }
  if (Array.isArray(value)) return { ...base, kind: 'seq', tag: '!!seq', items: value.map(item => nodeOf(item, line)) }
  switch (typeof value) {
    case 'object':
      return {
        ...base,
        kind: 'map',
        tag: '!!map',
        entries: Object.entries(value).map(([key, child]) => ({
          key: stringNode(key, line),
          value: nodeOf(child, line),
        })),
      }
    case 'number':
    case 'bigint':
      return {
        ...base,
        kind: 'scalar',
        tag: Number.isInteger(Number(value)) ? '!!int' : '!!float',
        value: String(value),
      }
    case 'boolean':
      return { ...base, kind: 'scalar', tag: '!!bool', value: String(value) }
    default:
      return stringNode(String(value), line)
  }
}

export function stringNode(value: string, line = 0): Node {
  return { kind: 'scalar', tag: '!!str', value, style: 'double', line, column: 1, entries: [], items: [] }
}

/** An unquoted scalar, with the type that YAML gives its text. */
export function plainScalar(value: string): Node {
  return { ...nullNode(0, 1), tag: tagOf(value), value }
}

export function nullNode(line: number, column: number): Node {
  return { kind: 'scalar', tag: '!!null', value: '', style: 'plain', line, column, entries: [], items: [] }
}

/** The target of an alias; any other node itself. */
export function resolved(node: Node): Node {
  return node.kind === 'alias' && node.target !== undefined ? node.target : node
}

/** The value of a key of an object; the last one if the key is repeated. */
export function valueOf(node: Node, key: string): Node | undefined {
  return resolved(node).entries.findLast(entry => entry.key.value === key)?.value
}

/**
 * A node as plain JavaScript values: integers beyond 2^53 become bigints, floats that look like integers stay numbers.
 */
export function plainValue(node: Node): unknown {
  switch (node.kind) {
    case 'alias':
      return node.target === undefined ? null : plainValue(node.target)
    case 'map': {
      const object: Record<string, unknown> = {}
      for (const { key, value } of node.entries) {
        if (key.tag === '!!merge') Object.assign(object, plainValue(value))
        else
          Object.defineProperty(object, key.value, {
            value: plainValue(value),
            enumerable: true,
            writable: true,
            configurable: true,
          })
      }
      return object
    }
    case 'seq':
      return node.items.map(plainValue)
    case 'scalar':
      return scalarValue(node)
  }
}

function scalarValue(node: Node): unknown {
  switch (node.tag) {
    case '!!null':
      return null
    case '!!bool':
      return /^[tT]/.test(node.value)
    case '!!int': {
      const integer = parseInteger(node.value)!
      return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer
    }
    case '!!float':
      return parseFloatText(node.value)
    default:
      return node.value
  }
}

const BOOLEAN = /^(true|True|TRUE|false|False|FALSE)$/
const NULL = /^(|~|null|Null|NULL)$/
const FLOAT = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/
const TIMESTAMP =
  /^\d{4}-\d{1,2}-\d{1,2}(([Tt]|[ \t]+)\d{1,2}:\d{1,2}:\d{1,2}(\.\d+)?([ \t]*(Z|[-+]\d{1,2}(:\d{2})?))?)?$/

/** The tag that YAML gives an unquoted scalar. */
function tagOf(text: string): string {
  if (NULL.test(text)) return '!!null'
  if (BOOLEAN.test(text)) return '!!bool'
  if (text === '<<') return '!!merge'
  const first = text[0]!
  if (!/[-+.0-9]/.test(first)) return '!!str'
  if (/^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$/.test(text)) return '!!float'
  if (TIMESTAMP.test(text)) return '!!timestamp'
  if (parseInteger(text) !== undefined) return '!!int'
  if (FLOAT.test(text.replaceAll('_', ''))) return '!!float'
  return '!!str'
}

/** Parses a YAML integer: decimal, 0x, 0o, 0b, a leading 0 for octal, `_` between digits. Undefined for other text. */
export function parseInteger(text: string): bigint | undefined {
  const plain = text.replaceAll('_', '')
  const match = /^([-+]?)(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|0[0-7]+|0|[1-9][0-9]*)$/.exec(plain)
  if (match === null) return undefined
  const digits = /^0[0-7]+$/.test(match[2]!) ? `0o${match[2]!.slice(1)}` : match[2]!
  const value = BigInt(digits)
  return match[1] === '-' ? -value : value
}

export function parseFloatText(text: string): number {
  const plain = text.replaceAll('_', '')
  if (/^[-+]?\.inf$/i.test(plain)) return plain.startsWith('-') ? -Infinity : Infinity
  if (/^\.nan$/i.test(plain)) return NaN
  return Number(plain)
}

/** Converts the library's tree into ours, with the positions and tags of the original's parser. */
class Builder {
  readonly #lines: LineCounter
  readonly #text: string
  readonly #anchors = new Map<string, Node>()
  readonly #known = new Set<string>()

  constructor(lines: LineCounter, text: string, document: Document.Parsed) {
    this.#lines = lines
    this.#text = text
    visit(document, { Node: (_, node) => void ('anchor' in node && node.anchor && this.#known.add(node.anchor)) })
  }

  build(source: Yaml.Node): Node {
    if (isAlias(source)) {
      const place = this.#place(source)
      const target = this.#anchors.get(source.source)
      if (target === undefined) {
        const why = this.#known.has(source.source)
          ? `anchor '${source.source}' value contains itself`
          : `unknown anchor '${source.source}' referenced`
        throw new YamlError(`yaml: ${why}`, place.line, place.column)
      }
      return { kind: 'alias', tag: '', value: source.source, style: 'plain', ...place, entries: [], items: [], target }
    }
    const node = this.#plain(source)
    if ('anchor' in source && source.anchor) this.#anchors.set(source.anchor, node)
    return node
  }

  #plain(source: Yaml.Node): Node {
    const place = this.#place(source)
    const base = { value: '', style: 'plain' as const, ...place, entries: [], items: [] }
    if (isMap(source)) {
      // The items of a parsed map are pairs of nodes.
      const entries = source.items.map(pair => this.#entry(pair as Yaml.Pair<Yaml.Node, Yaml.Node | null>))
      return { ...base, kind: 'map', tag: source.tag ?? '!!map', entries, flow: source.flow === true }
    }
    if (isSeq(source)) {
      const items = source.items.map(item => this.build(item as Yaml.Node)) // items of a parsed list are nodes
      return { ...base, kind: 'seq', tag: source.tag ?? '!!seq', items, flow: source.flow === true }
    }
    if (!isScalar(source)) return nullNode(place.line, place.column)
    const style = scalarStyle(source.type)
    const value = scalarText(source, this.#text)
    const written = source.srcToken?.type === 'scalar' || source.srcToken?.type === 'block-scalar' || value !== ''
    const explicit = source.tag === 'tag:yaml.org,2002:str' ? undefined : source.tag
    if (!written && style === 'plain') return nullNode(place.line, place.column)
    const tag = explicit?.replace('tag:yaml.org,2002:', '!!') ?? (style === 'plain' ? tagOf(value) : '!!str')
    return { ...base, kind: 'scalar', tag, value, style }
  }

  #entry(pair: Yaml.Pair<Yaml.Node, Yaml.Node | null>): Entry {
    const key = this.build(pair.key)
    return { key, value: pair.value === null ? nullNode(key.line, key.column) : this.build(pair.value) }
  }

  /** A block is positioned at its first key or dash, a scalar at its text or its `|`. */
  #place(source: Yaml.Node): { line: number; column: number } {
    let offset = source.range?.[0] ?? 0
    if (isScalar(source) && source.srcToken?.type === 'block-scalar') {
      const header = source.srcToken.props.find(prop => prop.type === 'block-scalar-header')
      offset = header?.offset ?? offset
    }
    const { line, col } = this.#lines.linePos(Math.min(offset, this.#text.length))
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
}

/** The text of a scalar. Corrects two deviations of the library from YAML and the original at the end of a block. */
function scalarText({ value, srcToken, type }: Yaml.Scalar, document: string): string {
  const text = typeof value === 'string' ? value : String(value ?? '')
  if (srcToken?.type !== 'block-scalar') return text
  const whole = type === 'BLOCK_LITERAL' ? withBlankEnd(text, srcToken, document) : text
  // A block cut short by the end of the file has no line break after its last line.
  return srcToken.source.endsWith('\n') ? whole : whole.replace(/\n$/, '')
}

/** Trailing lines of spaces are text as far as they exceed the indentation. */
function withBlankEnd(text: string, block: CST.BlockScalar, document: string): string {
  const props = block.props.map(prop => ('source' in prop ? prop : { ...prop, source: '' }))
  const header = props.find(prop => prop.type === 'block-scalar-header')?.source ?? ''
  if (header.includes('+')) return text
  const { offset, source } = props.at(-1)!
  const following = document.slice(offset + source.length + block.source.length)
  const lines = (block.source + /^(?: *\n)*/.exec(following)![0]).replace(/\n$/, '').split('\n')
  const last = lines.findLastIndex(line => /[^ ]/.test(line))
  const width = indentOf(lines, header, block.indent)
  const end = lines.findLastIndex(line => line.length > width)
  if (end <= last) return text
  const blanks = lines.slice(last + 1, end + 1).map(line => line.slice(width))
  return `${text.replace(/(?:\n *)*$/, '')}\n${blanks.join('\n')}${header.includes('-') ? '' : '\n'}`
}

/** The indentation of a block: as its header says, else that of its first line with text. */
function indentOf(lines: readonly string[], header: string, parent: number): number {
  const explicit = /[1-9]/.exec(header)?.[0]
  if (explicit !== undefined) return Math.max(parent, 0) + Number(explicit)
  const first = lines.find(line => /[^ ]/.test(line))
  return first === undefined ? Infinity : /^ */.exec(first)![0].length
}

function scalarStyle(type: string | undefined): ScalarStyle {
  switch (type) {
    case 'QUOTE_DOUBLE':
      return 'double'
    case 'QUOTE_SINGLE':
      return 'single'
    case 'BLOCK_LITERAL':
      return 'literal'
    case 'BLOCK_FOLDED':
      return 'folded'
    default:
      return 'plain'
  }
}

/**
 * Combines the position from the library with the original's wording, which the language's own YAML reader provides.
 */
function yamlError(error: Yaml.YAMLError, lines: LineCounter, text: string): YamlError {
  const { line, col } = lines.linePos(error.pos[0])
  const own = `yaml: line ${line}: ${error.message.split('\n')[0]!}`
  return new YamlError(yamlFaultIn(text) ?? own, line, col)
}
