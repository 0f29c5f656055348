import type { Param } from '../../src/bloblang/stdlib/spec.ts'
import { FUNCTION_SIGNATURES, METHOD_SIGNATURES } from '../../src/bloblang/syntax/signatures.gen.ts'
import type { SignatureEntry } from '../../src/bloblang/syntax/signatures.ts'
import type { Corpus } from './corpus.ts'
import { KEYS } from './documents.ts'
import type { Choices } from '../choices.ts'

/** Calls with varying results, long run times, or access to the outside. */
const UNSTEADY =
  /^(?:count|counter|cache_\w+|env|fake|file\w*|hostname|ksuid|nanoid|now|random_int|snowflake_id|timestamp_unix\w*|ulid|uuid\w*|tracing\w*|compare_argon2|compare_bcrypt|compress|encrypt_aes|sign_jwt\w*|parse_jwt\w*|bloblang|log|trace|format_msgpack)$/
const FUNCTIONS = FUNCTION_SIGNATURES.filter(({ name }) => !UNSTEADY.test(name))
const METHODS = METHOD_SIGNATURES.filter(({ name }) => !UNSTEADY.test(name))
const OPERATORS = ['+', '-', '*', '/', '%', '==', '!=', '<', '<=', '>', '>=', '&&', '||', '|']
const INTEGERS = ['0', '1', '2', '3', '-1', '5', '10', '-3', '63', '9223372036854775807', '-9223372036854775807']
const FLOATS = ['0.0', '1.5', '-2.5', '0.1', '1000000000000000000000.0', '3.14159']

/** A random mapping generated from the grammar, suited to the documents of documents.ts. */
export function randomMapping(choices: Choices, corpus: Corpus): string {
  const writer = new MappingWriter(choices, corpus)
  return Array.from({ length: 1 + choices.below(4) }, () => writer.statement()).join('\n')
}

/** A random query. */
export function randomQuery(choices: Choices, corpus: Corpus): string {
  return new MappingWriter(choices, corpus).query(4)
}

class MappingWriter {
  readonly #choices: Choices
  readonly #corpus: Corpus
  #names: string[] = []
  #variables: string[] = []

  constructor(choices: Choices, corpus: Corpus) {
    this.#choices = choices
    this.#corpus = corpus
  }

  statement(indent = ''): string {
    const choices = this.#choices
    const query = this.query(4)
    switch (choices.below(10)) {
      case 0: {
        const name = choices.pick(['v', 'w', 'x1'])
        this.#variables.push(name)
        return `${indent}let ${name} = ${query}`
      }
      case 1:
        return `${indent}root = ${query}`
      case 2: {
        const inner = `${indent}  `
        const otherwise = choices.chance(0.4) ? ` else {\n${this.statement(inner)}\n${indent}}` : ''
        return `${indent}if ${query} {\n${this.statement(inner)}\n${indent}}${otherwise}`
      }
      default:
        return `${indent}root${this.#path(2)} = ${query}`
    }
  }

  query(depth: number): string {
    const choices = this.#choices
    if (depth <= 0) return this.#leaf()
    const inner = () => this.query(depth - 1)
    switch (choices.below(16)) {
      case 0:
      case 1:
        return `${this.#operand(depth)} ${choices.pick(OPERATORS)} ${this.#operand(depth)}`
      case 2:
        return `if ${inner()} { ${inner()} }${choices.chance(0.7) ? ` else { ${inner()} }` : ''}`
      case 3: {
        const cases = choices.list(3, () => `${choices.chance(0.6) ? inner() : this.#constant()} => ${inner()}`)
        const subject = choices.chance(0.7) ? `${this.#operand(depth)} ` : ''
        return `match ${subject}{ ${[...cases, `_ => ${inner()}`].join(', ')} }`
      }
      case 4:
        return `[${choices.list(4, inner).join(', ')}]`
      case 5:
        return `{${choices.list(3, () => `${choices.chance(0.8) ? JSON.stringify(choices.pick(KEYS)) : `(${inner()})`}: ${inner()}`).join(', ')}}`
      case 6:
        return choices.pick(['!', '-']) + this.#operand(depth)
      case 7:
        return this.#call(choices.pick(FUNCTIONS), depth)
      case 8:
        return `${this.#operand(depth)}[${choices.pick([inner(), '0', '-1', '1:', ':-1', '1:2', '::2', '::-1', '0:3:2'])}]`
      case 9:
        return `${this.#operand(depth)}.(${choices.pick(['', 'this', 'q -> q'])}${inner()})`
      case 10:
        return this.#leaf()
      default:
        return `${this.#operand(depth)}.${this.#call(choices.pick(METHODS), depth)}`
    }
  }

  #operand(depth: number): string {
    const text = this.query(depth - 1)
    return /^[\w.$@]+(?:\([^()]*\))?$/.test(text) && !/^-?\d/.test(text) ? text : `(${text})`
  }

  #leaf(): string {
    const choices = this.#choices
    switch (choices.below(6)) {
      case 0:
        return this.#constant()
      case 1:
        return choices.pick(['this', 'this', 'root', 'this.foo', ...this.#names])
      case 2:
        return this.#variables.length > 0 ? `$${choices.pick(this.#variables)}` : `this${this.#path(1)}`
      case 3:
        return `${choices.pick(['root', ...this.#names, 'this'])}${this.#path(2)}`
      default:
        return `this${this.#path(2)}`
    }
  }

  #path(most: number): string {
    return this.#choices
      .list(most, () => this.#choices.pick(KEYS))
      .map(key => (/^\w+$/.test(key) ? `.${key}` : `.${JSON.stringify(key)}`))
      .join('')
  }

  #constant(): string {
    const choices = this.#choices
    switch (choices.below(8)) {
      case 0:
        return choices.pick(INTEGERS)
      case 1:
        return choices.pick(FLOATS)
      case 2:
        return choices.pick(['true', 'false', 'null'])
      case 3:
        return choices.pick(['deleted()', 'nothing()', '[]', '{}', '""', 'now().ts_unix() > 0'])
      default:
        return this.#text()
    }
  }

  #text(): string {
    const choices = this.#choices
    if (choices.chance(0.7)) return choices.pick(this.#corpus.texts)
    return JSON.stringify(
      choices.pick(['a', 'foo', '', 'é😀', '2006-01-02', '%Y-%m-%d', '.*', '(a|b)+', 'a.b', '🙂', 'abc']),
    )
  }

  #call({ name, params, variadic }: SignatureEntry, depth: number): string {
    const choices = this.#choices
    if (variadic === true) return `${name}(${choices.list(3, () => this.query(depth - 2)).join(', ')})`
    const required = params.findIndex(param => param.optional === true || param.default !== undefined)
    const least = required === -1 ? params.length : required
    let count = least + choices.below(params.length - least + 1)
    if (choices.chance(0.03)) count = choices.below(params.length + 2)
    const args = Array.from({ length: count }, (_, at) => this.#argument(params[at], depth - 1))
    const isNamed = choices.chance(0.1)
    return `${name}(${args.map((text, at) => (isNamed ? `${params[at]?.name ?? 'other'}: ${text}` : text)).join(', ')})`
  }

  #argument(param: Param | undefined, depth: number): string {
    const choices = this.#choices
    if (param === undefined || choices.chance(0.1)) return this.query(depth)
    switch (param.type) {
      case 'string':
        return choices.chance(0.85) ? this.#text() : this.query(depth)
      case 'integer':
        return choices.pick(INTEGERS)
      case 'float':
        return choices.pick(FLOATS)
      case 'bool':
        return choices.pick(['true', 'false'])
      case 'query': {
        if (choices.chance(0.4)) return this.query(depth)
        const name = choices.pick(['x', 'item', 'ele', '_'].filter(candidate => !this.#names.includes(candidate)))
        if (name !== '_') this.#names.push(name)
        const body = this.query(depth)
        if (name !== '_') this.#names.pop()
        return `${name} -> ${body}`
      }
      default:
        return this.query(depth)
    }
  }
}
