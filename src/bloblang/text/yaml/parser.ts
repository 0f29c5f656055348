/** The grammar of YAML: turns tokens into calls of a builder. Its stack is explicit, as nesting may be 10,000 deep. */
import type { Value } from '../../value.ts'
import { structureFault } from './cursor.ts'
import type { TagName } from './names.ts'
import { YamlBuilder, type YamlProperties } from './builder.ts'
import type { Token, TokenKind, YamlScanner } from './scanner.ts'

/** What is expected next in an open collection. A pair is a single-field mapping in a flow sequence without braces. */
type State =
  | 'block entry'
  | 'indentless entry'
  | 'block key'
  | 'block value'
  | 'first flow entry'
  | 'flow entry'
  | 'pair key'
  | 'pair value'
  | 'pair end'
  | 'first flow key'
  | 'flow key'
  | 'flow value'
  | 'no flow value'

/** The context of a value determines which tokens can start it. */
type Context = 'flow' | 'block' | 'block or indentless'

const STANDARD_TAGS = 'tag:yaml.org,2002:'

/** The value of the first document; null if there is none. Throws errors up to its end. */
export function parseYamlDocument(scanner: YamlScanner): Value {
  return new YamlParser(scanner).document()
}

class YamlParser {
  readonly #scanner: YamlScanner
  readonly #builder = new YamlBuilder()
  readonly #tagPrefixes = new Map<string, string>()
  /** For each open collection, what is expected next, and the line where it starts. */
  readonly #states: State[] = []
  readonly #lines: number[] = []

  constructor(scanner: YamlScanner) {
    this.#scanner = scanner
  }

  document(): Value {
    const first = this.#scanner.peek()
    if (first.kind === 'stream end') return null
    this.#directives()
    if (isDirective(first) || first.kind === 'document start') this.#explicitDocument()
    else this.#node('block')
    while (this.#states.length > 0) this.#step(this.#states.at(-1)!)
    // The original reads one more token, which may fail.
    this.#scanner.peek()
    return this.#builder.result()
  }

  #next(): Token {
    this.#scanner.skip()
    return this.#scanner.peek()
  }

  #directives(): void {
    let hasVersion = false
    for (let token = this.#scanner.peek(); isDirective(token); token = this.#next()) {
      const { line, text, tag } = token
      if (tag !== undefined) {
        if (this.#tagPrefixes.has(tag.handle)) throw structureFault('found duplicate %TAG directive', line)
        this.#tagPrefixes.set(tag.handle, tag.rest)
      } else {
        if (hasVersion) throw structureFault('found duplicate %YAML directive', line)
        if (text !== '1.1') throw structureFault('found incompatible YAML document', line)
        hasVersion = true
      }
    }
    if (!this.#tagPrefixes.has('!')) this.#tagPrefixes.set('!', '!')
    if (!this.#tagPrefixes.has('!!')) this.#tagPrefixes.set('!!', STANDARD_TAGS)
  }

  #explicitDocument(): void {
    const start = this.#scanner.peek()
    if (start.kind !== 'document start') throw structureFault('did not find expected <document start>', start.line)
    const content = this.#next()
    if (isDirective(content) || NO_CONTENT.includes(content.kind)) this.#builder.plain(content.line, '')
    else this.#node('block')
  }

  #step(state: State): void {
    switch (state) {
      case 'block entry':
        return this.#blockEntry()
      case 'indentless entry':
        return this.#indentlessEntry()
      case 'block key':
        return this.#blockKey()
      case 'block value':
        return this.#blockValue()
      case 'first flow entry':
      case 'flow entry':
        return this.#flowEntry(state === 'first flow entry')
      case 'pair key':
        return this.#pairKey()
      case 'pair value':
        return this.#pairValue()
      case 'pair end':
        return this.#close()
      case 'first flow key':
      case 'flow key':
        return this.#flowKey(state === 'first flow key')
      case 'flow value':
        return this.#flowValue()
      case 'no flow value':
        return this.#empty('flow key', this.#scanner.peek().line)
    }
  }

  #become(state: State): void {
    this.#states[this.#states.length - 1] = state
  }

  /** An omitted value. */
  #empty(next: State, line: number): void {
    this.#become(next)
    this.#builder.plain(line, '')
  }

  /** A value, which is omitted if one of these tokens follows. */
  #valueUnless(ends: readonly TokenKind[], token: Token, context: Context, next: State, emptyLine: number): void {
    if (ends.includes(token.kind)) return this.#empty(next, emptyLine)
    this.#become(next)
    this.#node(context)
  }

  #open(kind: 'sequence' | 'mapping', state: State, properties: YamlProperties, line: number): void {
    this.#builder.open(kind, properties)
    this.#states.push(state)
    this.#lines.push(line)
  }

  #close(): void {
    this.#builder.close()
    this.#states.pop()
    this.#lines.pop()
  }

  #fail(text: string, { line }: Token): never {
    throw structureFault(text, this.#lines.at(-1)!, line)
  }

  #blockEntry(): void {
    const token = this.#scanner.peek()
    if (token.kind === 'block entry') {
      this.#valueUnless(AFTER_ENTRY, this.#next(), 'block', 'block entry', token.line)
    } else if (token.kind === 'block end') {
      this.#scanner.skip()
      this.#close()
    } else this.#fail("did not find expected '-' indicator", token)
  }

  /** A sequence that is the value of a block mapping may have the same indentation as its key. */
  #indentlessEntry(): void {
    const token = this.#scanner.peek()
    if (token.kind !== 'block entry') return this.#close()
    this.#valueUnless(AFTER_INDENTLESS_ENTRY, this.#next(), 'block', 'indentless entry', token.line)
  }

  #blockKey(): void {
    const token = this.#scanner.peek()
    if (token.kind === 'key') {
      this.#valueUnless(AFTER_BLOCK_KEY, this.#next(), 'block or indentless', 'block value', token.line)
    } else if (token.kind === 'block end') {
      this.#scanner.skip()
      this.#close()
    } else this.#fail('did not find expected key', token)
  }

  #blockValue(): void {
    const token = this.#scanner.peek()
    if (token.kind !== 'value') return this.#empty('block key', token.line)
    this.#valueUnless(AFTER_BLOCK_KEY, this.#next(), 'block or indentless', 'block key', token.line)
  }

  #flowEntry(isFirst: boolean): void {
    let token = this.#scanner.peek()
    if (token.kind !== 'flow sequence end' && !isFirst) {
      if (token.kind !== 'flow entry') this.#fail("did not find expected ',' or ']'", token)
      token = this.#next()
    }
    if (token.kind === 'flow sequence end') {
      this.#close()
      this.#scanner.skip()
    } else if (token.kind === 'key') {
      this.#become('flow entry')
      this.#open('mapping', 'pair key', { line: token.line, tag: '', anchor: '' }, token.line)
      this.#scanner.skip()
    } else {
      this.#become('flow entry')
      this.#node('flow')
    }
  }

  #pairKey(): void {
    const token = this.#scanner.peek()
    if (!AFTER_PAIR_KEY.includes(token.kind)) {
      this.#become('pair value')
      return this.#node('flow')
    }
    // The original consumes this token, so that whatever follows a lone question mark is the value.
    this.#scanner.skip()
    this.#empty('pair value', token.line)
  }

  #pairValue(): void {
    const token = this.#scanner.peek()
    if (token.kind !== 'value') return this.#empty('pair end', token.line)
    this.#valueUnless(AFTER_PAIR_VALUE, this.#next(), 'flow', 'pair end', token.line)
  }

  #flowKey(isFirst: boolean): void {
    let token = this.#scanner.peek()
    if (token.kind !== 'flow mapping end' && !isFirst) {
      if (token.kind !== 'flow entry') this.#fail("did not find expected ',' or '}'", token)
      token = this.#next()
    }
    if (token.kind === 'flow mapping end') {
      this.#close()
      this.#scanner.skip()
    } else if (token.kind === 'key') {
      const next = this.#next()
      this.#valueUnless(AFTER_FLOW_KEY, next, 'flow', 'flow value', next.line)
    } else {
      this.#become('no flow value')
      this.#node('flow')
    }
  }

  #flowValue(): void {
    const token = this.#scanner.peek()
    if (token.kind !== 'value') return this.#empty('flow key', token.line)
    this.#valueUnless(AFTER_FLOW_VALUE, this.#next(), 'flow', 'flow key', token.line)
  }

  /** Parses a value with its properties. For a collection only the start; the rest follows step by step. */
  #node(context: Context): void {
    const token = this.#scanner.peek()
    const { kind, line, text } = token
    if (kind === 'plain text') {
      this.#builder.plain(line, text)
      this.#scanner.skip()
    } else if (kind === 'alias') {
      this.#builder.alias(line, text)
      this.#scanner.skip()
    } else if (kind === 'anchor' || kind === 'tag') this.#content(context, this.#properties(token))
    else this.#content(context, { line, tag: '', anchor: '' })
  }

  /** Parses an anchor, a tag, or both in any order. */
  #properties(first: Token): YamlProperties {
    const second = this.#next()
    const isPair = second.kind !== first.kind && (second.kind === 'anchor' || second.kind === 'tag')
    if (isPair) this.#scanner.skip()
    const [anchor, tag] = first.kind === 'anchor' ? [first, second] : [second, first]
    const { line } = first
    const name = isPair || first.kind === 'tag' ? tag.tag : undefined
    if (isPair) this.#scanner.peek()
    return {
      line,
      tag: name === undefined ? '' : this.#shortTag(name, line, tag.line),
      anchor: isPair || first.kind === 'anchor' ? anchor.text : '',
    }
  }

  #shortTag({ handle, rest }: TagName, startLine: number, line: number): string {
    const prefix = handle === '' ? '' : this.#tagPrefixes.get(handle)
    if (prefix === undefined) throw structureFault('found undefined tag handle', startLine, line)
    if (prefix === STANDARD_TAGS) return `!!${rest}`
    const tag = prefix + rest
    return tag.startsWith(STANDARD_TAGS) ? `!!${tag.slice(STANDARD_TAGS.length)}` : tag
  }

  #content(context: Context, properties: YamlProperties): void {
    const { kind, line, text } = this.#scanner.peek()
    switch (kind) {
      case 'plain text':
      case 'quoted text':
        this.#builder.scalar(properties, text, kind === 'quoted text')
        return this.#scanner.skip()
      case 'flow sequence start':
        this.#open('sequence', 'first flow entry', properties, line)
        return this.#scanner.skip()
      case 'flow mapping start':
        this.#open('mapping', 'first flow key', properties, line)
        return this.#scanner.skip()
      case 'block sequence start':
        if (context === 'flow') break
        this.#open('sequence', 'block entry', properties, line)
        return this.#scanner.skip()
      case 'block mapping start':
        if (context === 'flow') break
        this.#open('mapping', 'block key', properties, line)
        return this.#scanner.skip()
      case 'block entry':
        // The token already belongs to the first element here.
        if (context === 'block or indentless') return this.#open('sequence', 'indentless entry', properties, line)
        break
      default:
        break
    }
    if (properties.tag === '' && properties.anchor === '') {
      throw structureFault('did not find expected node content', properties.line, line)
    }
    this.#builder.scalar(properties, '', false)
  }
}

function isDirective({ kind }: Token): boolean {
  return kind === 'version directive' || kind === 'tag directive'
}

/** The tokens that indicate an omitted value, by what precedes it. */
const NO_CONTENT: readonly TokenKind[] = ['document start', 'document end', 'stream end']
const AFTER_ENTRY: readonly TokenKind[] = ['block entry', 'block end']
const AFTER_INDENTLESS_ENTRY: readonly TokenKind[] = ['block entry', 'key', 'value', 'block end']
const AFTER_BLOCK_KEY: readonly TokenKind[] = ['key', 'value', 'block end']
const AFTER_FLOW_KEY: readonly TokenKind[] = ['value', 'flow entry', 'flow mapping end']
const AFTER_FLOW_VALUE: readonly TokenKind[] = ['flow entry', 'flow mapping end']
const AFTER_PAIR_KEY: readonly TokenKind[] = ['value', 'flow entry', 'flow sequence end']
const AFTER_PAIR_VALUE: readonly TokenKind[] = ['flow entry', 'flow sequence end']
