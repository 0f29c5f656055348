import { type AwkSyntaxError, Lexer, type Token, type TokenKind } from './lex.ts'
import type {
  Arithmetic,
  Block,
  Comparison,
  Expression,
  FunctionDefinition,
  Place,
  Program,
  Rule,
  Statement,
} from './syntax.ts'

/** Maximum nesting of parentheses and statements. */
const MAX_DEPTH = 300
const COMPARISONS = ['==', '!=', '<', '<=', '>=', '>']
const ASSIGNMENTS = ['=', '+=', '-=', '*=', '/=', '%=', '^=']

/** Parses a program. `natives` are the names of predefined functions. Throws `AwkSyntaxError`. */
export function parseProgram(source: string, natives: ReadonlySet<string>): Program {
  return new Parser(source, natives).program()
}

class Parser {
  readonly #lexer: Lexer
  readonly #natives: ReadonlySet<string>
  readonly #functions = new Map<string, FunctionDefinition>()
  readonly #calls: Token[] = []
  #token: Token
  #previousWasBlock = false
  #depth = 0
  #loops = 0
  #place: 'begin' | 'end' | 'rule' | 'function' = 'rule'

  constructor(source: string, natives: ReadonlySet<string>) {
    this.#lexer = new Lexer(source)
    this.#natives = natives
    this.#token = this.#lexer.next()
  }

  program(): Program {
    const begin: Block[] = []
    const end: Block[] = []
    const rules: Rule[] = []
    this.#terminators()
    while (this.#token.kind !== 'end') {
      if (this.#accept('BEGIN')) begin.push(this.#inPlace('begin', () => this.#braces()))
      else if (this.#accept('END')) end.push(this.#inPlace('end', () => this.#braces()))
      else if (this.#is('function') || this.#is('func')) this.#function()
      else rules.push(this.#rule())
      if (!this.#previousWasBlock && !this.#atEnd()) {
        throw this.#fault('expected ; or newline between items')
      }
      this.#terminators()
    }
    for (const call of this.#calls) {
      if (!this.#functions.has(call.text) && !this.#natives.has(call.text)) {
        throw this.#lexer.fault(`undefined function "${call.text}"`, call.start)
      }
    }
    return { begin, end, rules, functions: this.#functions }
  }

  #inPlace<T>(place: 'begin' | 'end' | 'rule' | 'function', parse: () => T): T {
    this.#place = place
    const result = parse()
    this.#place = 'rule'
    return result
  }

  #rule(): Rule {
    this.#previousWasBlock = false
    const pattern: Expression[] = []
    if (!this.#is('{')) {
      pattern.push(this.#expression())
      if (this.#accept(',')) {
        this.#newlines()
        pattern.push(this.#expression())
      }
    }
    const body = this.#is('{') ? this.#braces() : []
    // Empty braces print the record, too, as in the original.
    return { pattern, body: body.length === 0 ? undefined : body }
  }

  #function(): void {
    this.#next()
    const name = this.#next()
    if (name.kind !== 'name' && name.kind !== 'function') throw this.#expected('name', name)
    if (this.#functions.has(name.text)) throw this.#fault(`function "${name.text}" already defined`, name)
    this.#expect('(')
    const params: string[] = []
    while (!this.#is(')')) {
      const param = this.#name()
      if (param === name.text) throw this.#fault("can't use function name as parameter name")
      if (params.includes(param)) throw this.#fault(`duplicate parameter name "${param}"`)
      params.push(param)
      if (!this.#is(')')) {
        this.#expect(',')
        this.#newlines()
      }
    }
    this.#next()
    this.#newlines()
    const body = this.#inPlace('function', () => this.#braces())
    this.#functions.set(name.text, { name: name.text, params, body })
  }

  #braces(): Block {
    this.#expect('{')
    const body: Statement[] = []
    this.#terminators()
    while (!this.#is('}') && this.#token.kind !== 'end') body.push(this.#statement())
    this.#expect('}')
    this.#previousWasBlock = true
    return body
  }

  /** A statement including its terminator. */
  #statement(): Statement {
    if (++this.#depth > MAX_DEPTH) throw this.#fault('the program is nested too deeply')
    this.#previousWasBlock = false
    const statement = this.#unterminated()
    const isEnd = this.#isTerminator() || this.#is('}') || this.#is('else') || this.#token.kind === 'end'
    if (!this.#previousWasBlock && !isEnd) throw this.#fault('expected ; or newline between statements')
    this.#terminators()
    this.#depth--
    return statement
  }

  #unterminated(): Statement {
    const { kind, text } = this.#token
    if (kind === 'symbol' && text === '{') return { kind: 'block', body: this.#braces() }
    if (kind !== 'keyword') return this.#simple()
    switch (text) {
      case 'if':
        return this.#if()
      case 'for':
        return this.#for()
      case 'while': {
        this.#next()
        const condition = this.#condition()
        if (this.#accept(';')) return { kind: 'while', condition, body: [] }
        return { kind: 'while', condition, body: this.#loop() }
      }
      case 'do':
        return this.#do()
      case 'break':
      case 'continue':
        if (this.#loops === 0) throw this.#fault(`${text} must be inside a loop body`)
        this.#next()
        return { kind: text }
      case 'next':
      case 'nextfile':
        if (this.#place === 'begin' || this.#place === 'end') throw this.#fault(`${text} can't be inside BEGIN or END`)
        this.#next()
        return { kind: text }
      case 'exit':
        this.#next()
        return { kind: 'exit', value: this.#atEnd() ? undefined : this.#expression() }
      case 'return':
        if (this.#place !== 'function') throw this.#fault('return must be inside a function')
        this.#next()
        return { kind: 'return', value: this.#atEnd() ? undefined : this.#expression() }
      default:
        return this.#simple()
    }
  }

  #if(): Statement {
    this.#next()
    const condition = this.#condition()
    const yes = this.#accept(';') ? [] : this.#body()
    this.#terminators()
    if (!this.#accept('else')) {
      this.#previousWasBlock = true
      return { kind: 'if', condition, yes, no: [] }
    }
    this.#newlines()
    const no = this.#accept(';') ? [] : this.#body()
    this.#previousWasBlock = true
    return { kind: 'if', condition, yes, no }
  }

  #do(): Statement {
    this.#next()
    this.#newlines()
    const body = this.#loop()
    this.#terminators()
    if (!this.#accept('while')) throw this.#expected('while')
    this.#expect('(')
    const condition = this.#expression()
    this.#expect(')')
    this.#previousWasBlock = false
    return { kind: 'do', condition, body }
  }

  #for(): Statement {
    this.#next()
    this.#expect('(')
    const before = this.#is(';') ? undefined : this.#simple()
    if (this.#accept(')')) return this.#forIn(before)
    this.#expect(';')
    this.#newlines()
    const condition = this.#is(';') ? undefined : this.#expression()
    this.#expect(';')
    this.#newlines()
    const after = this.#is(')') ? undefined : this.#simple()
    this.#expect(')')
    this.#newlines()
    const body = this.#accept(';') ? [] : this.#loop()
    this.#previousWasBlock = true
    return { kind: 'for', before, condition, after, body }
  }

  #forIn(before: Statement | undefined): Statement {
    const head = before?.kind === 'expression' ? before.expression : undefined
    const [variable] = head?.kind === 'in' ? head.index : []
    if (head?.kind !== 'in' || variable?.kind !== 'variable') throw this.#fault("expected 'for (var in array) ...'")
    this.#newlines()
    const body = this.#accept(';') ? [] : this.#loop()
    this.#previousWasBlock = true
    return { kind: 'forIn', variable: variable.name, array: head.array, body }
  }

  #condition(): Expression {
    this.#expect('(')
    const condition = this.#expression()
    this.#expect(')')
    this.#newlines()
    return condition
  }

  #loop(): Block {
    this.#loops++
    const body = this.#body()
    this.#loops--
    return body
  }

  /** Braces or a single statement. */
  #body(): Block {
    if (this.#is('{')) return this.#braces()
    const statement = this.#statement()
    this.#previousWasBlock = true
    return [statement]
  }

  #simple(): Statement {
    if (this.#accept('print')) return this.#print('print')
    if (this.#accept('printf')) return this.#print('printf')
    if (this.#accept('delete')) {
      const array = this.#name()
      const index = this.#accept('[') ? this.#list(']') : []
      return { kind: 'delete', array, index }
    }
    return { kind: 'expression', expression: this.#expression() }
  }

  #print(kind: 'print' | 'printf'): Statement {
    let args: readonly Expression[] = []
    if (!this.#atEnd() && !this.#isRedirection()) args = this.#printArgs()
    if (kind === 'printf' && args.length === 0) throw this.#fault('expected printf args, got none')
    if (!this.#isRedirection()) return { kind, args, target: undefined }
    if (this.#is('|')) throw this.#fault("can't write to pipe: programs are not started from here")
    this.#next()
    return { kind, args, target: this.#concatenation() }
  }

  /** The arguments, which may be enclosed in parentheses as a whole. */
  #printArgs(): readonly Expression[] {
    const args = [this.#assignment(true)]
    while (this.#accept(',')) {
      this.#newlines()
      args.push(this.#assignment(true))
    }
    const [only] = args
    return args.length === 1 && only?.kind === 'builtin' && only.name === '' ? only.args : args
  }

  #isRedirection(): boolean {
    return this.#is('>') || this.#is('>>') || this.#is('|')
  }

  #expression(): Expression {
    const expression = this.#assignment(false)
    if (this.#is('|')) throw this.#fault("can't read from pipe: programs are not started from here")
    return expression
  }

  #assignment(inPrint: boolean): Expression {
    if (++this.#depth > MAX_DEPTH) throw this.#fault('the program is nested too deeply')
    const left = this.#conditional(inPrint)
    this.#depth--
    if (this.#token.kind !== 'symbol' || !ASSIGNMENTS.includes(this.#token.text)) return left
    const operator = this.#next().text.slice(0, -1)
    this.#newlines()
    const value = this.#assignment(inPrint)
    // Without its `=`, an assignment's operator is empty or arithmetic.
    return this.#assigned(left, (operator === '' ? undefined : operator) as Arithmetic | undefined, value)
  }

  /**
   * An assignment; if its left side ends in an operator's right operand, as in `1 && x = 2`, it assigns to that
   * operand.
   */
  #assigned(left: Expression, operator: Arithmetic | undefined, value: Expression): Expression {
    if (isPlace(left)) return { kind: 'assign', place: left, operator, value }
    if (
      (left.kind === 'and' || left.kind === 'or' || left.kind === 'match' || left.kind === 'compare') &&
      isPlace(left.right)
    ) {
      return { ...left, right: { kind: 'assign', place: left.right, operator, value } }
    }
    throw this.#fault(`expected lvalue before ${operator ?? ''}=`)
  }

  #conditional(inPrint: boolean): Expression {
    const condition = this.#or(inPrint)
    if (!this.#accept('?')) return condition
    this.#newlines()
    const yes = this.#assignment(false)
    this.#newlines()
    this.#expect(':')
    this.#newlines()
    return { kind: 'conditional', condition, yes, no: this.#assignment(inPrint) }
  }

  #or(inPrint: boolean): Expression {
    let left = this.#and(inPrint)
    while (this.#accept('||')) {
      this.#newlines()
      left = { kind: 'or', left, right: this.#and(inPrint) }
    }
    return left
  }

  #and(inPrint: boolean): Expression {
    let left = this.#in(inPrint)
    while (this.#accept('&&')) {
      this.#newlines()
      left = { kind: 'and', left, right: this.#in(inPrint) }
    }
    return left
  }

  #in(inPrint: boolean): Expression {
    let left = this.#match(inPrint)
    while (this.#accept('in')) {
      const index = left.kind === 'builtin' && left.name === '' ? left.args : [left]
      left = { kind: 'in', index, array: this.#name() }
    }
    return left
  }

  #match(inPrint: boolean): Expression {
    const left = this.#comparison(inPrint)
    if (!this.#is('~') && !this.#is('!~')) return left
    const negated = this.#next().text === '!~'
    return { kind: 'match', negated, left, right: this.#comparison(inPrint) }
  }

  #comparison(inPrint: boolean): Expression {
    const left = this.#concatenation()
    const { kind, text } = this.#token
    if (kind !== 'symbol' || !COMPARISONS.includes(text) || (inPrint && text === '>')) return left
    this.#next()
    // `COMPARISONS` lists these.
    return { kind: 'compare', operator: text as Comparison, left, right: this.#concatenation() }
  }

  #concatenation(): Expression {
    let left = this.#sum()
    while (this.#beginsOperand()) left = { kind: 'concat', left, right: this.#sum() }
    return left
  }

  #beginsOperand(): boolean {
    const { kind, text } = this.#token
    if (kind === 'symbol') return ['$', '!', '(', '++', '--'].includes(text)
    return kind === 'number' || kind === 'text' || kind === 'name' || kind === 'function' || kind === 'builtin'
  }

  #sum(): Expression {
    let left = this.#product()
    while (this.#is('+') || this.#is('-')) {
      const operator = this.#next().text as Arithmetic // one of the operators checked by the loop
      left = { kind: 'arithmetic', operator, left, right: this.#product() }
    }
    return left
  }

  #product(): Expression {
    let left = this.#power()
    while (this.#is('*') || this.#is('/') || this.#is('%')) {
      const operator = this.#next().text as Arithmetic // one of the operators checked by the loop
      left = { kind: 'arithmetic', operator, left, right: this.#power() }
    }
    return left
  }

  #power(): Expression {
    const left = this.#stepped()
    if (!this.#accept('^')) return left
    return { kind: 'arithmetic', operator: '^', left, right: this.#power() }
  }

  #stepped(): Expression {
    const operand = this.#primary()
    if (!isPlace(operand) || (!this.#is('++') && !this.#is('--'))) return operand
    const by = this.#next().text === '++' ? 1 : -1
    return { kind: 'step', place: operand, by, isPrefix: false }
  }

  #primary(): Expression {
    const token = this.#token
    switch (token.kind) {
      case 'number':
        this.#next()
        return { kind: 'number', value: Number(token.text) }
      case 'text':
        this.#next()
        return { kind: 'text', value: token.text }
      case 'name': {
        this.#next()
        if (!this.#accept('[')) return { kind: 'variable', name: token.text }
        return { kind: 'element', array: token.text, index: this.#list(']') }
      }
      case 'function':
        this.#next()
        this.#calls.push(token)
        this.#expect('(')
        return { kind: 'call', name: token.text, args: this.#list(')') }
      case 'builtin':
        return this.#builtin(token)
      case 'keyword':
        if (this.#accept('getline')) return this.#getline()
        throw this.#fault(`expected expression instead of ${token.text}`)
      case 'symbol':
        return this.#symbol(token)
      default:
        throw this.#fault(`expected expression instead of ${token.text}`)
    }
  }

  #symbol({ text, start }: Token): Expression {
    switch (text) {
      case '/':
      case '/=': {
        const source = this.#lexer.regex(start)
        this.#token = this.#lexer.next()
        return { kind: 'regex', source }
      }
      case '$':
        this.#next()
        return { kind: 'field', index: this.#is('++') || this.#is('--') ? this.#prefixStep() : this.#primary() }
      case '!':
      case '+':
      case '-':
        this.#next()
        return { kind: 'unary', operator: text, operand: this.#power() }
      case '++':
      case '--':
        return this.#prefixStep()
      case '(':
        return this.#group()
      default:
        throw this.#fault(`expected expression instead of ${text}`)
    }
  }

  #prefixStep(): Expression {
    const operator = this.#next().text
    const place = this.#primary()
    if (!isPlace(place)) throw this.#fault(`expected lvalue after ${operator}`)
    return { kind: 'step', place, by: operator === '++' ? 1 : -1, isPrefix: true }
  }

  /**
   * A parenthesized expression, or several before `in` or as arguments of `print`, represented as a call without a
   * name.
   */
  #group(): Expression {
    this.#next()
    this.#newlines()
    const args = this.#list(')')
    if (args.length === 0) throw this.#fault('expected expression, not )')
    if (args.length === 1) return { kind: 'group', inner: args[0]! }
    return { kind: 'builtin', name: '', args }
  }

  #getline(): Expression {
    const place = this.#is('$') || this.#token.kind === 'name' ? this.#primary() : undefined
    if (this.#is('<')) throw this.#fault("can't read from file: use the processor file, or a cache")
    if (place !== undefined && !isPlace(place)) throw this.#fault('expected lvalue after getline')
    return { kind: 'getline', place }
  }

  #builtin({ text }: Token): Expression {
    this.#next()
    if (text === 'length' && !this.#is('(')) return { kind: 'builtin', name: text, args: [] }
    this.#expect('(')
    this.#newlines()
    return { kind: 'builtin', name: text, args: this.#list(')') }
  }

  /** Expressions up to a closing parenthesis or bracket. */
  #list(end: ')' | ']'): readonly Expression[] {
    const list: Expression[] = []
    this.#newlines()
    while (!this.#is(end)) {
      list.push(this.#expression())
      this.#newlines()
      if (!this.#is(end)) {
        this.#expect(',')
        this.#newlines()
      }
    }
    this.#next()
    if (end === ']' && list.length === 0) throw this.#fault('expected expression instead of ]')
    return list
  }

  #name(): string {
    const token = this.#next()
    if (token.kind !== 'name' && token.kind !== 'function') throw this.#expected('name', token)
    return token.text
  }

  #atEnd(): boolean {
    return this.#isTerminator() || this.#is('}') || this.#token.kind === 'end'
  }

  #isTerminator(): boolean {
    return this.#token.kind === 'newline' || this.#is(';')
  }

  #terminators(): void {
    while (this.#isTerminator()) this.#next()
  }

  #newlines(): void {
    while (this.#token.kind === 'newline') this.#next()
  }

  #is(text: string): boolean {
    const kinds: readonly TokenKind[] = ['symbol', 'keyword']
    return kinds.includes(this.#token.kind) && this.#token.text === text
  }

  #accept(text: string): boolean {
    const accepted = this.#is(text)
    if (accepted) this.#next()
    return accepted
  }

  #expect(text: string): void {
    if (!this.#accept(text)) throw this.#expected(text)
  }

  #next(): Token {
    const token = this.#token
    this.#token = this.#lexer.next()
    return token
  }

  #expected(what: string, token = this.#token): AwkSyntaxError {
    return this.#fault(`expected ${what} instead of ${token.text}`, token)
  }

  #fault(message: string, token = this.#token): AwkSyntaxError {
    return this.#lexer.fault(message, token.start)
  }
}

function isPlace(expression: Expression): expression is Place {
  return expression.kind === 'variable' || expression.kind === 'field' || expression.kind === 'element'
}
