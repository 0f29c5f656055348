import { compileQueries, compileTree } from '../../src/bloblang/compiler/program.ts'
import { Library } from '../../src/bloblang/compiler/library.ts'
import { describe } from '../../src/bloblang/runtime/errors.ts'
import { Frame, messageAt } from '../../src/bloblang/runtime/frame.ts'
import { MetadataDraft } from '../../src/bloblang/metadata-draft.ts'
import { FUNCTIONS, METHODS } from '../../src/bloblang/stdlib/registry.gen.ts'
import { toText } from '../../src/bloblang/data/to-text.ts'
import type { MapDefinition, MappingTree, Query, Statement } from '../../src/bloblang/syntax/ast.ts'
import { diagnose } from '../../src/bloblang/syntax/diagnostic.ts'
import { toFailure } from '../../src/bloblang/syntax/failure.ts'
import { Fault } from '../../src/bloblang/syntax/fault.ts'
import { QueryParser } from '../../src/bloblang/syntax/query-parser.ts'
import { NOTHING, type Value, isObject } from '../../src/bloblang/value.ts'
import { systemHost } from '../../src/host/index.ts'
import { messagesOf } from './message.ts'
import { compareError, mismatch } from './compare.ts'
import { same, typed, type Vector } from './values.ts'

/** Runs a single query the way the original's tests do. */
export function runQuery(vector: Vector): string | null {
  const text = String(vector['mapping'])
  const library = new Library(FUNCTIONS, METHODS, { host: systemHost })
  const parser = new QueryParser(text, library)
  const query = parser.query()
  if (query instanceof Fault) {
    const diagnostic = diagnose(text, toFailure(query))
    if (vector['kind'] !== 'query_parse_error') return compareError(vector, diagnostic.message)
    const part = vector['parse_error_contains']
    if (typeof part === 'string') return diagnostic.text.includes(part) ? null : mismatch(vector, part, diagnostic.text)
    return diagnostic.text === vector['parse_error'] ? null : mismatch(vector, vector['parse_error'], diagnostic.text)
  }
  if (vector['kind'] === 'query_parse_error') return mismatch(vector, vector['parse_error'], 'no error')
  const rest = text.slice(parser.at)
  if (vector['kind'] === 'rest')
    return rest === vector['remaining'] ? null : mismatch(vector, vector['remaining'], rest)
  return compareValue(vector, query, library)
}

/** A case without variables does not say whether its scope was empty or absent: either result is accepted. */
function compareValue(vector: Vector, query: Query, library: Library): string | null {
  const scoped = vector['vars'] !== undefined || vector['maps'] !== undefined
  const problem = scoped ? null : compareRun(vector, runOf(query, library))
  if (!scoped && problem === null) return null
  return compareRun(vector, compileTree(treeOf(vector, query, library), library, 'fresh').run)
}

function runOf(query: Query, library: Library): (frame: Frame) => Value {
  const { enter, runs } = compileQueries([query], library)
  return frame => {
    enter(frame)
    return runs[0]!()
  }
}

function compareRun(vector: Vector, run: (frame: Frame) => Value): string | null {
  const batch = messagesOf(vector['messages'])
  const index = Number(vector['index'] ?? 0)
  const frame = new Frame().enter(batch, index, new MetadataDraft().reset(messageAt(batch, index).metadata))
  if (vector['value'] !== undefined) frame.given = typed(vector['value'])
  let result: Value
  try {
    result = run(frame)
  } catch (error) {
    return compareError(vector, describe(error).replace(/^failed assignment \(line \d+\): /, ''))
  }
  if (vector['error'] !== undefined || vector['error_contains'] !== undefined)
    return mismatch(vector, 'an error', toText(result))
  if (vector['nothing'] === true) return result === NOTHING ? null : mismatch(vector, 'nothing', toText(result))
  if (vector['output_value'] !== undefined) {
    const expected = typed(vector['output_value'])
    if (!same(result, expected)) return mismatch(vector, toText(expected), toText(result))
  }
  if (vector['output'] === undefined) return null
  return toText(result) === vector['output'] ? null : mismatch(vector, vector['output'], toText(result))
}

/** A mapping that sets the variables of the case and assigns the query to the root. */
function treeOf(vector: Vector, query: Query, library: Library): MappingTree {
  const span = { start: 0, end: 0 }
  // A vector's fields are values.
  const variables = isObject(vector['vars'] ?? null) ? Object.entries(vector['vars'] as Record<string, Value>) : []
  const statements: Statement[] = variables.map(([name, value]) => ({
    kind: 'assignment',
    target: { kind: 'variable', name },
    query: { kind: 'literal', value: typed(value), annotation: null, origin: null, span },
    span,
  }))
  statements.push({ kind: 'assignment', target: { kind: 'root', path: [], explicit: true }, query, span })
  const maps = new Map<string, MapDefinition>()
  // A vector's fields are values.
  for (const [name, text] of Object.entries((vector['maps'] ?? {}) as Record<string, Value>)) {
    const body = new QueryParser(String(text), library).query()
    if (body instanceof Fault) throw new Error(`bad map ${name}`)
    const target = { kind: 'root', path: [], explicit: true } as const
    maps.set(name, { name, text: String(text), span, body: [{ kind: 'assignment', target, query: body, span }] })
  }
  return { text: '', statements, maps, imports: [], shorthand: false, from: null }
}
