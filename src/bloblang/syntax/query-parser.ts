import { MappingError, WrongTypeError } from '../errors.ts'
import { emptyLiteral } from '../data/empty-literals.ts'
import { describeWrongType } from '../data/errors.ts'
import { FOLDABLE } from '../runtime/operators.ts'
import { DELETED, Float, NOTHING, type Value } from '../value.ts'
import { annotationOf, knownArgument, splitDotPath } from './annotation.ts'
import { ArgumentError, bindArguments, type BoundArguments, type Signature, type WrittenArgument } from './arguments.ts'
import type { BinaryOperator, FunctionCall, Literal, MatchCase, MethodCall, ObjectLiteral, Query } from './ast.ts'
import { expecting, fatal, Fault, joined, required } from './fault.ts'
import { nearest } from './nearest.ts'
import { goTypeName } from '../text/go-value.ts'
import { Reader } from './reader.ts'

/** What the parser knows about the functions and methods that a text may call. */
export interface Catalog {
  function(name: string): Signature | undefined
  method(name: string): Signature | undefined
  readonly functionNames: () => readonly string[]
  readonly methodNames: () => readonly string[]
  /**
   * Prepares a call whose arguments are all known. Returns the value if the call folds to a literal, otherwise
   * undefined. Throws the mapping error that makes the text invalid. `target` is the target of a method call if that is
   * a literal.
   */
  prepare(call: FunctionCall | MethodCall, target: Value | undefined): Value | undefined
  /** Why the call is refused, if it needs a capability that is not granted. */
  refusal?(call: FunctionCall | MethodCall): string | undefined
}

/** Deeper texts are rejected, before they overflow the stack. */
const MAX_DEPTH = 300

/**
 * Parses queries. Results are memoized by position and names in scope, so that alternatives with a common prefix take
 * linear time. After a lambda, a bracket may be tried with and without its parameter in scope, and so on for nested
 * ones; after a few such sets of names the last result is reused.
 */
export class QueryParser extends Reader {
  readonly catalog: Catalog
  readonly #memo = new Map<number, Attempt>()
  #depth = 0
  #names: readonly string[] = []

  constructor(text: string, catalog: Catalog, at = 0) {
    super(text, at)
    this.catalog = catalog
  }

  /** A whole query: optional blanks, then terms joined by operators. */
  query(): Query | Fault {
    const start = this.at
    const known = this.#remembered(start)
    if (known !== undefined) {
      if (!(known.result instanceof Fault)) this.at = known.end
      return known.result
    }
    if (this.#depth >= MAX_DEPTH) return fatal(start, `nested more than ${MAX_DEPTH} levels deep`)
    this.#depth++
    this.skipBlank()
    const result = this.#operations()
    this.#depth--
    if (result instanceof Fault) this.at = start
    this.#memo.set(start, { names: this.#names, result, end: this.at, before: this.#memo.get(start) })
    return result
  }

  #remembered(start: number): Attempt | undefined {
    const last = this.#memo.get(start)
    let count = 0
    for (let attempt = last; attempt !== undefined; attempt = attempt.before) {
      if (sameNames(attempt.names, this.#names)) return attempt
      count++
    }
    return count < MOST_ATTEMPTS ? undefined : last
  }

  #operations(): Query | Fault {
    const start = this.at
    const terms: Query[] = []
    const operators: BinaryOperator[] = []
    const negative = new Set<number>()
    for (;;) {
      if (this.#minus()) negative.add(terms.length)
      const term = this.#term()
      if (term instanceof Fault) return term
      terms.push(term)
      const before = this.at
      this.skipBlank()
      const operator = this.#operator()
      if (operator === null) {
        this.at = before
        break
      }
      operators.push(operator)
      this.skipSpace()
    }
    // Signs are applied last, so that an error after a term is reported before an error in its negation.
    for (const index of negative) {
      const negated = this.#negated(terms[index]!, start)
      if (negated instanceof Fault) return negated
      terms[index] = negated
    }
    return this.#arrange(terms, operators, start)
  }

  #operator(): BinaryOperator | null {
    const operator = OPERATORS.find(candidate => this.text.startsWith(candidate, this.at))
    if (operator === undefined) return null
    this.at += operator.length
    return operator
  }

  #minus(): boolean {
    if (this.text[this.at] !== '-') return false
    this.at++
    this.skipSpace()
    return true
  }

  #negated(term: Query, expressionStart: number): Query | Fault {
    const { start } = term.span
    const zero: Literal = { kind: 'literal', value: 0n, annotation: null, origin: null, span: { start, end: start } }
    return this.#operation('-', zero, term, expressionStart, true)
  }

  /** Groups the terms: products and `|` first, then sums, comparisons, and `&&` and `||` with equal precedence. */
  #arrange(allTerms: Query[], allOperators: BinaryOperator[], start: number): Query | Fault {
    let terms = allTerms
    let operators = allOperators
    for (const level of LEVELS) {
      if (operators.length === 0) break
      const nextTerms = [terms[0]!]
      const nextOperators: BinaryOperator[] = []
      for (const [index, operator] of operators.entries()) {
        if (!level.has(operator)) {
          nextTerms.push(terms[index + 1]!)
          nextOperators.push(operator)
          continue
        }
        const result = this.#operation(operator, nextTerms.at(-1)!, terms[index + 1]!, start)
        if (result instanceof Fault) return result
        nextTerms[nextTerms.length - 1] = result
      }
      terms = nextTerms
      operators = nextOperators
    }
    return terms[0]!
  }

  /** A binary operation, folded if both sides are literals, in which case its errors are errors of the text. */
  #operation(operator: BinaryOperator, left: Query, right: Query, start: number, negation = false): Query | Fault {
    const span = { start: left.span.start, end: right.span.end }
    const node: Query = { kind: 'binary', operator, left, right, negation, span }
    const calculate = FOLDABLE.get(operator)
    if (calculate === undefined || left.kind !== 'literal' || right.kind !== 'literal') return node
    const sides = { left: annotationOf(left), right: annotationOf(right) }
    try {
      const value = calculate(left.value, right.value, sides)
      return { kind: 'literal', value, annotation: sides.right, origin: node, span }
    } catch (error) {
      return fatal(start, textOfError(error))
    }
  }

  /** One operand with its suffixes: `!a.b[0].c()`. */
  #term(): Query | Fault {
    const start = this.at
    const negated = this.text[start] === '!'
    if (negated) {
      this.at++
      this.skipBlank()
    }
    let query = this.#primary()
    if (query instanceof Fault) return query
    for (;;) {
      if (this.text[this.at] === '[') {
        const bracket = this.#bracket(query)
        if (!(bracket instanceof Fault)) {
          query = bracket
          continue
        }
      }
      const before = this.at
      if (this.text[before] !== '.') break
      this.at++
      this.skipSpace()
      const tail: Query | Fault = this.#tail(query)
      if (tail instanceof Fault) return required(tail)
      query = tail
    }
    return negated ? { kind: 'not', operand: query, span: { start, end: this.at } } : query
  }

  #primary(): Query | Fault {
    const result = this.oneOf<Query>([
      () => this.#match(),
      () => this.#if(),
      () => this.#lambda(),
      () => this.#parentheses(),
      () => this.literal(),
      () => this.#function(),
      () => this.#metadata(),
      () => this.#variable(),
      () => this.#field(),
    ])
    return result instanceof Fault ? expecting(result, 'query') : result
  }

  #match(): Query | Fault {
    const start = this.at
    const head = this.#keyword('match')
    if (head !== null) return head
    const attempt = this.query()
    if (attempt instanceof Fault && attempt.fatal !== null) return attempt
    this.skipSpace()
    const cases = this.list(
      () => this.#open('{'),
      () => this.#matchCase(),
      () => this.#caseEnd(),
      () => this.#close('}'),
    )
    if (cases instanceof Fault) return required(cases)
    const subject = attempt instanceof Fault ? null : attempt
    return { kind: 'match', subject, cases, span: { start, end: this.at } }
  }

  /** Parses a keyword and the blank after it. */
  #keyword(word: string): Fault | null {
    const term = this.term(word)
    if (term instanceof Fault) return term
    const blank = this.blank()
    return blank instanceof Fault ? blank : null
  }

  #matchCase(): MatchCase | Fault {
    const pattern = this.oneOf<Query | null>([
      () => {
        const wildcard = this.term('_')
        if (wildcard instanceof Fault) return expecting(wildcard, 'match case')
        this.skipBlank()
        const arrow = this.term('=>')
        return arrow instanceof Fault ? arrow : null
      },
      () => {
        const query = this.query()
        if (query instanceof Fault) return expecting(query, 'match case')
        this.skipBlank()
        const arrow = this.term('=>')
        return arrow instanceof Fault ? arrow : query
      },
    ])
    if (pattern instanceof Fault) return pattern
    this.skipBlank()
    const result = this.query()
    return result instanceof Fault ? result : { pattern, result }
  }

  #caseEnd(): true | Fault {
    this.skipBlank()
    const separator = this.oneOf<string>([() => this.term(','), () => this.lineBreak()])
    if (separator instanceof Fault) return separator
    this.skipSpace()
    return true
  }

  #if(): Query | Fault {
    const start = this.at
    const head = this.#keyword('if')
    if (head !== null) return head
    const branches: { readonly condition: Query; readonly result: Query }[] = []
    for (;;) {
      const condition = this.query()
      if (condition instanceof Fault) return required(condition)
      this.skipSpace()
      const result = this.#block()
      if (result instanceof Fault) return result
      branches.push({ condition, result })
      const before = this.at
      this.skipSpace()
      if (this.#keyword('else if') === null) continue
      this.at = before
      this.skipSpace()
      if (this.term('else') instanceof Fault) {
        this.at = before
        return { kind: 'if', branches, otherwise: null, span: { start, end: this.at } }
      }
      this.skipSpace()
      const otherwise = this.#block()
      if (otherwise instanceof Fault) return otherwise
      return { kind: 'if', branches, otherwise, span: { start, end: this.at } }
    }
  }

  /** A mandatory query in braces. */
  #block(): Query | Fault {
    const open = this.#open('{')
    if (open instanceof Fault) return required(open)
    const query = this.query()
    if (query instanceof Fault) return required(query)
    const close = this.#close('}')
    return close instanceof Fault ? required(close) : query
  }

  #lambda(): Query | Fault {
    const start = this.at
    const name = this.name()
    if (name instanceof Fault) return expecting(name, 'function')
    for (const part of [() => this.blank(), () => this.term('->'), () => this.blank()]) {
      const read = part()
      if (read instanceof Fault) return expecting(read, 'function')
    }
    if (name !== '_') {
      if (this.#names.includes(name)) return fatal(start, `context label \`${name}\` would shadow a parent context`)
      if (name === 'root' || name === 'this') return fatal(start, `context label \`${name}\` is not allowed`)
    }
    const outer = this.#names
    if (name !== '_') this.#names = [...outer, name]
    const body = this.query()
    this.#names = outer
    if (body instanceof Fault) return required(body)
    if (body.kind === 'lambda') {
      return fatal(
        start,
        `it would be in poor taste to capture the same context under both '${name}' and '${body.parameter}'`,
      )
    }
    return { kind: 'lambda', parameter: name, body, span: { start, end: this.at } }
  }

  #parentheses(): Query | Fault {
    const open = this.#open('(')
    if (open instanceof Fault) return expecting(open, 'function')
    const query = this.query()
    if (query instanceof Fault) return query
    const close = this.#close(')')
    return close instanceof Fault ? required(expecting(close, 'closing bracket')) : query
  }

  /** A literal value. */
  literal(): Query | Fault {
    const start = this.at
    const literal = (value: Value, origin: Query | null = null): Query => {
      return { kind: 'literal', value, annotation: null, origin, span: { start, end: this.at } }
    }
    return this.oneOf<Query>([
      () => {
        const word = this.oneOf<string>([() => this.term('true'), () => this.term('false')])
        return word instanceof Fault ? expecting(word, 'boolean') : literal(word === 'true')
      },
      () => {
        const number = this.number()
        if (number instanceof Fault) return number
        return literal('whole' in number ? BigInt.asIntN(64, number.whole) : new Float(number.float))
      },
      () => {
        const text = this.tripleQuoted()
        return text instanceof Fault ? text : literal(text)
      },
      () => {
        const text = this.quoted()
        return text instanceof Fault ? text : literal(text)
      },
      () => {
        const word = this.term('null')
        return word instanceof Fault ? word : literal(null)
      },
      () => this.#array(),
      () => this.#object(),
    ])
  }

  #array(): Query | Fault {
    const start = this.at
    const items = this.list(
      () => named(this.#open('['), 'array'),
      () => named(this.query(), 'object'),
      () => this.#comma(),
      () => this.#close(']'),
    )
    if (items instanceof Fault) return items
    const span = { start, end: this.at }
    const node: Query = { kind: 'array', items, span }
    if (items.some(item => item.kind !== 'literal')) return node
    const values = (items as Literal[]) // every item is a literal
      .map(({ value }) => value)
      .filter(value => value !== DELETED && value !== NOTHING)
    return {
      kind: 'literal',
      value: values.length === 0 ? emptyLiteral() : values,
      annotation: null,
      origin: node,
      span,
    }
  }

  #object(): Query | Fault {
    const start = this.at
    const entries = this.list(
      () => named(this.#open('{'), 'object'),
      () => this.#entry(),
      () => this.#comma(),
      () => this.#close('}'),
    )
    if (entries instanceof Fault) return entries
    const span = { start, end: this.at }
    const plain: { key: string | Query; value: Query }[] = []
    for (const { key, value } of entries) {
      if (typeof key === 'string' || key.kind !== 'literal') plain.push({ key, value })
      else if (typeof key.value === 'string') plain.push({ key: key.value, value })
      else return fatal(start, `object keys must be strings, received: ${goTypeName(key.value)}`)
    }
    const node: ObjectLiteral = { kind: 'object', entries: plain, span }
    return staticObject(node) ?? node
  }

  #entry(): { key: string | Query; value: Query } | Fault {
    const key = this.oneOf<string | Query>([() => this.quoted(), () => named(this.query(), 'object')])
    if (key instanceof Fault) return key
    this.skipBlank()
    const colon = this.term(':')
    if (colon instanceof Fault) return colon
    this.skipSpace()
    const value = this.query()
    return value instanceof Fault ? expecting(value, 'object') : { key, value }
  }

  #function(): Query | Fault {
    const start = this.at
    const name = this.snakeCase()
    if (name instanceof Fault) return expecting(name, 'function')
    const written = this.#arguments()
    if (written instanceof Fault) return written
    const signature = this.catalog.function(name)
    if (signature === undefined) {
      return fatal(this.at, `unrecognised function '${name}'`, nearest(name, this.catalog.functionNames()), start)
    }
    const args = bindArguments(signature, written)
    if (args instanceof ArgumentError) return fatal(this.at, args.message, args.suggestions)
    const call: FunctionCall = { kind: 'function', name, args, span: { start, end: this.at } }
    if (name === 'deleted') return folded(call, DELETED, 'delete')
    if (name === 'nothing') return folded(call, NOTHING, 'nothing')
    return this.#prepared(call, undefined)
  }

  /** Passes known arguments to the constructor; its rejection is an error of the text. */
  #prepared(call: FunctionCall | MethodCall, target: Value | undefined): Query | Fault {
    const refusal = this.catalog.refusal?.(call)
    if (refusal !== undefined) return fatal(call.kind === 'function' ? call.span.start : this.at, refusal)
    try {
      const value = hasComputed(call.args) ? undefined : this.catalog.prepare(call, target)
      return value === undefined ? call : folded(call, value, `${call.kind} ${call.name}`)
    } catch (error) {
      return fatal(this.at, textOfError(error))
    }
  }

  #arguments(): readonly WrittenArgument[] | Fault {
    return this.list(
      () => named(this.#open('('), 'function arguments'),
      () => must(named(this.#argument(), 'function argument')),
      () => must(named(this.#comma(), 'comma')),
      () => must(named(this.#close(')'), 'closing bracket')),
    )
  }

  #argument(): WrittenArgument | Fault {
    return this.oneOf<WrittenArgument>([
      () => {
        const name = this.snakeCase()
        if (name instanceof Fault) return name
        const colon = this.term(':')
        if (colon instanceof Fault) return colon
        this.skipBlank()
        const query = this.query()
        return query instanceof Fault ? required(expecting(query, 'argument value')) : { name, query }
      },
      () => {
        const query = this.query()
        return query instanceof Fault ? query : { name: null, query }
      },
    ])
  }

  #metadata(): Query | Fault {
    const start = this.at
    const sign = this.term('@')
    if (sign instanceof Fault) return expecting(sign, 'metadata path')
    const key = this.oneOf<string>([() => this.name(), () => this.quoted()])
    if (key instanceof Fault && key.fatal !== null) return key
    return { kind: 'metadata', key: key instanceof Fault ? '' : key, span: { start, end: this.at } }
  }

  #variable(): Query | Fault {
    const start = this.at
    const sign = this.term('$')
    if (sign instanceof Fault) return expecting(sign, 'variable path')
    const name = this.name()
    if (name instanceof Fault) return expecting(name, 'variable path')
    return { kind: 'variable', name, span: { start, end: this.at } }
  }

  #field(): Query | Fault {
    const start = this.at
    const name = this.name()
    if (name instanceof Fault) return expecting(name, 'field path')
    const span = { start, end: this.at }
    if (name === 'this' || name === 'root' || this.#names.includes(name)) {
      return { kind: 'field', base: name, path: [], span }
    }
    return { kind: 'field', base: 'this', path: [name], span }
  }

  /** `[i]`, `[from:to:step]`. */
  #bracket(target: Query): Query | Fault {
    const before = this.at
    this.at++
    this.skipSpace()
    const result = this.oneOf<Query>([() => this.#slice(target), () => this.#index(target)])
    if (result instanceof Fault) this.at = before
    return result
  }

  #slice(target: Query): Query | Fault {
    const start = target.span.start
    const from = this.#bound([':'])
    if (from instanceof Fault) return from
    const colon = this.term(':')
    if (colon instanceof Fault) return colon
    this.skipSpace()
    const to = this.#bound([':', ']'])
    if (to instanceof Fault) return to
    let step: Query | null = null
    if (this.text[this.at] === ':') {
      this.at++
      this.skipSpace()
      const bound = this.#bound([']'])
      if (bound instanceof Fault) return bound
      step = bound
    }
    const close = this.term(']')
    if (close instanceof Fault) return expecting(close, 'closing bracket')
    return { kind: 'slice', target, from, to, step, span: { start, end: this.at } }
  }

  /** A bound of a slice; null if one of these characters comes next. */
  #bound(ends: readonly string[]): Query | null | Fault {
    if (ends.includes(this.text[this.at] ?? '')) return null
    const query = this.query()
    if (!(query instanceof Fault)) this.skipSpace()
    return query
  }

  #index(target: Query): Query | Fault {
    const index = this.query()
    if (index instanceof Fault) return index
    const close = this.#close(']')
    if (close instanceof Fault) return expecting(close, 'closing bracket')
    return { kind: 'index', target, index, span: { start: target.span.start, end: this.at } }
  }

  /** Parses what follows a dot. */
  #tail(target: Query): Query | Fault {
    return this.oneOf<Query>([() => this.#nested(target), () => this.#method(target), () => this.#segment(target)])
  }

  #nested(target: Query): Query | Fault {
    const open = this.#open('(')
    if (open instanceof Fault) return expecting(open, 'method')
    const query = this.query()
    if (query instanceof Fault) return query
    const close = this.#close(')')
    if (close instanceof Fault) return close
    return { kind: 'nested', target, query, span: { start: target.span.start, end: this.at } }
  }

  #method(target: Query): Query | Fault {
    const start = this.at
    const name = this.snakeCase()
    if (name instanceof Fault) return expecting(name, 'method')
    const written = this.#arguments()
    if (written instanceof Fault) return written
    const signature = this.catalog.method(name)
    if (signature === undefined) {
      return fatal(this.at, `unrecognised method '${name}'`, nearest(name, this.catalog.methodNames()), start)
    }
    const args = bindArguments(signature, written)
    if (args instanceof ArgumentError) return fatal(this.at, args.message, args.suggestions)
    const call: MethodCall = { kind: 'method', target, name, args, span: { start: target.span.start, end: this.at } }
    const path = name === 'get' ? knownArgument(call, 0) : undefined
    if (typeof path === 'string') return this.#path(target, splitDotPath(path))
    return this.#prepared(call, target.kind === 'literal' ? target.value : undefined)
  }

  #segment(target: Query): Query | Fault {
    const segment = this.oneOf<string>([() => this.name(), () => this.quoted()])
    if (segment instanceof Fault) return expecting(segment, 'field path')
    return this.#path(target, [segment])
  }

  /** Extends a path in place, so that long ones take linear time; the original node is part of no other node. */
  #path(target: Query, segments: readonly string[]): Query {
    const span = { start: target.span.start, end: this.at }
    if (target.kind !== 'field' && target.kind !== 'path') return { kind: 'path', target, path: [...segments], span }
    ;(target.path as string[]).push(...segments) // part of no other node
    return { ...target, span }
  }

  #comma(): true | Fault {
    this.skipBlank()
    const comma = this.term(',')
    if (comma instanceof Fault) return comma
    this.skipSpace()
    return true
  }

  #open(bracket: string): string | Fault {
    const open = this.term(bracket)
    if (!(open instanceof Fault)) this.skipSpace()
    return open
  }

  #close(bracket: string): string | Fault {
    this.skipSpace()
    return this.term(bracket)
  }

  /** Elements between an opening and a closing token, with separators; a trailing separator is allowed. */
  list<T>(
    open: () => unknown,
    element: () => T | Fault,
    separator: () => unknown,
    close: () => unknown,
  ): readonly T[] | Fault {
    const opened = open()
    if (opened instanceof Fault) return opened
    const elements: T[] = []
    for (;;) {
      const start = this.at
      const read = element()
      if (read instanceof Fault) {
        this.at = start
        return close() instanceof Fault ? read : elements
      }
      elements.push(read)
      const end = this.at
      const separated = separator()
      if (!(separated instanceof Fault)) continue
      this.at = end
      const closed = close()
      return closed instanceof Fault ? joined(separated, closed) : elements
    }
  }
}

/** The memoized result of parsing a query at a position. */
interface Attempt {
  /** The parameters of the enclosing lambdas. */
  readonly names: readonly string[]
  readonly result: Query | Fault
  readonly end: number
  /** An earlier attempt at the same position, with other names. */
  readonly before: Attempt | undefined
}

const MOST_ATTEMPTS = 8

function sameNames(left: readonly string[], right: readonly string[]): boolean {
  return left === right || (left.length === right.length && left.every((name, at) => name === right[at]))
}

/** In the order in which the original tries them: `||` before `|`, `>=` before `>`. */
const OPERATORS: readonly BinaryOperator[] = [
  '+',
  '-',
  '/',
  '*',
  '%',
  '&&',
  '||',
  '==',
  '!=',
  '>=',
  '<=',
  '>',
  '<',
  '|',
]

const LEVELS: readonly ReadonlySet<BinaryOperator>[] = [
  new Set(['*', '/', '%', '|']),
  new Set(['+', '-']),
  new Set(['==', '!=', '<', '<=', '>', '>=']),
  new Set(['&&', '||']),
]

function named<T>(result: T | Fault, expected: string): T | Fault {
  return result instanceof Fault ? expecting(result, expected) : result
}

function must<T>(result: T | Fault): T | Fault {
  return result instanceof Fault ? required(result) : result
}

function folded(origin: FunctionCall | MethodCall, value: Value, annotation: string): Literal {
  return { kind: 'literal', value, annotation, origin, span: origin.span }
}

function hasComputed(args: BoundArguments): boolean {
  return args.values.some(argument => argument?.kind === 'computed')
}

/** The value of an object whose keys and values are all known, otherwise null. */
function staticObject(node: ObjectLiteral): Literal | null {
  const value: Record<string, Value> = {}
  for (const entry of node.entries) {
    if (typeof entry.key !== 'string' || entry.value.kind !== 'literal') return null
    const field = entry.value.value
    if (field === DELETED || field === NOTHING) continue
    Object.defineProperty(value, entry.key, { value: field, enumerable: true, configurable: true, writable: true })
  }
  return { kind: 'literal', value, annotation: null, origin: node, span: node.span }
}

function textOfError(error: unknown): string {
  if (error instanceof WrongTypeError) return describeWrongType(error)
  if (error instanceof MappingError) return error.message
  throw error
}
