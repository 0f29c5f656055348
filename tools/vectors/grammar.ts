import { Fault } from '../../src/bloblang/syntax/fault.ts'
import { QueryParser } from '../../src/bloblang/syntax/query-parser.ts'
import { Reader } from '../../src/bloblang/syntax/reader.ts'
import { Library } from '../../src/bloblang/compiler/library.ts'
import { FUNCTIONS, METHODS } from '../../src/bloblang/stdlib/registry.gen.ts'
import { Float, type Value } from '../../src/bloblang/value.ts'
import { systemHost } from '../../src/host/index.ts'
import { mismatch } from './compare.ts'
import { same, typed, type Vector } from './values.ts'

/** Runs one rule of the grammar: its result and the remaining input. Names of expected tokens are not compared. */
export function runGrammar(vector: Vector): string | null {
  if (vector['kind'] === 'dotenv') return null
  const text = String(vector['mapping'])
  const [value, rest] = parse(String(vector['rule']), text)
  if (vector['parse_error_any'] === true) return value instanceof Fault ? null : mismatch(vector, 'an error', rest)
  if (value instanceof Fault) return mismatch(vector, vector['remaining'], value.message)
  if (!same(value, typed(vector['output_value'] ?? null))) return mismatch(vector, vector['output_value'], value)
  return rest === vector['remaining'] ? null : mismatch(vector, vector['remaining'], rest)
}

function parse(rule: string, text: string): readonly [Value | Fault, string] {
  const reader = new Reader(text)
  switch (rule) {
    case 'snake_case':
      return [reader.snakeCase(), text.slice(reader.at)]
    case 'quoted_string':
      return [reader.quoted(), text.slice(reader.at)]
    case 'triple_quoted_string':
      return [reader.tripleQuoted(), text.slice(reader.at)]
    case 'boolean': {
      const word = reader.oneOf<string>([() => reader.term('true'), () => reader.term('false')])
      return [word instanceof Fault ? word : word === 'true', text.slice(reader.at)]
    }
    case 'number': {
      const number = reader.number()
      const value = number instanceof Fault ? number : 'whole' in number ? number.whole : new Float(number.float)
      return [value, text.slice(reader.at)]
    }
    default: {
      const parser = new QueryParser(text, new Library(FUNCTIONS, METHODS, { host: systemHost }))
      const query = parser.literal()
      const value = query instanceof Fault ? query : query.kind === 'literal' ? query.value : new Fault(0, [rule])
      return [value, text.slice(parser.at)]
    }
  }
}
