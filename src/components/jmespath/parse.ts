import { messageOf } from '../../base/index.ts'
import { JmesSyntaxError, type Token, type TokenKind, tokensOf } from './lex.ts'

/** A JSON value, with JavaScript numbers. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

export type Comparison = 'tEQ' | 'tNE' | 'tLT' | 'tLTE' | 'tGT' | 'tGTE'

/** The syntax tree of a query. */
export type Expression =
  | { readonly kind: 'identity' }
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'slice'; readonly parts: readonly (number | undefined)[] }
  | { readonly kind: 'literal'; readonly value: Json }
  | { readonly kind: 'chain'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'projection'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'valueProjection'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'filter'; readonly left: Expression; readonly right: Expression; readonly condition: Expression }
  | { readonly kind: 'flatten'; readonly left: Expression }
  | { readonly kind: 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'and'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'not'; readonly operand: Expression }
  | { readonly kind: 'compare'; readonly operator: Comparison; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'list'; readonly items: readonly Expression[] }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [string, Expression])[] }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }
  | { readonly kind: 'reference'; readonly body: Expression }

const identity: Expression = { kind: 'identity' }

const powers: Readonly<Partial<Record<TokenKind, number>>> = {
  tPipe: 1,
  tOr: 2,
  tAnd: 3,
  tLT: 5,
  tLTE: 5,
  tGT: 5,
  tGTE: 5,
  tEQ: 5,
  tNE: 5,
  tFlatten: 9,
  tStar: 20,
  tFilter: 21,
  tDot: 40,
  tNot: 45,
  tLbrace: 50,
  tLbracket: 55,
  tLparen: 60,
}

/** Tokens with a lower binding power end what is applied to each element of a projection. */
const PROJECTION_END = 10
/** Maximum nesting of brackets and operators. */
const MAX_DEPTH = 500

/** Parses a JMESPath query. Throws `JmesSyntaxError` with the original's messages. */
export function parseQuery(query: string): Expression {
  const parser = new Parser(tokensOf(query))
  return parser.whole()
}

class Parser {
  readonly #tokens: readonly Token[]
  #at = 0
  #depth = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  whole(): Expression {
    const expression = this.#expression(0)
    if (this.#kind !== 'tEOF') throw this.#fault(`Unexpected token at the end of the expression: ${this.#kind}`)
    return expression
  }

  #expression(power: number): Expression {
    if (++this.#depth > MAX_DEPTH) throw new JmesSyntaxError('the expression is nested too deeply')
    let left = this.#prefix(this.#next())
    while (power < powerOf(this.#kind)) left = this.#infix(this.#next(), left)
    this.#depth--
    return left
  }

  #prefix(token: Token): Expression {
    switch (token.kind) {
      case 'tJSONLiteral':
        return { kind: 'literal', value: literalOf(token.text) }
      case 'tStringLiteral':
        return { kind: 'literal', value: token.text }
      case 'tUnquotedIdentifier':
        return { kind: 'field', name: token.text }
      case 'tQuotedIdentifier':
        if (this.#kind === 'tLparen') throw this.#fault("Can't have quoted identifier as function name.")
        return { kind: 'field', name: token.text }
      case 'tStar':
        return {
          kind: 'valueProjection',
          left: identity,
          right: this.#kind === 'tRbracket' ? identity : this.#projected('tStar'),
        }
      case 'tFilter':
        return this.#filter(identity)
      case 'tLbrace':
        return this.#object()
      case 'tFlatten':
        return this.#flattened(identity)
      case 'tLbracket':
        if (this.#kind === 'tNumber' || this.#kind === 'tColon') return this.#indexed(identity)
        if (this.#kind === 'tStar' && this.#kindAfter === 'tRbracket') return this.#starred(identity)
        return this.#list()
      case 'tCurrent':
        return identity
      case 'tExpref':
        return { kind: 'reference', body: this.#expression(0) }
      case 'tNot':
        return { kind: 'not', operand: this.#expression(powerOf('tNot')) }
      case 'tLparen': {
        const inner = this.#expression(0)
        this.#expect('tRparen')
        return inner
      }
      case 'tEOF':
        throw this.#fault('Incomplete expression')
      default:
        throw this.#fault(`Invalid token: ${token.kind}`)
    }
  }

  #infix({ kind }: Token, left: Expression): Expression {
    switch (kind) {
      case 'tDot':
        if (this.#kind !== 'tStar') return { kind: 'chain', left, right: this.#afterDot('tDot') }
        this.#next()
        return { kind: 'valueProjection', left, right: this.#projected('tDot') }
      case 'tPipe':
        return { kind: 'chain', left, right: this.#expression(powerOf(kind)) }
      case 'tOr':
        return { kind: 'or', left, right: this.#expression(powerOf(kind)) }
      case 'tAnd':
        return { kind: 'and', left, right: this.#expression(powerOf(kind)) }
      case 'tLparen':
        if (left.kind !== 'field') throw this.#fault('Unexpected token: tLparen')
        return { kind: 'call', name: left.name, args: this.#args() }
      case 'tFilter':
        return this.#filter(left)
      case 'tFlatten':
        return this.#flattened(left)
      case 'tEQ':
      case 'tNE':
      case 'tGT':
      case 'tGTE':
      case 'tLT':
      case 'tLTE':
        return { kind: 'compare', operator: kind, left, right: this.#expression(powerOf(kind)) }
      case 'tLbracket':
        return this.#kind === 'tNumber' || this.#kind === 'tColon' ? this.#indexed(left) : this.#starred(left)
      default:
        throw this.#fault(`Unexpected token: ${kind}`)
    }
  }

  #args(): readonly Expression[] {
    const args: Expression[] = []
    while (this.#kind !== 'tRparen') {
      args.push(this.#expression(0))
      if (this.#kind === 'tComma') this.#next()
    }
    this.#next()
    return args
  }

  #starred(left: Expression): Expression {
    this.#expect('tStar')
    this.#expect('tRbracket')
    return { kind: 'projection', left, right: this.#projected('tStar') }
  }

  #flattened(left: Expression): Expression {
    return { kind: 'projection', left: { kind: 'flatten', left }, right: this.#projected('tFlatten') }
  }

  /** Parses what follows `[` if it is a number or a colon. */
  #indexed(left: Expression): Expression {
    if (this.#kind !== 'tColon' && this.#kindAfter !== 'tColon') {
      const index = this.#integer()
      this.#expect('tRbracket')
      return { kind: 'chain', left, right: { kind: 'index', index } }
    }
    const sliced: Expression = { kind: 'chain', left, right: this.#slice() }
    return { kind: 'projection', left: sliced, right: this.#projected('tStar') }
  }

  #slice(): Expression {
    const parts: (number | undefined)[] = [undefined, undefined, undefined]
    for (let part = 0; this.#kind !== 'tRbracket' && part < 3; ) {
      if (this.#kind === 'tNumber') parts[part] = this.#integer()
      else if (this.#kind === 'tColon') {
        part++
        this.#next()
      } else throw this.#fault(`Expected tColon or tNumber, received: ${this.#kind}`)
    }
    this.#expect('tRbracket')
    return { kind: 'slice', parts }
  }

  #integer(): number {
    const { text } = this.#next()
    if (text === '-') throw this.#fault('a minus sign without a number')
    return Number(text)
  }

  #filter(left: Expression): Expression {
    const condition = this.#expression(0)
    this.#expect('tRbracket')
    const right = this.#kind === 'tFlatten' ? identity : this.#projected('tFilter')
    return { kind: 'filter', left, right, condition }
  }

  #list(): Expression {
    const items = [this.#expression(0)]
    while (this.#kind !== 'tRbracket') {
      this.#expect('tComma')
      items.push(this.#expression(0))
    }
    this.#next()
    return { kind: 'list', items }
  }

  #object(): Expression {
    const entries: (readonly [string, Expression])[] = []
    for (;;) {
      const key = this.#next()
      if (key.kind !== 'tUnquotedIdentifier' && key.kind !== 'tQuotedIdentifier') {
        throw this.#fault('Expected tQuotedIdentifier or tUnquotedIdentifier')
      }
      this.#expect('tColon')
      entries.push([key.text, this.#expression(0)])
      if (this.#kind === 'tRbrace') break
      if (this.#kind === 'tComma') this.#next()
    }
    this.#next()
    return { kind: 'object', entries }
  }

  #afterDot(binder: TokenKind): Expression {
    switch (this.#kind) {
      case 'tQuotedIdentifier':
      case 'tUnquotedIdentifier':
      case 'tStar':
        return this.#expression(powerOf(binder))
      case 'tLbracket':
        this.#next()
        return this.#list()
      case 'tLbrace':
        this.#next()
        return this.#object()
      default:
        throw this.#fault('Expected identifier, lbracket, or lbrace')
    }
  }

  /** Parses what is applied to each element of a projection. */
  #projected(binder: TokenKind): Expression {
    if (powerOf(this.#kind) < PROJECTION_END) return identity
    if (this.#kind === 'tLbracket' || this.#kind === 'tFilter') return this.#expression(powerOf(binder))
    if (this.#kind !== 'tDot') throw this.#fault('Error')
    this.#next()
    return this.#afterDot(binder)
  }

  get #kind(): TokenKind {
    return this.#tokens[this.#at]?.kind ?? 'tEOF'
  }

  get #kindAfter(): TokenKind {
    return this.#tokens[this.#at + 1]?.kind ?? 'tEOF'
  }

  #next(): Token {
    return this.#tokens[this.#at++] ?? { kind: 'tEOF', text: '' }
  }

  #expect(kind: TokenKind): void {
    if (this.#kind !== kind) throw this.#fault(`Expected ${kind}, received: ${this.#kind}`)
    this.#next()
  }

  #fault(message: string): JmesSyntaxError {
    return new JmesSyntaxError(message)
  }
}

function powerOf(kind: TokenKind): number {
  return powers[kind] ?? 0
}

function literalOf(text: string): Json {
  try {
    return JSON.parse(text) as Json // a JSON literal is a value
  } catch (error) {
    throw new JmesSyntaxError(`Invalid JSON literal: ${messageOf(error)}`)
  }
}
