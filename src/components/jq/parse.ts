import type { Json } from './json.ts'
import { numberOf } from './json.ts'
import type {
  AssignOperator,
  BinaryOperator,
  Definition,
  ObjectEntry,
  Pattern,
  PatternEntry,
  Query,
  TextPart,
} from './syntax.ts'

type TokenKind = 'name' | 'field' | 'variable' | 'format' | 'number' | 'keyword' | 'symbol' | 'quote' | 'end'

interface Token {
  readonly kind: TokenKind
  readonly text: string
  readonly end: number
}

const KEYWORDS = new Set(
  'or and module import include def as label break null true false if then elif else end try catch reduce foreach'.split(
    ' ',
  ),
)
const BLANK = /(?:[ \t\r\n]|#[^\n]*)*/y
const TOKEN =
  /((?:[A-Za-z_][A-Za-z0-9_]*::)*[A-Za-z_][A-Za-z0-9_]*)|(\.[A-Za-z_][A-Za-z0-9_]*)|(\$(?:[A-Za-z_][A-Za-z0-9_]*::)*[A-Za-z_][A-Za-z0-9_]*)|(@[A-Za-z0-9_]+)|((?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|(\?\/\/|\/\/=|\|=|\+=|-=|\*=|\/=|%=|==|!=|<=|>=|\/\/|\.\.|[.|,:;=<>+\-*/%()[\]{}?$])|(")/y
const GROUPS: readonly TokenKind[] = ['name', 'field', 'variable', 'format', 'number', 'symbol', 'quote']

/** From the loosest to the tightest; operators of one level are left-associative, except `//`. */
const LEVELS: readonly (readonly string[])[] = [
  ['//'],
  ['=', '|=', '+=', '-=', '*=', '/=', '%=', '//='],
  ['or'],
  ['and'],
  ['==', '!=', '<', '<=', '>', '>='],
  ['+', '-'],
  ['*', '/', '%'],
]
const ASSIGN_LEVEL = 1
const COMPARE_LEVEL = 4
/** Maximum nesting of brackets, definitions and operators. */
const MAX_DEPTH = 400

const identity: Query = { kind: 'identity' }

/** A syntax error in a query. */
class JqSyntaxError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'JqSyntaxError'
  }
}

/** Parses a query. Throws {@link JqSyntaxError}. */
export function parseQuery(source: string): Query {
  return new Parser(source).query()
}

/** Parses definitions without a query. */
export function parseDefinitions(source: string): readonly Definition[] {
  return new Parser(source).definitions()
}

class Parser {
  readonly #source: string
  #token: Token
  #start = 0
  #depth = 0

  constructor(source: string) {
    this.#source = source
    this.#token = this.#scan(0)
  }

  query(): Query {
    const query = this.#token.kind === 'end' ? identity : this.#pipe()
    if (this.#token.kind !== 'end') throw this.#unexpected()
    return query
  }

  definitions(): readonly Definition[] {
    const definitions: Definition[] = []
    while (this.#token.kind !== 'end') definitions.push(this.#definition())
    return definitions
  }

  #pipe(): Query {
    if (++this.#depth > MAX_DEPTH) throw new JqSyntaxError('the query is nested too deeply')
    const query = this.#pipeline()
    this.#depth--
    return query
  }

  #pipeline(): Query {
    if (this.#isKeyword('def')) {
      const definition = this.#definition()
      return { kind: 'define', definition, rest: this.#pipe() }
    }
    if (this.#isKeyword('label')) {
      this.#next()
      const name = this.#variable()
      this.#symbol('|')
      return { kind: 'label', name, body: this.#pipe() }
    }
    const left = this.#comma()
    if (!this.#accept('|')) return left
    return { kind: 'pipe', left, right: this.#pipe() }
  }

  #binding(source: Query): Query {
    const patterns = this.#patterns()
    this.#symbol('|')
    return { kind: 'bind', source, patterns, body: this.#pipe() }
  }

  #comma(): Query {
    let left = this.#binary(0)
    while (this.#accept(',')) left = { kind: 'comma', left, right: this.#binary(0) }
    return left
  }

  #binary(level: number): Query {
    const operators = LEVELS[level]
    if (operators === undefined) return this.#postfix()
    let left = this.#binary(level + 1)
    for (let count = 0; operators.includes(this.#token.text) && this.#isOperator(); count++) {
      if (count > 0 && (level === ASSIGN_LEVEL || level === COMPARE_LEVEL)) throw this.#unexpected()
      const operator = this.#next().text
      if (level === ASSIGN_LEVEL) {
        // On this level the table has assignment operators only.
        left = { kind: 'assign', operator: operator as AssignOperator, left, right: this.#binary(level + 1) }
        continue
      }
      const right = level === 0 ? this.#binary(level) : this.#binary(level + 1)
      // On this level the table has binary operators only.
      left = { kind: 'binary', operator: operator as BinaryOperator, left, right }
    }
    return left
  }

  #isOperator(): boolean {
    return this.#token.kind === 'symbol' || this.#token.kind === 'keyword'
  }

  #postfix(): Query {
    const term = this.#suffixed()
    return this.#isKeyword('as') ? this.#binding(term) : term
  }

  /** A term with its suffixes: fields, brackets, `?`. */
  #suffixed(): Query {
    let term = this.#term()
    for (;;) {
      if (this.#token.kind === 'field') term = fieldOf(term, this.#next().text.slice(1))
      else if (this.#is('.')) term = this.#afterDot(term)
      else if (this.#is('[')) term = this.#brackets(term)
      else if (this.#accept('?')) term = { kind: 'try', body: term, handler: undefined }
      else return term
    }
  }

  #afterDot(target: Query): Query {
    this.#next()
    if (this.#token.kind === 'quote') return { kind: 'index', target, key: this.#text(undefined) }
    if (this.#is('[')) return this.#brackets(target)
    throw this.#unexpected()
  }

  #brackets(target: Query): Query {
    this.#symbol('[')
    if (this.#accept(']')) return { kind: 'iterate', target }
    if (this.#accept(':')) {
      const to = this.#pipe()
      this.#symbol(']')
      return { kind: 'slice', target, from: undefined, to }
    }
    const key = this.#pipe()
    if (this.#accept(']')) return { kind: 'index', target, key }
    this.#symbol(':')
    const to = this.#is(']') ? undefined : this.#pipe()
    this.#symbol(']')
    return { kind: 'slice', target, from: key, to }
  }

  #term(): Query {
    const token = this.#token
    switch (token.kind) {
      case 'number':
        this.#next()
        return { kind: 'literal', value: numberOf(token.text) }
      case 'quote':
        return this.#text(undefined)
      case 'format':
        this.#next()
        return this.#token.kind === 'quote' ? this.#text(token.text) : { kind: 'format', name: token.text }
      case 'variable':
        this.#next()
        return { kind: 'variable', name: token.text.slice(1) }
      case 'field':
        this.#next()
        return fieldOf(identity, token.text.slice(1))
      case 'name':
        this.#next()
        return { kind: 'call', name: token.text, args: this.#args() }
      case 'keyword':
        return this.#keywordTerm(token)
      case 'symbol':
        return this.#symbolTerm(token)
      default:
        throw this.#unexpected()
    }
  }

  #args(): readonly Query[] {
    if (!this.#accept('(')) return []
    const args = [this.#pipe()]
    while (this.#accept(';')) args.push(this.#pipe())
    this.#symbol(')')
    return args
  }

  #keywordTerm({ text }: Token): Query {
    switch (text) {
      case 'null':
      case 'true':
      case 'false':
        this.#next()
        return { kind: 'literal', value: JSON.parse(text) as Json } // a JSON literal is a value
      case 'if':
        return this.#condition()
      case 'try': {
        this.#next()
        const body = this.#suffixed()
        const handler = this.#acceptKeyword('catch') ? this.#suffixed() : undefined
        return { kind: 'try', body, handler }
      }
      case 'reduce':
        return this.#reduction()
      case 'foreach':
        return this.#iteration()
      case 'break':
        this.#next()
        return { kind: 'break', name: this.#variable() }
      case 'def': {
        const definition = this.#definition()
        return { kind: 'define', definition, rest: this.#pipe() }
      }
      default:
        throw this.#unexpected()
    }
  }

  #symbolTerm({ text }: Token): Query {
    switch (text) {
      case '.':
        this.#next()
        if (this.#token.kind === 'quote') return { kind: 'index', target: identity, key: this.#text(undefined) }
        return this.#is('[') ? this.#brackets(identity) : identity
      case '..':
        this.#next()
        return { kind: 'call', name: 'recurse', args: [] }
      case '(': {
        this.#next()
        const inner = this.#pipe()
        this.#symbol(')')
        return inner
      }
      case '[': {
        this.#next()
        if (this.#accept(']')) return { kind: 'array', body: undefined }
        const body = this.#pipe()
        this.#symbol(']')
        return { kind: 'array', body }
      }
      case '{':
        return this.#object()
      case '+':
      case '-':
        this.#next()
        return { kind: 'sign', operator: text, operand: this.#postfix() }
      default:
        throw this.#unexpected()
    }
  }

  #condition(): Query {
    this.#next()
    const condition = this.#pipe()
    this.#keyword('then')
    const yes = this.#pipe()
    if (this.#isKeyword('elif')) return { kind: 'if', condition, yes, no: this.#condition() }
    const no = this.#acceptKeyword('else') ? this.#pipe() : undefined
    this.#keyword('end')
    return { kind: 'if', condition, yes, no }
  }

  #reduction(): Query {
    this.#next()
    const source = this.#suffixed()
    const patterns = this.#patterns()
    this.#symbol('(')
    const start = this.#pipe()
    this.#symbol(';')
    const update = this.#pipe()
    this.#symbol(')')
    return { kind: 'reduce', source, patterns, start, update }
  }

  #iteration(): Query {
    this.#next()
    const source = this.#suffixed()
    const patterns = this.#patterns()
    this.#symbol('(')
    const start = this.#pipe()
    this.#symbol(';')
    const update = this.#pipe()
    const extract = this.#accept(';') ? this.#pipe() : undefined
    this.#symbol(')')
    return { kind: 'foreach', source, patterns, start, update, extract }
  }

  #definition(): Definition {
    this.#keyword('def')
    const name = this.#next()
    if (name.kind !== 'name' && name.kind !== 'keyword') throw this.#unexpected(name)
    const params: string[] = []
    if (this.#accept('(')) {
      do {
        const param = this.#next()
        if (param.kind !== 'name' && param.kind !== 'variable') throw this.#unexpected(param)
        params.push(param.text)
      } while (this.#accept(';'))
      this.#symbol(')')
    }
    this.#symbol(':')
    const body = this.#pipe()
    this.#symbol(';')
    return { name: name.text, params, body }
  }

  #patterns(): readonly Pattern[] {
    this.#keyword('as')
    const patterns = [this.#pattern()]
    while (this.#accept('?//')) patterns.push(this.#pattern())
    return patterns
  }

  #pattern(): Pattern {
    if (this.#token.kind === 'variable') return { kind: 'variable', name: this.#variable() }
    if (this.#accept('[')) {
      const items = [this.#pattern()]
      while (this.#accept(',')) items.push(this.#pattern())
      this.#symbol(']')
      return { kind: 'array', items }
    }
    this.#symbol('{')
    const entries = [this.#patternEntry()]
    while (this.#accept(',')) entries.push(this.#patternEntry())
    this.#symbol('}')
    return { kind: 'object', entries }
  }

  #patternEntry(): PatternEntry {
    const token = this.#token
    if (token.kind === 'variable') {
      const variable = this.#variable()
      const pattern = this.#accept(':') ? this.#pattern() : undefined
      return { key: { kind: 'literal', value: variable }, variable, pattern }
    }
    const key = this.#key()
    this.#symbol(':')
    return { key, variable: undefined, pattern: this.#pattern() }
  }

  #key(): Query {
    const token = this.#token
    switch (token.kind) {
      case 'name':
      case 'keyword':
        this.#next()
        return { kind: 'literal', value: token.text }
      case 'quote':
        return this.#text(undefined)
      default: {
        this.#symbol('(')
        const key = this.#pipe()
        this.#symbol(')')
        return key
      }
    }
  }

  #object(): Query {
    this.#symbol('{')
    const entries: ObjectEntry[] = []
    while (!this.#accept('}')) {
      entries.push(this.#entry())
      if (!this.#is('}')) this.#symbol(',')
    }
    return { kind: 'object', entries }
  }

  #entry(): ObjectEntry {
    const token = this.#token
    if (token.kind === 'variable') {
      const name = this.#variable()
      return { key: { kind: 'literal', value: name }, value: { kind: 'variable', name } }
    }
    if (token.kind === 'number') {
      this.#next()
      this.#symbol(':')
      return { key: { kind: 'literal', value: numberOf(token.text) }, value: this.#objectValue() }
    }
    const key = token.kind === 'format' ? this.#formattedKey(token) : this.#key()
    if (this.#accept(':')) return { key, value: this.#objectValue() }
    if (token.text === '(') throw this.#unexpected()
    return { key, value: { kind: 'index', target: identity, key } }
  }

  #formattedKey({ text }: Token): Query {
    this.#next()
    if (this.#token.kind !== 'quote') throw this.#unexpected()
    return this.#text(text)
  }

  /** Terms joined by `|`; a comma ends the entry. */
  #objectValue(): Query {
    const left = this.#binary(0)
    if (!this.#accept('|')) return left
    return { kind: 'pipe', left, right: this.#objectValue() }
  }

  /** A quoted string, in which `\(…)` encloses a query. */
  #text(format: string | undefined): Query {
    const parts: TextPart[] = []
    let at = this.#token.end
    let literal = ''
    for (;;) {
      const character = this.#source[at]
      if (character === undefined) throw new JqSyntaxError('unterminated string literal')
      if (character === '"') break
      if (character !== '\\') {
        literal += character
        at++
        continue
      }
      if (this.#source[at + 1] === '(') {
        parts.push(literal)
        literal = ''
        this.#token = this.#scan(at + 2)
        parts.push(this.#pipe())
        if (!this.#is(')')) throw this.#unexpected()
        at = this.#token.end
        continue
      }
      const [text, length] = this.#escape(at)
      literal += text
      at += length
    }
    this.#token = this.#scan(at + 1)
    parts.push(literal)
    return parts.length === 1 ? { kind: 'literal', value: literal } : { kind: 'text', format, parts }
  }

  #escape(at: number): readonly [string, number] {
    const escape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y
    escape.lastIndex = at
    const match = escape.exec(this.#source)
    if (match === null)
      throw new JqSyntaxError(`invalid escape sequence "${this.#source.slice(at, at + 2)}" in string literal`)
    return [String(JSON.parse(`"${match[0]}"`)), match[0].length]
  }

  #variable(): string {
    const token = this.#next()
    if (token.kind !== 'variable') throw this.#unexpected(token)
    return token.text.slice(1)
  }

  #is(symbol: string): boolean {
    return this.#token.kind === 'symbol' && this.#token.text === symbol
  }

  #isKeyword(keyword: string): boolean {
    return this.#token.kind === 'keyword' && this.#token.text === keyword
  }

  #accept(symbol: string): boolean {
    const accepted = this.#is(symbol)
    if (accepted) this.#next()
    return accepted
  }

  #acceptKeyword(keyword: string): boolean {
    const accepted = this.#isKeyword(keyword)
    if (accepted) this.#next()
    return accepted
  }

  #symbol(symbol: string): void {
    if (!this.#accept(symbol)) throw this.#unexpected()
  }

  #keyword(keyword: string): void {
    if (!this.#acceptKeyword(keyword)) throw this.#unexpected()
  }

  #next(): Token {
    const token = this.#token
    this.#token = this.#scan(token.end)
    return token
  }

  #scan(from: number): Token {
    BLANK.lastIndex = from
    BLANK.exec(this.#source)
    const start = BLANK.lastIndex
    this.#start = start
    if (start === this.#source.length) return { kind: 'end', text: '', end: start }
    TOKEN.lastIndex = start
    const match = TOKEN.exec(this.#source)
    if (match === null) throw new JqSyntaxError(`unexpected token ${JSON.stringify(this.#source[start])}`)
    const group = match.findIndex((text, index) => index > 0 && text !== undefined)
    const kind = GROUPS[group - 1]!
    return { kind: kind === 'name' && KEYWORDS.has(match[0]) ? 'keyword' : kind, text: match[0], end: TOKEN.lastIndex }
  }

  #unexpected(token = this.#token): JqSyntaxError {
    if (token.kind === 'end') return new JqSyntaxError('unexpected EOF')
    return new JqSyntaxError(`unexpected token ${JSON.stringify(token.text)} at position ${this.#start}`)
  }
}

function fieldOf(target: Query, name: string): Query {
  return { kind: 'index', target, key: { kind: 'literal', value: name } }
}
