import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import {
  compileInterpolation,
  compileMapping,
  MetadataDraft,
  type Mapping,
  type MessageTracing,
  type MessageView,
} from '../../src/bloblang/index.ts'
import { printJson } from '../../src/bloblang/json/print.ts'
import { messageAt } from '../../src/bloblang/runtime/frame.ts'
import { textOfMetadata } from '../../src/bloblang/runtime/metadata-text.ts'
import { toText } from '../../src/bloblang/data/to-text.ts'
import { DELETED, NOTHING, type Value, isObject } from '../../src/bloblang/value.ts'
import { fileImporter, systemHost } from '../../src/host/index.ts'
import { compareError, mismatch, show } from './compare.ts'
import { runGrammar } from './grammar.ts'
import { CaseMessage, messagesOf } from './message.ts'
import { runQuery } from './query.ts'
import { runLibraryCase } from './library.ts'
import { runProcessorCase } from './processor.ts'
import { same, typed, type Vector } from './values.ts'

/** Why a case failed, or null. */
export function runVector(vector: Vector): string | null {
  switch (vector['kind']) {
    case 'function':
    case 'method':
      return runDocumented(vector)
    case 'map':
      return withFiles(vector, folder => runMap(vector, folder))
    case 'map_parse_error':
      return withFiles(vector, folder => runParseError(vector, folder))
    case 'exec':
    case 'overlay':
      return runBare(vector)
    case 'mapping':
      return runGuide(vector)
    case 'config':
      return runGuideConfig(vector)
    case 'query':
    case 'query_parse_error':
    case 'rest':
      return runQuery(vector)
    case 'grammar':
    case 'dotenv':
      return runGrammar(vector)
    case 'interpolate':
    case 'interpolate_parse_error':
      return runInterpolation(vector)
    case 'lint_bloblang':
    case 'lint_interpolation':
      return runLint(vector)
    case 'processor':
      return runProcessorCase(vector)
    default:
      return runLibraryCase(vector)
  }
}

/** Mappings of one documented example run in order on one compiled mapping, because counters depend on it. */
const documented = new Map<string, Mapping>()

function runDocumented(vector: Vector): string | null {
  const text = String(vector['mapping'])
  const restore = documentedFiles(vector)
  try {
    const key = `${String(vector['kind'])} ${String(vector['name'])} ${String(vector['category'])} ${String(vector['example'])}`
    let mapping = documented.get(key)
    if (mapping === undefined) {
      // Examples that the original does not run name files and keys that do not exist: those are only parsed.
      const parsesOnly = vector['tested'] === false || vector['parses'] === true
      const constructs = parsesOnly ? 'none' : 'everything'
      const compiled = compileMapping(text, { host: systemHost, importer: fileImporter(process.cwd()), constructs })
      if (compiled.mapping === undefined) return mismatch(vector, 'a mapping', compiled.diagnostics[0]!.text)
      mapping = compiled.mapping
      documented.set(key, mapping)
    }
    if (vector['parses'] === true || vector['tested'] === false || vector['input'] === undefined) return null
    const tracing = tracingOf(vector['span'])
    return compareRun(vector, mapping, [
      new CaseMessage(Buffer.from(String(vector['input'])), new Map(), null, tracing),
    ])
  } finally {
    restore()
  }
}

function tracingOf(span: Value | undefined): MessageTracing | undefined {
  // A vector's fields are values.
  const text = typeof span === 'string' ? span : (span as Record<string, Value> | undefined)?.['traceparent']
  if (typeof text !== 'string') return undefined
  return { traceId: text.split('-')[1]!, flowId: '', span: { traceparent: text } }
}

/** Creates files whose paths are in environment variables. */
function documentedFiles(vector: Vector): () => void {
  const files = vector['env_files']
  if (!isObject(files ?? null)) return () => undefined
  const folder = mkdtempSync(join(tmpdir(), 'vectors-'))
  // A vector's fields are values.
  const names = Object.entries(files as Record<string, Value>).map(([name, content]) => {
    const path = join(folder, name)
    writeFileSync(path, String(content))
    process.env[name] = path
    return name
  })
  return () => {
    for (const name of names) delete process.env[name]
    rmSync(folder, { recursive: true })
  }
}

function withFiles(vector: Vector, run: (folder: string) => string | null): string | null {
  const files = vector['files']
  if (!isObject(files ?? null)) return run(process.cwd())
  const folder = mkdtempSync(join(tmpdir(), 'vectors-'))
  for (const [name, content] of Object.entries(files as Record<string, Value>)) // a vector's fields are values
    writeFileSync(join(folder, name), String(content))
  try {
    return run(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function runMap(vector: Vector, folder: string): string | null {
  const { mapping, diagnostics } = compileMapping(String(vector['mapping']), {
    host: systemHost,
    importer: fileImporter(folder),
  })
  if (mapping === undefined) return mismatch(vector, 'a mapping', diagnostics[0]!.text)
  const batch = messagesOf(vector['messages'])
  if (vector['as'] === 'bool') return compareCheck(vector, mapping, batch)
  return compareRun(vector, mapping, batch)
}

function compareCheck(vector: Vector, mapping: Mapping, batch: readonly MessageView[]): string | null {
  const index = Number(vector['index'] ?? 0)
  try {
    const result = mapping.check(batch, index)
    return result === vector['output_value'] ? null : mismatch(vector, vector['output_value'], result)
  } catch (error) {
    return compareError(vector, String(error))
  }
}

function compareRun(vector: Vector, mapping: Mapping, batch: readonly MessageView[]): string | null {
  const index = Number(vector['index'] ?? 0)
  const draft = new MetadataDraft().reset(messageAt(batch, index).metadata)
  let result: Value
  try {
    result = mapping.run(batch, index, draft)
  } catch (error) {
    return compareError(vector, String(error))
  }
  if (vector['error'] !== undefined || vector['error_contains'] !== undefined)
    return mismatch(vector, 'an error', show(result))
  if (vector['deleted'] === true || result === DELETED) {
    return vector['deleted'] === true && result === DELETED ? null : mismatch(vector, vector['output'], 'deleted')
  }
  const body = bodyText(result === NOTHING ? messageAt(batch, index).bytes() : result)
  if (vector['output'] !== undefined && body !== vector['output']) return mismatch(vector, vector['output'], body)
  if (!isObject(vector['meta'] ?? null)) return null
  const meta = Object.fromEntries([...draft.current].map(([key, value]) => [key, textOfMetadata(value)]))
  const expected = Object.fromEntries(
    // A vector's fields are values.
    Object.entries(vector['meta'] as Record<string, Value>).map(([key, value]) => [key, textOfMetadata(typed(value))]),
  )
  return same(meta, expected) ? null : mismatch(vector, printJson(expected), printJson(meta))
}

function bodyText(value: Value): string {
  if (typeof value === 'string') return value
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : printJson(value)
}

function runParseError(vector: Vector, folder: string): string | null {
  const { diagnostics } = compileMapping(String(vector['mapping']), {
    host: systemHost,
    importer: fileImporter(folder),
  })
  const text = diagnostics?.[0]?.text ?? 'no error'
  return comparesText(vector, text.replaceAll(`${folder}/`, ''))
}

function comparesText(vector: Vector, text: string): string | null {
  const exact = vector['parse_error']
  if (typeof exact === 'string' && exact !== text) return mismatch(vector, exact, text)
  const part = vector['parse_error_contains']
  return typeof part === 'string' && !text.includes(part) ? mismatch(vector, part, text) : null
}

/** A mapping on a bare value, as in the original's library. */
function runBare(vector: Vector): string | null {
  const { mapping, diagnostics } = compileMapping(String(vector['mapping']), { host: systemHost })
  if (mapping === undefined) return compareError(vector, diagnostics[0]!.text)
  const { value } = vector
  let result: Value
  try {
    if (vector['kind'] === 'overlay') result = mapping.applyOnto(typed(value ?? null), typed(vector['overlay'] ?? null))
    else result = value === undefined ? mapping.run([], 0) : mapping.apply(typed(value))
  } catch (error) {
    return compareError(vector, String(error))
  }
  // The original's library reports a dropped root as an error, and an unassigned root as the input.
  if (result === DELETED) return compareError(vector, 'root was deleted')
  if (result === NOTHING) result = typed(value ?? null)
  if (expectsError(vector)) return mismatch(vector, 'an error', show(result))
  if (vector['output_value'] !== undefined) {
    const expected = typed(vector['output_value'])
    if (!same(result, expected, Number(vector['delta'] ?? 0))) return mismatch(vector, show(expected), show(result))
  }
  if (vector['output'] === undefined) return null
  return toText(result) === vector['output'] ? null : mismatch(vector, vector['output'], toText(result))
}

function expectsError(vector: Vector): boolean {
  return vector['error'] !== undefined || vector['error_contains'] !== undefined || vector['error_any'] !== undefined
}

/** The guides format documents by hand, so they are compared as values. */
function runGuide(vector: Vector): string | null {
  const { mapping, diagnostics } = compileMapping(String(vector['mapping']), { host: systemHost })
  if (mapping === undefined) return mismatch(vector, 'a mapping', diagnostics[0]!.text)
  const batch = [new CaseMessage(Buffer.from(String(vector['input'])))]
  const result = mapping.run(batch, 0, new MetadataDraft())
  const body = result === NOTHING ? String(vector['input']) : result === DELETED ? 'deleted' : bodyText(result)
  return sameText(body, String(vector['output'])) ? null : mismatch(vector, vector['output'], body)
}

function sameText(left: string, right: string): boolean {
  try {
    return same(JSON.parse(left) as Value, JSON.parse(right) as Value) // JSON text gives values
  } catch {
    return left.trim() === right.trim()
  }
}

/** Pipelines of the guides: only those with a single mapping can be checked here. */
function runGuideConfig(vector: Vector): string | null {
  const match = /^\s*-?\s*(?:mapping|mutation|bloblang):\s*\|\n((?:\s+.*\n?)+)$/m.exec(String(vector['config']))
  const processors = String(vector['config']).match(/^\s+- /gm) ?? []
  if (match === null || processors.length !== 1) return null
  const lines = match[1]!.split('\n')
  const indent = /^\s*/.exec(lines[0]!)![0].length
  return runGuide({ ...vector, mapping: lines.map(line => line.slice(indent)).join('\n') })
}

function runInterpolation(vector: Vector): string | null {
  const { interpolation, diagnostics } = compileInterpolation(String(vector['mapping']), { host: systemHost })
  if (vector['kind'] === 'interpolate_parse_error')
    return comparesText(vector, diagnostics?.[0]?.charText ?? 'no error')
  if (interpolation === undefined) return mismatch(vector, vector['output'], diagnostics[0]!.charText)
  const text = interpolation.static ?? interpolation.eval(messagesOf(vector['messages']), Number(vector['index'] ?? 0))
  return text === vector['output'] ? null : mismatch(vector, vector['output'], text)
}

/** Lints have a position inside the config: its line and column are added to those of the field. */
function runLint(vector: Vector): string | null {
  const text = String(vector['mapping'])
  const options = { host: systemHost, constructs: 'none' } as const
  const isMapping = vector['kind'] === 'lint_bloblang'
  const result =
    text === '' ? { diagnostics: [] } : isMapping ? compileMapping(text, options) : compileInterpolation(text, options)
  const [diagnostic] = result.diagnostics ?? []
  const expected = (vector['lints'] as readonly Record<string, Value>[])[0] // a vector's fields are values
  if (expected === undefined || diagnostic === undefined) {
    return (expected === undefined) === (diagnostic === undefined)
      ? null
      : mismatch(vector, JSON.stringify(expected), diagnostic?.text)
  }
  const line = Number(vector['line'] ?? 0) + diagnostic.line - 1
  const got = { line, what: isMapping ? diagnostic.gotMessage : diagnostic.gotMessage }
  return String(expected['what']) === got.what && Number(expected['line']) === got.line
    ? null
    : mismatch(vector, JSON.stringify(expected), JSON.stringify(got))
}
