import { byteIndex, byteLength, builtins, replacementOf } from './builtins.ts'
import type { AwkArray, Machine } from './machine.ts'
import type {
  Arithmetic,
  Block,
  Comparison,
  Expression,
  FunctionDefinition,
  Place,
  Program,
  Statement,
} from './syntax.ts'
import { AwkError, compare, Input, isTrue, printed, type Scalar, toNumber, toText } from './values.ts'

type Local = Scalar | AwkArray
/** The parameters of the running function. */
type Frame = Local[]
type Eval = (machine: Machine, frame: Frame) => Scalar
type Exec = (machine: Machine, frame: Frame) => Completion

/** How a statement ended; anything but `NORMAL` leaves the enclosing statements. */
type Completion = 0 | 1 | 2 | 3 | 4 | 5
const NORMAL = 0
const BREAK = 1
const CONTINUE = 2
const NEXT = 3
const EXIT = 4
const RETURN = 5

/** Runs a program on a machine until its end or `exit`. Throws `AwkError`. */
export type Run = (machine: Machine) => void

export function compileProgram(program: Program, natives: ReadonlySet<string>): Run {
  const compiler = new Compiler(program, natives)
  const begin = program.begin.map(block => compiler.block(block))
  const rules = program.rules.map(rule => compiler.rule(rule.pattern, rule.body))
  const end = program.end.map(block => compiler.block(block))
  return machine => {
    try {
      run(begin, rules, end, machine)
    } catch (error) {
      if (error instanceof RangeError) throw new AwkError('the program recurses too deeply')
      throw error
    }
  }
}

/** `exit` skips to END. */
function run(begin: readonly Exec[], rules: readonly Exec[], end: readonly Exec[], machine: Machine): void {
  const goesOn = runAll(begin, machine)
  if (rules.length === 0 && end.length === 0) return
  while (goesOn) {
    const record = machine.read()
    if (record === undefined) break
    machine.record = record
    machine.tick()
    if (!runAll(rules, machine)) break
  }
  runAll(end, machine)
}

/** Runs blocks until one requests the next record; returns false if one exits. */
function runAll(blocks: readonly Exec[], machine: Machine): boolean {
  for (const block of blocks) {
    const completion = block(machine, [])
    if (completion === EXIT) return false
    if (completion === NEXT) return true
  }
  return true
}

class Compiler {
  readonly #natives: ReadonlySet<string>
  readonly #functions: ReadonlyMap<string, FunctionDefinition>
  readonly #bodies = new Map<string, Exec>()
  readonly #arrayParams: ReadonlyMap<string, ReadonlySet<string>>
  /** The parameters of the function being compiled. */
  #params: readonly string[] = []

  constructor({ functions }: Program, natives: ReadonlySet<string>) {
    this.#natives = natives
    this.#functions = functions
    this.#arrayParams = arrayParamsOf(functions)
    for (const definition of functions.values()) {
      this.#params = definition.params
      this.#bodies.set(definition.name, this.block(definition.body))
    }
    this.#params = []
  }

  rule(pattern: readonly Expression[], body: Block | undefined): Exec {
    const action: Exec =
      body === undefined
        ? machine => {
            machine.print(machine.record + machine.text(machine.variable('ORS')))
            return NORMAL
          }
        : this.block(body)
    const [first, last] = pattern.map(expression => this.#eval(expression))
    if (first === undefined) return action
    if (last === undefined) return (machine, frame) => (isTrue(first(machine, frame)) ? action(machine, frame) : NORMAL)
    // Whether a range is open is part of the state of a run.
    const open = new WeakSet<Machine>()
    return (machine, frame) => {
      if (!open.has(machine) && !isTrue(first(machine, frame))) return NORMAL
      open.add(machine)
      if (isTrue(last(machine, frame))) open.delete(machine)
      return action(machine, frame)
    }
  }

  block(statements: Block): Exec {
    const steps = statements.map(statement => this.#exec(statement))
    if (steps.length === 1) return steps[0]!
    return (machine, frame) => {
      for (const step of steps) {
        const completion = step(machine, frame)
        if (completion !== NORMAL) return completion
      }
      return NORMAL
    }
  }

  #exec(statement: Statement): Exec {
    switch (statement.kind) {
      case 'expression': {
        const evaluate = this.#eval(statement.expression)
        return (machine, frame) => {
          evaluate(machine, frame)
          return NORMAL
        }
      }
      case 'print':
      case 'printf':
        return this.#print(statement)
      case 'delete':
        return this.#delete(statement)
      case 'if': {
        const condition = this.#eval(statement.condition)
        const [yes, no] = [this.block(statement.yes), this.block(statement.no)]
        return (machine, frame) => (isTrue(condition(machine, frame)) ? yes : no)(machine, frame)
      }
      case 'while':
        return loop(this.#eval(statement.condition), this.block(statement.body), undefined, false)
      case 'do':
        return loop(this.#eval(statement.condition), this.block(statement.body), undefined, true)
      case 'for':
        return this.#for(statement)
      case 'forIn':
        return this.#forIn(statement)
      case 'block':
        return this.block(statement.body)
      case 'break':
        return () => BREAK
      case 'continue':
        return () => CONTINUE
      case 'next':
        return () => NEXT
      case 'nextfile':
        return machine => {
          while (machine.read() !== undefined) machine.tick()
          return NEXT
        }
      case 'exit': {
        const value = statement.value && this.#eval(statement.value)
        return (machine, frame) => {
          if (value !== undefined) machine.exitStatus = Math.trunc(toNumber(value(machine, frame)))
          return EXIT
        }
      }
      case 'return': {
        const value = statement.value && this.#eval(statement.value)
        return (machine, frame) => {
          machine.returned = value?.(machine, frame)
          return RETURN
        }
      }
      default:
        return statement satisfies never
    }
  }

  #print({ kind, args, target }: Extract<Statement, { kind: 'print' | 'printf' }>): Exec {
    const values = args.map(arg => this.#eval(arg))
    const to = target && this.#eval(target)
    return (machine, frame) => {
      const given = values.map(value => value(machine, frame))
      const line =
        kind === 'print' ? lineOf(machine, given) : printed(machine.text(given[0]), given.slice(1), machine.convfmt)
      write(machine, to === undefined ? '/dev/stdout' : machine.text(to(machine, frame)), line)
      return NORMAL
    }
  }

  #delete({ array, index }: Extract<Statement, { kind: 'delete' }>): Exec {
    const from = this.#array(array)
    const key = this.#key(index)
    return (machine, frame) => {
      if (index.length === 0) from(machine, frame).clear()
      else from(machine, frame).delete(key(machine, frame))
      return NORMAL
    }
  }

  #for({ before, condition, after, body }: Extract<Statement, { kind: 'for' }>): Exec {
    const start = before && this.#exec(before)
    const test: Eval = condition === undefined ? () => 1 : this.#eval(condition)
    const run = loop(test, this.block(body), after && this.#exec(after), false)
    return (machine, frame) => {
      start?.(machine, frame)
      return run(machine, frame)
    }
  }

  #forIn({ variable, array, body }: Extract<Statement, { kind: 'forIn' }>): Exec {
    const from = this.#array(array)
    const set = this.#setter({ kind: 'variable', name: variable })
    const run = this.block(body)
    return (machine, frame) => {
      for (const key of [...from(machine, frame).keys()]) {
        machine.tick()
        set(machine, frame, key)
        const completion = run(machine, frame)
        if (completion === BREAK) return NORMAL
        if (completion > CONTINUE) return completion
      }
      return NORMAL
    }
  }

  #eval(expression: Expression): Eval {
    switch (expression.kind) {
      case 'number':
      case 'text': {
        const { value } = expression
        return () => value
      }
      case 'regex': {
        const { source } = expression
        return machine => Number(machine.pattern(source).test(machine.record))
      }
      case 'group':
        return this.#eval(expression.inner)
      case 'variable':
        return this.#variable(expression.name)
      case 'field': {
        const index = this.#eval(expression.index)
        return (machine, frame) => machine.field(Math.trunc(toNumber(index(machine, frame))))
      }
      case 'element': {
        const [array, key] = [this.#array(expression.array), this.#key(expression.index)]
        return (machine, frame) => {
          const index = key(machine, frame)
          const map = array(machine, frame)
          if (!map.has(index)) machine.store(map, index, undefined)
          return map.get(index)
        }
      }
      case 'unary':
        return unary(expression.operator, this.#eval(expression.operand))
      case 'arithmetic': {
        const [left, right] = [this.#eval(expression.left), this.#eval(expression.right)]
        const run = arithmetic[expression.operator]
        return (machine, frame) => run(toNumber(left(machine, frame)), toNumber(right(machine, frame)))
      }
      case 'compare': {
        const [left, right] = [this.#eval(expression.left), this.#eval(expression.right)]
        const holds = comparisons[expression.operator]
        return (machine, frame) => Number(holds(compare(left(machine, frame), right(machine, frame), machine.convfmt)))
      }
      case 'match': {
        const [left, pattern] = [this.#eval(expression.left), this.#pattern(expression.right)]
        const expected = !expression.negated
        return (machine, frame) => {
          const text = machine.text(left(machine, frame))
          return Number(machine.pattern(pattern(machine, frame)).test(text) === expected)
        }
      }
      case 'and': {
        const [left, right] = [this.#eval(expression.left), this.#eval(expression.right)]
        return (machine, frame) => Number(isTrue(left(machine, frame)) && isTrue(right(machine, frame)))
      }
      case 'or': {
        const [left, right] = [this.#eval(expression.left), this.#eval(expression.right)]
        return (machine, frame) => Number(isTrue(left(machine, frame)) || isTrue(right(machine, frame)))
      }
      case 'concat': {
        const [left, right] = [this.#eval(expression.left), this.#eval(expression.right)]
        return (machine, frame) =>
          machine.checked(machine.text(left(machine, frame)) + machine.text(right(machine, frame)))
      }
      case 'in': {
        const [key, array] = [this.#key(expression.index), this.#array(expression.array)]
        return (machine, frame) => Number(array(machine, frame).has(key(machine, frame)))
      }
      case 'conditional': {
        const [condition, yes, no] = [
          this.#eval(expression.condition),
          this.#eval(expression.yes),
          this.#eval(expression.no),
        ]
        return (machine, frame) => (isTrue(condition(machine, frame)) ? yes : no)(machine, frame)
      }
      case 'assign':
        return this.#assign(expression)
      case 'step':
        return this.#step(expression)
      case 'getline':
        return this.#getline(expression.place)
      case 'builtin':
        return this.#builtin(expression.name, expression.args)
      case 'call':
        return this.#functions.has(expression.name)
          ? this.#call(expression.name, expression.args)
          : this.#native(expression.name, expression.args)
      default:
        return expression satisfies never
    }
  }

  #variable(name: string): Eval {
    const local = this.#params.indexOf(name)
    if (local === -1) return machine => machine.variable(name)
    return (_, frame) => {
      const value = frame[local]
      if (value instanceof Map) throw new AwkError(`can't use array "${name}" as scalar`)
      return value
    }
  }

  #array(name: string): (machine: Machine, frame: Frame) => AwkArray {
    const local = this.#params.indexOf(name)
    if (local === -1) return machine => machine.array(name)
    return (_, frame) => {
      const value = frame[local]
      if (value instanceof Map) return value
      if (value !== undefined) throw new AwkError(`can't use scalar "${name}" as array`)
      const made: AwkArray = new Map()
      frame[local] = made
      return made
    }
  }

  #key(index: readonly Expression[]): (machine: Machine, frame: Frame) => string {
    const parts = index.map(part => this.#eval(part))
    const [only] = parts
    if (only !== undefined && parts.length === 1) return (machine, frame) => machine.text(only(machine, frame))
    return (machine, frame) =>
      parts.map(part => machine.text(part(machine, frame))).join(machine.text(machine.variable('SUBSEP')))
  }

  /** Compiles a pattern: the source of a literal, or the text of any other expression. */
  #pattern(expression: Expression): (machine: Machine, frame: Frame) => string {
    if (expression.kind === 'regex') return () => expression.source
    const text = this.#eval(expression)
    return (machine, frame) => machine.text(text(machine, frame))
  }

  #setter(place: Place): (machine: Machine, frame: Frame, value: Scalar) => void {
    switch (place.kind) {
      case 'variable': {
        const { name } = place
        const local = this.#params.indexOf(name)
        if (local === -1) return (machine, _, value) => machine.setVariable(name, value)
        return (_, frame, value) => {
          frame[local] = value
        }
      }
      case 'field': {
        const index = this.#eval(place.index)
        return (machine, frame, value) => machine.setField(Math.trunc(toNumber(index(machine, frame))), value)
      }
      case 'element': {
        const [array, key] = [this.#array(place.array), this.#key(place.index)]
        return (machine, frame, value) => {
          machine.store(array(machine, frame), key(machine, frame), value)
        }
      }
      default:
        return place satisfies never
    }
  }

  #assign({ place, operator, value }: Extract<Expression, { kind: 'assign' }>): Eval {
    const set = this.#setter(place)
    const right = this.#eval(value)
    if (operator === undefined) {
      return (machine, frame) => {
        const result = right(machine, frame)
        set(machine, frame, result)
        return result
      }
    }
    const current = this.#eval(place)
    const run = arithmetic[operator]
    return (machine, frame) => {
      const operand = toNumber(right(machine, frame))
      const result = run(toNumber(current(machine, frame)), operand)
      set(machine, frame, result)
      return result
    }
  }

  #step({ place, by, isPrefix }: Extract<Expression, { kind: 'step' }>): Eval {
    const [current, set] = [this.#eval(place), this.#setter(place)]
    return (machine, frame) => {
      const before = toNumber(current(machine, frame))
      set(machine, frame, before + by)
      return isPrefix ? before + by : before
    }
  }

  #getline(place: Place | undefined): Eval {
    const set = place && this.#setter(place)
    return (machine, frame) => {
      const record = machine.read()
      if (record === undefined) return 0
      if (set === undefined) machine.record = record
      else set(machine, frame, new Input(record))
      return 1
    }
  }

  #builtin(name: string, args: readonly Expression[]): Eval {
    switch (name) {
      case 'length':
        return this.#length(args)
      case 'split':
        return this.#split(args)
      case 'match':
        return this.#matchFunction(args)
      case 'sub':
      case 'gsub':
        return this.#substitute(name, args)
      default: {
        const builtin = Object.hasOwn(builtins, name) ? builtins[name] : undefined
        if (builtin === undefined) throw new AwkError('unexpected comma-separated expression')
        const [least, most, run] = builtin
        checkCount(name, args, least, most)
        const values = args.map(arg => this.#eval(arg))
        return (machine, frame) =>
          run(
            machine,
            values.map(value => value(machine, frame)),
          )
      }
    }
  }

  #length(args: readonly Expression[]): Eval {
    checkCount('length', args, 0, 1)
    const [arg] = args
    if (arg === undefined) return machine => byteLength(machine.record)
    const text = this.#eval(arg)
    if (arg.kind !== 'variable') return (machine, frame) => byteLength(machine.text(text(machine, frame)))
    const local = this.#params.indexOf(arg.name)
    return (machine, frame) => {
      // Only at run time is it known whether a variable is an array.
      const value = local === -1 ? machine.globals.get(arg.name) : frame[local]
      return value instanceof Map ? value.size : byteLength(machine.text(text(machine, frame)))
    }
  }

  #split(args: readonly Expression[]): Eval {
    checkCount('split', args, 2, 3)
    // `checkCount` has checked their number.
    const [source, target, by] = args as [Expression, Expression, Expression?]
    if (target.kind !== 'variable') throw new AwkError('expected an array as the second argument of split')
    const [text, array] = [this.#eval(source), this.#array(target.name)]
    const pattern = by && this.#pattern(by)
    const isRegex = by?.kind === 'regex'
    return (machine, frame) => {
      const subject = machine.text(text(machine, frame))
      const separator = pattern === undefined ? machine.text(machine.variable('FS')) : pattern(machine, frame)
      const parts =
        isRegex && subject !== ''
          ? machine.splitBy(subject, machine.pattern(separator))
          : machine.split(subject, separator)
      const into = array(machine, frame)
      into.clear()
      for (const [index, part] of parts.entries()) into.set(String(index + 1), new Input(part))
      return parts.length
    }
  }

  #matchFunction(args: readonly Expression[]): Eval {
    checkCount('match', args, 2, 2)
    const [text, pattern] = [this.#eval(args[0]!), this.#pattern(args[1]!)]
    return (machine, frame) => {
      const subject = machine.text(text(machine, frame))
      const spans = machine.pattern(pattern(machine, frame)).match(subject)
      const start = spans === undefined ? 0 : byteIndex(subject, spans[0]!) + 1
      machine.setVariable('RSTART', start)
      machine.setVariable('RLENGTH', spans === undefined ? -1 : byteLength(subject.slice(spans[0], spans[1])))
      return start
    }
  }

  #substitute(name: 'sub' | 'gsub', args: readonly Expression[]): Eval {
    checkCount(name, args, 2, 3)
    // `checkCount` has checked their number.
    const [regex, template, target] = args as [Expression, Expression, Expression?]
    const place: Expression = target ?? { kind: 'field', index: { kind: 'number', value: 0 } }
    const [pattern, replacement, current] = [this.#pattern(regex), this.#eval(template), this.#eval(place)]
    const set = isPlace(place) ? this.#setter(place) : undefined
    return (machine, frame) => {
      const subject = machine.text(current(machine, frame))
      const compiled = machine.pattern(pattern(machine, frame))
      const text = machine.text(replacement(machine, frame))
      const first = name === 'sub' ? compiled.match(subject) : undefined
      const matches = name === 'gsub' ? compiled.matchAll(subject) : first === undefined ? [] : [first]
      if (matches.length === 0) return 0
      let result = ''
      let from = 0
      for (const [start, end] of matches) {
        machine.tick()
        result = machine.checked(result + subject.slice(from, start) + replacementOf(text, subject.slice(start, end)))
        from = end!
      }
      set?.(machine, frame, result + subject.slice(from))
      return matches.length
    }
  }

  #call(name: string, args: readonly Expression[]): Eval {
    const { params } = this.#functions.get(name)!
    if (args.length > params.length) throw new AwkError(`too many arguments to "${name}"`)
    const arrays = this.#arrayParams.get(name)!
    const values = args.map((arg, at): ((machine: Machine, frame: Frame) => Local) => {
      if (arg.kind !== 'variable') return this.#eval(arg)
      if (arrays.has(params[at]!)) return this.#array(arg.name)
      const local = this.#params.indexOf(arg.name)
      // Only at run time is it known whether a variable is an array.
      return local === -1 ? machine => machine.globals.get(arg.name) : (_, frame) => frame[local]
    })
    return (machine, frame) =>
      machine.call(name, () => {
        const inner: Frame = params.map((_, at) => values[at]?.(machine, frame))
        machine.returned = undefined
        const completion = this.#bodies.get(name)!(machine, inner)
        if (completion === EXIT || completion === NEXT)
          throw new AwkError(`exit and next inside of the function "${name}" are not supported`)
        const result = completion === RETURN ? machine.returned : undefined
        machine.returned = undefined
        return result
      })
  }

  #native(name: string, args: readonly Expression[]): Eval {
    if (!this.#natives.has(name)) throw new AwkError(`undefined function "${name}"`)
    const values = args.map(arg => this.#eval(arg))
    return (machine, frame) => machine.natives[name]!(values.map(value => value(machine, frame)))
  }
}

function loop(condition: Eval, body: Exec, after: Exec | undefined, bodyFirst: boolean): Exec {
  return (machine, frame) => {
    let first = bodyFirst
    while (first || isTrue(condition(machine, frame))) {
      first = false
      machine.tick()
      const completion = body(machine, frame)
      if (completion === BREAK) return NORMAL
      if (completion > CONTINUE) return completion
      after?.(machine, frame)
    }
    return NORMAL
  }
}

function unary(operator: '!' | '+' | '-', operand: Eval): Eval {
  if (operator === '!') return (machine, frame) => Number(!isTrue(operand(machine, frame)))
  if (operator === '-') return (machine, frame) => -toNumber(operand(machine, frame))
  return (machine, frame) => toNumber(operand(machine, frame))
}

const arithmetic: Readonly<Record<Arithmetic, (left: number, right: number) => number>> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => {
    if (right === 0) throw new AwkError('division by zero')
    return left / right
  },
  '%': (left, right) => {
    if (right === 0) throw new AwkError('division by zero in mod')
    return left % right
  },
  '^': (left, right) => left ** right,
}

const comparisons: Readonly<Record<Comparison, (order: number) => boolean>> = {
  '==': order => order === 0,
  '!=': order => order !== 0,
  '<': order => order < 0,
  '<=': order => order <= 0,
  '>': order => order > 0,
  '>=': order => order >= 0,
}

function lineOf(machine: Machine, values: readonly Scalar[]): string {
  const end = machine.text(machine.variable('ORS'))
  if (values.length === 0) return machine.record + end
  const format = machine.text(machine.variable('OFMT'))
  return values.map(value => toText(value, format)).join(machine.text(machine.variable('OFS'))) + end
}

function write(machine: Machine, target: string, text: string): void {
  if (target === '/dev/stdout' || target === '-') machine.print(text)
  else if (target === '/dev/stderr') machine.errors += text
  else throw new AwkError(`can't write to file ${JSON.stringify(target)}: use the processor file, or an output`)
}

function checkCount(name: string, args: readonly Expression[], least: number, most: number): void {
  if (args.length >= least && args.length <= most) return
  throw new AwkError(`${name} takes ${least === most ? least : `${least} to ${most}`} arguments, not ${args.length}`)
}

function isPlace(expression: Expression): expression is Place {
  return expression.kind === 'variable' || expression.kind === 'field' || expression.kind === 'element'
}

/** The parameters of each function that are arrays, because they are used as such or passed on as such. */
function arrayParamsOf(functions: ReadonlyMap<string, FunctionDefinition>): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map([...functions.keys()].map(name => [name, new Set<string>()] as const))
  for (let changed = true; changed; ) {
    changed = false
    for (const { name, params, body } of functions.values()) {
      const arrays = found.get(name)!
      const note = (candidate: string) => {
        if (!params.includes(candidate) || arrays.has(candidate)) return
        arrays.add(candidate)
        changed = true
      }
      visit(body, node => {
        if ('array' in node && typeof node.array === 'string') note(node.array)
        // A node for a built-in function, and below for a call, has a name and arguments.
        if (node['kind'] === 'builtin' && node['name'] === 'split') noteVariable((node['args'] as Node[])[1], note)
        if (node['kind'] !== 'call') return
        const callee = functions.get(node['name'] as string) // a call has a name
        // A call has arguments.
        for (const [at, arg] of (node['args'] as Node[]).entries()) {
          const param = callee?.params[at]
          if (param !== undefined && found.get(callee!.name)!.has(param)) noteVariable(arg, note)
        }
      })
    }
  }
  return found
}

type Node = Readonly<Record<string, unknown>>

function noteVariable(node: Node | undefined, note: (name: string) => void): void {
  if (node?.['kind'] === 'variable') note(node['name'] as string) // a variable has a name
}

/** Calls `look` for every node of a tree. */
function visit(tree: unknown, look: (node: Node) => void): void {
  if (Array.isArray(tree)) {
    for (const item of tree) visit(item, look)
    return
  }
  if (typeof tree !== 'object' || tree === null) return
  look(tree as Node) // a syntax tree consists of nodes, which are read untyped here
  for (const child of Object.values(tree)) visit(child, look)
}
