import { MappingError } from '../../errors.ts'
import { goTypeName, toPlainText } from '../../text/go-value.ts'
import { unquote } from '../../text/quote.ts'
import { compileRe2 } from '../../text/re2/re2.ts'
import { Float, isObject, setOwn } from '../../value.ts'
import type { Value } from '../../value.ts'
import { isArray } from '../coerce.ts'
import { parseFloat64 } from '../parse-number.ts'
import { parseTime } from '../time/parse.ts'
import { applyOperator, isZero, type Operator, OPERATORS } from './operators.ts'
import {
  DESCENDANTS_STEP,
  directStep,
  type Expression,
  filterStep,
  multipleStep,
  pathExpression,
  rangeStep,
  scriptStep,
  STAR_STEP,
  type Step,
} from './path.ts'
import { Scanner } from './scanner.ts'
import { toNumber, toTruth } from './values.ts'

/** Compiles a JSONPath, or an expression over JSONPaths. Throws `failed to evaluate json path expression: …`. */
export function parseJsonPath(text: string): (document: Value) => Value {
  const expression = parseWhole(text)
  return document => expression(document, null)
}

function parseWhole(text: string): Expression {
  try {
    return new Parser(text).whole()
  } catch (error) {
    if (!(error instanceof MappingError)) throw error
    throw new MappingError(`failed to evaluate json path expression: ${error.message}`)
  }
}

const OPERATOR_SYMBOLS = new Set(
  Array.from(`${Object.keys(OPERATORS).join('')}?`).filter(character => /[^a-z]/.test(character)),
)
const OPERATOR_NAMES = [...Object.keys(OPERATORS), '?']
const FOREVER = 2 ** 31 - 1

class Parser {
  readonly #scanner: Scanner
  #depth = 0

  constructor(text: string) {
    this.#scanner = new Scanner(text)
  }

  whole(): Expression {
    const expression = this.#expression(-1)
    if (this.#scanner.scan() !== 'EOF') throw this.#scanner.unexpected('operator')
    return expression
  }

  /** Parses an expression of the operators that bind more tightly than `floor`. */
  #expression(floor: number): Expression {
    if (++this.#depth > MAX_DEPTH) throw this.#scanner.fail('nested too deeply')
    let left = this.#operand()
    for (;;) {
      const name = this.#operatorName(floor)
      if (name === null) break
      left = name === '?' ? this.#conditional(left) : this.#binary(name, left)
    }
    this.#depth--
    return left
  }

  #binary(name: string, left: Expression): Expression {
    const operator: Operator = OPERATORS[name]!
    const right = this.#expression(operator.precedence)
    const apply: Expression = (root, current) => {
      const a = left(root, current)
      const decided = operator.shortcut?.(a)
      return decided === undefined ? applyOperator(name, operator, a, right(root, current)) : decided
    }
    if (name.endsWith('~') && CONSTANTS.has(right)) this.#check(() => compileRe2(toPlainText(right(null, null))))
    return CONSTANTS.has(left) && CONSTANTS.has(right) ? constant(this.#check(() => apply(null, null))) : apply
  }

  /** Adds the location to errors of values computed while parsing. */
  #check<T>(step: () => T): T {
    try {
      return step()
    } catch (error) {
      if (!(error instanceof MappingError)) throw error
      throw this.#scanner.fail(error.message)
    }
  }

  #conditional(condition: Expression): Expression {
    const positive = this.#expression(-1)
    let negative: Expression = () => null
    const next = this.#scanner.scan()
    if (next === ':') negative = this.#expression(-1)
    else if (next === 'EOF') this.#scanner.giveBack()
    else throw this.#scanner.unexpected('<> ? <> : <>', ':', 'EOF')
    return (root, current) => (isZero(condition(root, current)) ? negative(root, current) : positive(root, current))
  }

  /** The next operator; null if there is none, or if it belongs to the caller. */
  #operatorName(floor: number): string | null {
    const kind = this.#scanner.scan()
    const first = this.#scanner.token
    if (pendingOperator(this.#pending, floor)) return this.#takePending()
    if (this.#pending !== null) {
      this.#scanner.giveBack()
      return null
    }
    let name = first
    if (OPERATOR_SYMBOLS.has(kind)) {
      for (;;) {
        const longer = name + this.#scanner.peek()
        if (longer === name || !OPERATOR_NAMES.some(known => known.startsWith(longer))) break
        name = longer
        this.#scanner.skipCharacter()
      }
    } else if (kind !== 'Ident') {
      this.#scanner.giveBack()
      return null
    }
    if (!OPERATOR_NAMES.includes(name)) {
      if (name.length > 1 && kind !== 'Ident') throw this.#scanner.fail(`unknown operator ${name}`)
      this.#scanner.giveBack()
      return null
    }
    this.#pending = name
    if (pendingOperator(this.#pending, floor)) return this.#takePending()
    this.#scanner.giveBack()
    return null
  }

  /** Kept while callers look at it, because an operator of several characters cannot be scanned twice. */
  #pending: string | null = null

  #takePending(): string {
    const name = this.#pending!
    this.#pending = null
    return name
  }

  #operand(): Expression {
    const kind = this.#scanner.scan()
    switch (kind) {
      case 'Int':
      case 'Float':
        return this.#check(() => constant(new Float(parseFloat64(this.#scanner.token))))
      case 'String':
      case 'RawString':
      case 'Char':
        return constant(this.#text())
      case 'Ident':
        return this.#identifier()
      case '$':
        return this.#path(false)
      case '@':
        return this.#path(true)
      case '(': {
        const inner = this.#expression(-1)
        if (this.#scanner.scan() !== ')') throw this.#scanner.unexpected('parentheses', ')')
        return inner
      }
      case '[':
        return this.#array()
      case '{':
        return this.#object()
      case '-':
      case '!':
      case '~':
        return prefixed(kind as '-' | '!' | '~', this.#operand()) // the lexer marks only these as prefixes
      default:
        throw this.#scanner.unexpected('extensions')
    }
  }

  #text(): string {
    const { token } = this.#scanner
    try {
      return unquote(token.startsWith("'") ? singleToDouble(token) : token)
    } catch (error) {
      if (error instanceof MappingError) throw this.#scanner.fail(`could not parse string: ${error.message}`)
      throw error
    }
  }

  #identifier(): Expression {
    const name = this.#scanner.token
    if (name === 'true') return constant(true)
    if (name === 'false') return constant(false)
    if (name === 'date') return this.#date()
    const keys: Expression[] = [constant(name)]
    for (;;) {
      switch (this.#scanner.scan()) {
        case '.':
          if (this.#scanner.scan() !== 'Ident') throw this.#scanner.unexpected('field', 'Ident')
          keys.push(constant(this.#scanner.token))
          break
        case '[':
          keys.push(this.#expression(-1))
          if (this.#scanner.scan() !== ']') throw this.#scanner.unexpected('array key', ']')
          break
        case '(': {
          this.#arguments()
          const path = variable(keys)
          return (root, current) => {
            throw new MappingError(`could not call '${name}' type ${goTypeName(path(root, current))}`)
          }
        }
        default:
          this.#scanner.giveBack()
          return variable(keys)
      }
    }
  }

  #date(): Expression {
    if (this.#scanner.scan() !== '(') throw this.#scanner.unexpected('function', '(')
    const args = this.#arguments()
    return (root, current) => {
      const [text, ...others] = args.map(argument => argument(root, current))
      if (typeof text !== 'string' || others.length > 0) {
        throw new MappingError('date() expects exactly one string argument')
      }
      return readDate(text)
    }
  }

  #arguments(): readonly Expression[] {
    if (this.#scanner.scan() === ')') return []
    this.#scanner.giveBack()
    const args: Expression[] = []
    for (;;) {
      args.push(this.#expression(-1))
      const kind = this.#scanner.scan()
      if (kind === ')') return args
      if (kind !== ',') throw this.#scanner.unexpected('arguments', ')', ',')
    }
  }

  #array(): Expression {
    const elements: Expression[] = []
    for (;;) {
      const kind = this.#scanner.scan()
      if (kind === ']') return (root, current) => elements.map(element => element(root, current))
      if (kind === ',') continue
      this.#scanner.giveBack()
      elements.push(this.#expression(-1))
    }
  }

  #object(): Expression {
    const entries: (readonly [Expression, Expression])[] = []
    for (;;) {
      const kind = this.#scanner.scan()
      if (kind === '}') break
      if (kind === ',') continue
      this.#scanner.giveBack()
      const key = this.#expression(-1)
      this.#scanner.scan()
      entries.push([key, this.#expression(-1)])
    }
    return (root, current) => {
      const object: Record<string, Value> = {}
      for (const [key, value] of entries) setOwn(object, toPlainText(key(root, current)), value(root, current))
      return object
    }
  }

  #path(fromCurrent: boolean): Expression {
    const steps: Step[] = []
    while (this.#step(steps));
    return pathExpression(steps, fromCurrent)
  }

  /** Parses one step; false at the end of the path. */
  #step(steps: Step[]): boolean {
    switch (this.#scanner.scan()) {
      case '.':
        this.#named(steps)
        return true
      case '[':
        steps.push(this.#bracket())
        return true
      case '(':
        steps.push(this.#script())
        return true
      default:
        this.#scanner.giveBack()
        return false
    }
  }

  #named(steps: Step[]): void {
    switch (this.#scanner.scan()) {
      case 'Ident':
        steps.push(directStep(constant(this.#scanner.token)))
        return
      case '*':
        steps.push(STAR_STEP)
        return
      case '.':
        steps.push(DESCENDANTS_STEP, this.#afterDescendants())
        return
      default:
        throw this.#scanner.unexpected('JSON select', 'Ident', '.', '*')
    }
  }

  #afterDescendants(): Step {
    switch (this.#scanner.scan()) {
      case 'Ident':
        return directStep(constant(this.#scanner.token))
      case '*':
        return STAR_STEP
      case '(':
        return this.#script()
      case '[': {
        const { keys, separator } = this.#bracketKeys()
        if (separator === ':') throw this.#scanner.fail('mapper can not be combined with range query')
        return separator === '?' ? this.#filter(keys) : multipleStep(keys)
      }
      default:
        throw this.#scanner.unexpected('JSON mapper', '[', 'Ident', '*')
    }
  }

  #script(): Step {
    const script = this.#expression(-1)
    if (this.#scanner.scan() !== ')') throw this.#scanner.unexpected('jsnopath script', ')')
    return scriptStep(script)
  }

  #bracket(): Step {
    const { keys, separator } = this.#bracketKeys()
    if (separator === '?') return this.#filter(keys)
    if (separator !== ':') return keys.length === 1 ? directStep(keys[0]!) : multipleStep(keys)
    if (keys.length > 3) throw this.#scanner.fail('range query has at least the parameter [min:max:step]')
    const [minimum = number(0), maximum = number(FOREVER), stride = number(1)] = keys
    return rangeStep(minimum, maximum, stride)
  }

  #filter(keys: readonly Expression[]): Step {
    if (keys.length !== 1) throw this.#scanner.fail('filter needs exactly one key')
    return filterStep(keys[0]!)
  }

  /** The keys between brackets and their separator: `,`, `:`, or `?` before a single one. */
  #bracketKeys(): { readonly keys: readonly Expression[]; readonly separator: string } {
    const keys: Expression[] = []
    let separator = ''
    for (;;) {
      let kind: string = this.#scanner.scan()
      if (kind === '*' && keys.length === 0) {
        if (this.#scanner.scan() !== ']') throw this.#scanner.unexpected('JSON bracket star', ']')
        return { keys, separator: '' }
      }
      if (kind === ':') keys.push(number(keys.length === 1 ? FOREVER : 0))
      else if (kind !== '?' && !(kind === ']' && separator === ':')) {
        this.#scanner.giveBack()
        keys.push(this.#expression(-1))
        kind = this.#scanner.scan()
      }
      separator ||= kind
      if (kind === ']') return { keys, separator }
      if (kind === '?' && keys.length > 0) throw this.#scanner.unexpected('JSON filter', ']')
      if (kind !== ':' && kind !== ',' && kind !== '?')
        throw this.#scanner.unexpected('JSON bracket separator', ':', ',')
      if (separator !== kind) {
        throw this.#scanner.fail(`mixed ${separator.charCodeAt(0)} and ${kind.charCodeAt(0)} in JSON bracket`)
      }
    }
  }
}

const MAX_DEPTH = 1000
const DATE_LAYOUTS = [
  'Mon Jan _2 15:04:05 2006',
  'Mon Jan _2 15:04:05 MST 2006',
  'Mon Jan 02 15:04:05 -0700 2006',
  '3:04PM',
  '2006-01-02T15:04:05Z07:00',
  '2006-01-02',
  '2006-01-02 15:04',
  '2006-01-02 15:04:05',
  '2006-01-02 15:04:05-07:00',
  '2006-01-02T15Z0700',
  '2006-01-02T15:04Z0700',
  '2006-01-02T15:04:05Z0700',
]

/** Expressions with a constant value; operators over them are evaluated while parsing. */
const CONSTANTS = new WeakSet<Expression>()

function constant(value: Value): Expression {
  const expression: Expression = () => value
  CONSTANTS.add(expression)
  return expression
}

function number(value: number): Expression {
  return constant(new Float(value))
}

function pendingOperator(name: string | null, floor: number): boolean {
  if (name === null) return false
  return (name === '?' ? 0 : OPERATORS[name]!.precedence) > floor
}

function prefixed(operator: '-' | '!' | '~', operand: Expression): Expression {
  return (root, current) => {
    const value = operand(root, current)
    if (operator === '!') {
      const truth = toTruth(value)
      if (truth === null) throw new MappingError(`unexpected ${goTypeName(value)} expected bool`)
      return !truth
    }
    const amount = toNumber(value)
    if (amount !== null) return new Float(operator === '-' ? -amount : Number(~BigInt(Math.trunc(amount))))
    const shown = operator === '-' ? `${toPlainText(value)}(${goTypeName(value)})` : goTypeName(value)
    throw new MappingError(`unexpected ${shown} expected number`)
  }
}

/** A name without `$`: a field of the document, or null if there is none. */
function variable(keys: readonly Expression[]): Expression {
  return (root, current) => {
    let value = root
    const names = keys.map(key => toPlainText(key(root, current)))
    for (const [at, name] of names.entries()) {
      if (isObject(value)) value = Object.hasOwn(value, name) ? value[name]! : null
      else if (isArray(value)) value = /^\d+$/.test(name) && Number(name) < value.length ? value[Number(name)]! : value
      else throw new MappingError(`unknown parameter ${names.slice(0, at + 1).join('.')}`)
    }
    return value
  }
}

function readDate(text: string): Value {
  for (const layout of DATE_LAYOUTS) {
    try {
      return parseTime(layout, text)
    } catch (error) {
      if (!(error instanceof MappingError)) throw error
    }
  }
  throw new MappingError(`date() could not parse ${text}`)
}

function singleToDouble(token: string): string {
  const body = token.slice(1, -1).replace(/\\'|"/g, found => (found === '"' ? '\\"' : "'"))
  return `"${body}"`
}
