import { type Value, Float } from '../../bloblang/index.ts'
import { TemplateError, type Token, tokensOf, unquoted } from './lex.ts'

export interface Place {
  readonly line: number
  readonly column: number
}

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipe: Pipe }
  | {
      readonly kind: 'if' | 'with' | 'range'
      readonly pipe: Pipe
      readonly body: readonly Node[]
      readonly otherwise: readonly Node[]
    }
  | { readonly kind: 'template'; readonly name: string; readonly pipe: Pipe | undefined; readonly place: Place }
  | { readonly kind: 'break' | 'continue' }

/** Commands, each of which receives the result of the previous one as its last argument. */
export interface Pipe {
  readonly variables: readonly string[]
  /** Whether the variables are being declared. */
  readonly declares: boolean
  readonly commands: readonly Command[]
}

/** A function with its arguments, or a single operand. */
export interface Command {
  readonly operands: readonly Operand[]
  readonly place: Place
}

export type Operand =
  | { readonly kind: 'literal'; readonly value: Value }
  | { readonly kind: 'function'; readonly name: string; readonly fields: readonly string[] }
  | { readonly kind: 'dot'; readonly fields: readonly string[] }
  | { readonly kind: 'variable'; readonly name: string; readonly fields: readonly string[] }
  | { readonly kind: 'pipe'; readonly pipe: Pipe; readonly fields: readonly string[] }

const MAX_DEPTH = 200

/** Parses a template and adds the templates that it defines to `templates`. Throws {@link TemplateError}. */
export function parseTemplate(
  name: string,
  source: string,
  isFunction: (name: string) => boolean,
  templates: Map<string, readonly Node[]>,
): void {
  const parser = new Parser(name, tokensOf(name, source), isFunction, templates)
  const nodes = parser.nodes(['end of template'], [], false)
  // An empty template does not replace a non-empty one.
  if (nodes.length > 0 || !templates.has(name)) templates.set(name, nodes)
}

class Parser {
  readonly #name: string
  readonly #tokens: readonly Token[]
  readonly #isFunction: (name: string) => boolean
  readonly #templates: Map<string, readonly Node[]>
  #at = 0
  #depth = 0
  /** The keyword that ended the last list of nodes. */
  #ended = ''

  constructor(
    name: string,
    tokens: readonly Token[],
    isFunction: (name: string) => boolean,
    templates: Map<string, readonly Node[]>,
  ) {
    this.#name = name
    this.#tokens = tokens
    this.#isFunction = isFunction
    this.#templates = templates
  }

  /** Parses nodes up to one of the given keywords, which is consumed. */
  nodes(until: readonly string[], variables: readonly string[], inRange: boolean): readonly Node[] {
    if (++this.#depth > MAX_DEPTH) this.#fail(`nested more than ${MAX_DEPTH} levels deep`)
    const known = [...variables, '']
    const nodes: Node[] = []
    for (;;) {
      const token = this.#next()
      if (token.kind === 'end') {
        if (!until.includes('end of template')) this.#fail('unexpected EOF')
        break
      }
      if (token.kind === 'text') {
        nodes.push({ kind: 'text', text: token.text })
        continue
      }
      const { kind, text } = this.#now
      if (kind === 'word' && (text === 'end' || text === 'else')) {
        if (!until.includes(text)) this.#fail(`unexpected {{${text}}}`)
        this.#at++
        this.#ended = text
        if (text === 'end') this.#close()
        break
      }
      const node = this.#action(known, inRange)
      if (node !== undefined) nodes.push(node)
    }
    this.#depth--
    return nodes
  }

  #action(known: string[], inRange: boolean): Node | undefined {
    const { kind, text, line, column } = this.#now
    if (kind !== 'word') return this.#plain(known)
    switch (text) {
      case 'if':
      case 'with':
      case 'range':
        this.#at++
        return this.#control(text, known, inRange)
      case 'break':
      case 'continue':
        this.#at++
        if (!inRange) this.#fail(`{{${text}}} outside {{range}}`)
        this.#close()
        return { kind: text }
      case 'template': {
        this.#at++
        const name = this.#string('template clause')
        const pipe = this.#now.kind === 'close' ? undefined : this.#pipe(known, 'template clause')
        this.#close()
        return { kind: 'template', name, pipe, place: { line, column } }
      }
      case 'block': {
        this.#at++
        const name = this.#string('block clause')
        const pipe = this.#pipe(known, 'block clause')
        this.#close()
        this.#templates.set(name, this.nodes(['end'], [], false))
        return { kind: 'template', name, pipe, place: { line, column } }
      }
      case 'define': {
        this.#at++
        const name = this.#string('define clause')
        this.#close()
        this.#templates.set(name, this.nodes(['end'], [], false))
        return undefined
      }
      default:
        return this.#plain(known)
    }
  }

  #plain(known: string[]): Node {
    const pipe = this.#pipe(known, 'command')
    this.#close()
    return { kind: 'action', pipe }
  }

  #control(kind: 'if' | 'with' | 'range', outer: readonly string[], inRange: boolean): Node {
    const known = [...outer]
    const pipe = this.#pipe(known, kind, kind === 'range')
    this.#close()
    const loops = inRange || kind === 'range'
    const body = this.nodes(['end', 'else'], known, loops)
    if (this.#ended === 'end') return { kind, pipe, body, otherwise: [] }
    const { kind: next, text } = this.#now
    // `{{else if}}` is an `if` inside the `else`, with one end for both.
    if (next === 'word' && text === kind && kind !== 'range') {
      this.#at++
      return { kind, pipe, body, otherwise: [this.#control(kind, known, inRange)] }
    }
    this.#close()
    return { kind, pipe, body, otherwise: this.nodes(['end'], known, inRange) }
  }

  #pipe(known: string[], context: string, isRange = false): Pipe {
    const variables: string[] = []
    let declares = false
    const start = this.#at
    while (this.#now.kind === 'variable') {
      const name = this.#next().text
      const { text } = this.#now
      if (text === ':=' || text === '=') {
        this.#at++
        declares = text === ':='
        variables.push(name)
        break
      }
      if (text === ',' && isRange && variables.length === 0) {
        this.#at++
        variables.push(name)
        continue
      }
      this.#at = start
      variables.length = 0
      break
    }
    if (!declares) for (const name of variables) this.#checkVariable(name, known)
    const commands: Command[] = []
    do commands.push(this.#command(known, context))
    while (this.#takes('|'))
    for (const [index, { operands }] of commands.entries()) {
      if (index > 0 && operands[0]?.kind === 'literal')
        this.#fail(`non executable command in pipeline stage ${index + 1}`)
    }
    if (declares) known.push(...variables)
    return { variables, declares, commands }
  }

  #command(known: readonly string[], context: string): Command {
    const { line, column } = this.#now
    const operands: Operand[] = []
    for (;;) {
      const { kind, text } = this.#now
      if (kind === 'close' || (kind === 'symbol' && (text === '|' || text === ')'))) break
      operands.push(this.#operand(known, context))
    }
    if (operands.length === 0) this.#fail(`missing value for ${context}`)
    return { operands, place: { line, column } }
  }

  #operand(known: readonly string[], context: string): Operand {
    const token = this.#next()
    switch (token.kind) {
      case 'string':
        return { kind: 'literal', value: token.text }
      case 'char':
        return { kind: 'literal', value: BigInt(unquoted(token.text).codePointAt(0) ?? 0) }
      case 'number':
        return { kind: 'literal', value: this.#number(token.text) }
      case 'field':
        return { kind: 'dot', fields: [token.text, ...this.#fields()] }
      case 'variable':
        this.#checkVariable(token.text, known)
        return { kind: 'variable', name: token.text, fields: this.#fields() }
      case 'word': {
        if (token.text === 'true' || token.text === 'false') return { kind: 'literal', value: token.text === 'true' }
        if (token.text === 'nil') return { kind: 'literal', value: null }
        if (!this.#isFunction(token.text)) this.#fail(`function ${JSON.stringify(token.text)} not defined`, token)
        return { kind: 'function', name: token.text, fields: this.#fields() }
      }
      case 'symbol':
        if (token.text === '.') return { kind: 'dot', fields: [] }
        if (token.text === '(') {
          if (++this.#depth > MAX_DEPTH) this.#fail(`nested more than ${MAX_DEPTH} levels deep`)
          const pipe = this.#pipe([...known], 'parenthesized pipeline')
          if (!this.#takes(')')) this.#fail('unclosed left paren')
          this.#depth--
          return { kind: 'pipe', pipe, fields: this.#fields() }
        }
        break
      default:
    }
    return this.#fail(`unexpected ${token.kind === 'end' ? 'EOF' : JSON.stringify(token.text)} in ${context}`, token)
  }

  /** Fields that follow without a space. */
  #fields(): readonly string[] {
    const fields: string[] = []
    while (this.#now.kind === 'field' && !this.#now.isSpaced) fields.push(this.#next().text)
    return fields
  }

  #number(text: string): Value {
    const plain = text.replaceAll('_', '')
    if (/^[+-]?(?:0[xXbBoO][\da-fA-F]+|\d+)$/.test(plain)) {
      const digits = plain.replace(/^[+-]/, '')
      const value = BigInt(/^0\d+$/.test(digits) ? `0o${digits.slice(1)}` : digits)
      return plain.startsWith('-') ? -value : value
    }
    return new Float(Number(plain))
  }

  #checkVariable(name: string, known: readonly string[]): void {
    if (!known.includes(name)) this.#fail(`undefined variable "$${name}"`)
  }

  #string(context: string): string {
    const token = this.#next()
    if (token.kind !== 'string') this.#fail(`unexpected ${JSON.stringify(token.text)} in ${context}`, token)
    return token.text
  }

  #takes(text: string): boolean {
    if (this.#now.kind !== 'symbol' || this.#now.text !== text) return false
    this.#at++
    return true
  }

  #close(): void {
    const token = this.#next()
    if (token.kind !== 'close') this.#fail(`unexpected ${JSON.stringify(token.text)} in operand`, token)
  }

  #next(): Token {
    const token = this.#now
    if (token.kind !== 'end') this.#at++
    return token
  }

  get #now(): Token {
    return this.#tokens[this.#at]!
  }

  #fail(reason: string, token: Token = this.#now): never {
    throw new TemplateError(this.#name, token.line, reason)
  }
}
