import { getOwn, isObject, type Value, type ValueObject, isArray } from '../../bloblang/index.ts'
import type { Command, Node, Operand, Pipe, Place } from './parse.ts'
import { goText, isTrue, keysOf, typeName } from './values.ts'

/** A function that templates can call. */
export type TemplateFunction = (...args: readonly Value[]) => Value

/** A failed execution, with its position. */
class ExecutionError extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'ExecutionError'
  }
}

const MAX_STEPS = 5_000_000
const MAX_OUTPUT_CHARS = 67_108_864
const MAX_CALLS = 500

class Jump {
  readonly kind: 'break' | 'continue'
  constructor(kind: 'break' | 'continue') {
    this.kind = kind
  }
}

interface Variable {
  readonly name: string
  value: Value
}

/** Executes templates with a document as data. Throws {@link ExecutionError}. */
export class Execution {
  readonly #templates: ReadonlyMap<string, readonly Node[]>
  readonly #functions: ReadonlyMap<string, TemplateFunction>
  #output: string[] = []
  #length = 0
  #steps = 0
  #calls = 0
  #template = ''

  constructor(templates: ReadonlyMap<string, readonly Node[]>, functions: ReadonlyMap<string, TemplateFunction>) {
    this.#templates = templates
    this.#functions = functions
  }

  run(name: string, document: Value): string {
    this.#output = []
    this.#length = 0
    this.#steps = 0
    this.#calls = 0
    this.#call(name, document, { line: 1, column: 0 })
    return this.#output.join('')
  }

  #call(name: string, dot: Value, place: Place): void {
    const nodes = this.#templates.get(name)
    if (nodes === undefined)
      this.#fail(place, `{{template ${JSON.stringify(name)}}}`, `template ${JSON.stringify(name)} not defined`)
    if (++this.#calls > MAX_CALLS)
      this.#fail(place, `{{template ${JSON.stringify(name)}}}`, 'exceeded maximum template depth')
    const outer = this.#template
    this.#template = name
    this.#nodes(nodes, dot, [{ name: '', value: dot }])
    this.#template = outer
    this.#calls--
  }

  #nodes(nodes: readonly Node[], dot: Value, scope: Variable[]): void {
    const size = scope.length
    for (const node of nodes) {
      this.#step({ line: 1, column: 0 })
      switch (node.kind) {
        case 'text':
          this.#write(node.text)
          break
        case 'action': {
          const value = this.#pipe(node.pipe, dot, scope)
          if (node.pipe.variables.length === 0) this.#write(value === null ? '<no value>' : goText(value))
          break
        }
        case 'if':
        case 'with': {
          const inner = [...scope]
          const value = this.#pipe(node.pipe, dot, inner)
          if (isTrue(value)) this.#nodes(node.body, node.kind === 'with' ? value : dot, inner)
          else this.#nodes(node.otherwise, dot, inner)
          break
        }
        case 'range':
          this.#range(node, dot, scope)
          break
        case 'template':
          this.#call(node.name, node.pipe === undefined ? null : this.#pipe(node.pipe, dot, scope), node.place)
          break
        default:
          throw new Jump(node.kind)
      }
    }
    scope.length = size
  }

  #range(node: Node & { kind: 'if' | 'with' | 'range' }, dot: Value, scope: Variable[]): void {
    const { pipe, body, otherwise } = node
    const place = pipe.commands[0]!.place
    const value = this.#pipe({ ...pipe, variables: [] }, dot, scope)
    let isEmpty = true
    const [first, second] = pipe.variables
    for (const [key, item] of this.#items(value, place)) {
      isEmpty = false
      this.#step(place)
      const inner = [...scope]
      const set = (name: string, each: Value) => {
        const known = pipe.declares ? undefined : inner.findLast(variable => variable.name === name)
        if (known === undefined) inner.push({ name, value: each })
        else known.value = each
      }
      if (second !== undefined) {
        set(first!, key)
        set(second, item)
      } else if (first !== undefined) set(first, item)
      try {
        this.#nodes(body, item, inner)
      } catch (error) {
        if (!(error instanceof Jump)) throw error
        if (error.kind === 'break') return
      }
    }
    if (isEmpty) this.#nodes(otherwise, dot, [...scope])
  }

  *#items(value: Value, place: Place): Generator<readonly [key: Value, item: Value]> {
    if (value === null) return
    if (isArray(value)) {
      for (const [index, item] of value.entries()) yield [BigInt(index), item]
      return
    }
    if (isObject(value)) {
      for (const key of keysOf(value)) yield [key, value[key]!]
      return
    }
    if (typeof value === 'bigint') {
      for (let i = 0n; i < value; i++) yield [i, i]
      return
    }
    this.#fail(place, 'range', `range can't iterate over ${goText(value)}`)
  }

  #pipe({ variables, declares, commands }: Pipe, dot: Value, scope: Variable[]): Value {
    let value: Value = null
    for (const [index, command] of commands.entries()) {
      value = this.#command(command, dot, scope, index === 0 ? [] : [value])
    }
    for (const name of variables) {
      const known = declares ? undefined : scope.findLast(variable => variable.name === name)
      if (known === undefined) scope.push({ name, value })
      else known.value = value
    }
    return value
  }

  #command({ operands, place }: Command, dot: Value, scope: Variable[], piped: readonly Value[]): Value {
    this.#step(place)
    const [first, ...rest] = operands as [Operand, ...Operand[]] // a pipeline has at least one operand
    if (first.kind === 'function') {
      const value = this.#function(first.name, rest, dot, scope, piped, place)
      return this.#fields(value, first.fields, place)
    }
    if (rest.length > 0 || piped.length > 0) {
      this.#fail(place, textOf(first), `can't give argument to non-function ${textOf(first)}`)
    }
    return this.#operand(first, dot, scope, place)
  }

  #function(
    name: string,
    rest: readonly Operand[],
    dot: Value,
    scope: Variable[],
    piped: readonly Value[],
    place: Place,
  ): Value {
    if (name === 'and' || name === 'or') {
      // Evaluation stops at the first argument that determines the result.
      let value: Value = null
      for (const operand of rest) {
        value = this.#operand(operand, dot, scope, place)
        if (isTrue(value) === (name === 'or')) return value
      }
      return piped.length > 0 ? piped[0]! : value
    }
    const args = [...rest.map(operand => this.#operand(operand, dot, scope, place)), ...piped]
    const run = this.#functions.get(name)
    try {
      return run!(...args)
    } catch (error) {
      if (error instanceof ExecutionError) throw error
      return this.#fail(place, name, `error calling ${name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  #operand(operand: Operand, dot: Value, scope: Variable[], place: Place): Value {
    switch (operand.kind) {
      case 'literal':
        return operand.value
      case 'dot':
        return this.#fields(dot, operand.fields, place)
      case 'variable': {
        const { value } = scope.findLast(({ name }) => name === operand.name)!
        return this.#fields(value, operand.fields, place)
      }
      case 'pipe':
        return this.#fields(this.#pipe(operand.pipe, dot, [...scope]), operand.fields, place)
      case 'function': {
        return this.#fields(this.#function(operand.name, [], dot, scope, [], place), operand.fields, place)
      }
    }
  }

  #fields(value: Value, fields: readonly string[], place: Place): Value {
    let at = value
    for (const [index, field] of fields.entries()) {
      if (isObject(at)) {
        at = getOwn(at as ValueObject, field) ?? null // isObject has rejected everything else
        continue
      }
      const path = `.${fields.slice(0, index + 1).join('.')}`
      // Null has no fields, so any field of it is null.
      if (at === null) return null
      this.#fail(place, path, `can't evaluate field ${field} in type ${typeName(at)}`)
    }
    return at
  }

  #step(place: Place): void {
    if (++this.#steps > MAX_STEPS)
      this.#fail(place, '', `the template takes more than ${MAX_STEPS.toLocaleString('en')} steps`)
  }

  #write(text: string): void {
    this.#length += text.length
    if (this.#length > MAX_OUTPUT_CHARS)
      throw new ExecutionError(`the result has more than ${MAX_OUTPUT_CHARS} characters`)
    this.#output.push(text)
  }

  #fail({ line, column }: Place, at: string, reason: string): never {
    const name = this.#template
    throw new ExecutionError(
      `template: ${name}:${line}:${column}: executing ${JSON.stringify(name)} at <${at}>: ${reason}`,
    )
  }
}

function textOf(operand: Operand): string {
  switch (operand.kind) {
    case 'dot':
      return `.${operand.fields.join('.')}`
    case 'variable':
      return `$${[operand.name, ...operand.fields].join('.')}`
    case 'literal':
      return typeof operand.value === 'string' ? JSON.stringify(operand.value) : goText(operand.value)
    default:
      return operand.kind
  }
}
