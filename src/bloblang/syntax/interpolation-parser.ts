import type { Query } from './ast.ts'
import { expecting, fatal, Fault, required } from './fault.ts'
import { type Catalog, QueryParser } from './query-parser.ts'

/** The parts of a config string: plain texts and the queries of `${! query }`. `${{! text }}` is the escape. */
export function parseInterpolation(text: string, catalog: Catalog): readonly (string | Query)[] | Fault {
  if (!text.includes('${')) return text === '' ? [] : [text]
  const parser = new QueryParser(text, catalog)
  const parts: (string | Query)[] = []
  const add = (plain: string) => {
    const last = parts.at(-1)
    if (typeof last === 'string') parts[parts.length - 1] = last + plain
    else parts.push(plain)
  }
  try {
    while (!parser.atEnd) {
      const part = nextPart(parser)
      if (part instanceof Fault) return part
      if (typeof part === 'string') add(part)
      else parts.push(part)
    }
  } catch (error) {
    if (error instanceof RangeError) return fatal(0, 'nested too deeply')
    throw error
  }
  return parts
}

function nextPart(parser: QueryParser): string | Query | Fault {
  const { text, at } = parser
  if (text.startsWith('${{!', at)) return escaped(parser)
  if (text.startsWith('${!', at)) return query(parser)
  const dollar = text.indexOf('$', at)
  const end = dollar === at ? at + 1 : dollar === -1 ? text.length : dollar
  parser.at = end
  return text.slice(at, end)
}

function escaped(parser: QueryParser): string | Fault {
  const start = parser.at + 4
  const end = parser.text.indexOf('}}', start)
  if (end === -1) return new Fault(start, ['end of escaped expression'], 'required')
  parser.at = end + 2
  return `\${!${parser.text.slice(start, end)}}`
}

function query(parser: QueryParser): Query | Fault {
  parser.at += 3
  parser.skipBlank()
  const result = parser.query()
  if (result instanceof Fault) return required(result)
  parser.skipBlank()
  const close = parser.term('}')
  return close instanceof Fault ? required(expecting(close, 'end of expression')) : result
}
