import {
  BodyView,
  compileInterpolation,
  compileMapping,
  JsonWriter,
  type Mapping,
  MappingError,
  MetadataDraft,
  PatchedDocument,
  printJson,
  type Value,
} from '../../src/bloblang/index.ts'
import { processorMs } from '../../src/bloblang/processor-time.ts'
import { inertHost } from '../../src/bloblang/inert-host.ts'
import { Library } from '../../src/bloblang/compiler/library.ts'
import { FUNCTIONS, METHODS } from '../../src/bloblang/stdlib/registry.gen.ts'
import { checkInterpolation, checkMapping, tokenize } from '../../src/bloblang/syntax.ts'
import { Fault } from '../../src/bloblang/syntax/fault.ts'
import { parseMappingText } from '../../src/bloblang/syntax/mapping-parser.ts'
import { printMapping } from '../../src/bloblang/syntax/print.ts'

/** A message with a document and some metadata. */
function messageOf(document: string, message = new BodyView()): BodyView {
  message.draft.set('key', 'value')
  return message.setText(document)
}

/** A message that hides its bytes, so that a mapping has to use the document as a whole. */
class WholeMessage extends BodyView {
  override project(): null {
    return null
  }
}

/** The problem with how a text is parsed, as a mapping and as an interpolation; null if there is none. */
export function checkText(text: string): string | null {
  const { mapping, diagnostics } = compileMapping(text, { host: inertHost })
  const found = checkMapping(text)
  if (mapping === undefined && diagnostics[0]!.excerpt === '') return 'a diagnostic has no excerpt'
  if (mapping !== undefined && found.length > 0)
    return `only the browser's parser reports a diagnostic: ${found[0]!.message}`
  let end = 0
  for (const token of tokenize(text)) {
    if (token.start < end || token.end <= token.start) return 'tokens overlap or are empty'
    ;({ end } = token)
  }
  compileInterpolation(text, { host: inertHost })
  checkInterpolation(text)
  return mapping === undefined ? null : checkPrinted(text)
}

/** Checks that a printed mapping parses to the same tree. */
function checkPrinted(text: string): string | null {
  const library = new Library(FUNCTIONS, METHODS, { host: inertHost })
  const tree = parseMappingText(text, library, null)
  if (tree instanceof Fault) return 'a text that compiles does not parse'
  const printed = printMapping(tree)
  const again = parseMappingText(printed, library, null)
  if (again instanceof Fault) return `the printed mapping does not parse: ${again.message}: ${printed}`
  if (shapeOf(again) !== shapeOf(tree)) return `the printed mapping parses to a different tree: ${printed}`
  return printMapping(again) === printed ? null : `printing the parsed mapping again differs: ${printed}`
}

/** A tree without its positions in the text. */
function shapeOf(tree: object): string {
  return JSON.stringify(tree, (key, value: unknown) => {
    if (key === 'span' || key === 'text') return undefined
    if (typeof value === 'bigint') return `${value}n`
    if (typeof value === 'symbol') return String(value)
    if (typeof value === 'string') return value.toWellFormed()
    if (Object.is(value, -0)) return '-0.0'
    return value instanceof Map ? [...value] : value
  })
}

/** Calls that keep state between runs. */
const STATEFUL = /count|random_int|snowflake_id/

/** The problem with how a mapping runs on a document; null if there is none. */
export function checkRun(text: string, document: string): string | null {
  const { mapping } = compileMapping(text, { host: inertHost })
  if (mapping === undefined) return null
  const draft = () => new MetadataDraft()
  const light = outcome(() => mapping.run([messageOf(document)], 0, draft()))
  const whole = outcome(() => mapping.run([messageOf(document, new WholeMessage())], 0, draft()))
  if (light !== whole && !STATEFUL.test(text))
    return `a partially read document gives ${light}, the whole document ${whole}`
  const printed = outcome(() => mapping.runCommand([messageOf(document)], draft(), false))
  const out = new JsonWriter(true)
  outcome(() => mapping.runCommand([messageOf(document)], draft(), false, out) ?? null)
  if (out.length > 0 && !printsSameValue(mapping, document, out.toString()) && !STATEFUL.test(text))
    return `direct printing gives ${out.toString()}`
  if (!printed.startsWith('error:') && printed !== light && !STATEFUL.test(text))
    return `the command gives ${printed}, a stream ${light}`
  const patched = checkPatched(mapping, document)
  if (patched !== null && !STATEFUL.test(text)) return patched
  return isJson(light) ? null : `not JSON: ${light}`
}

/** Checks that working on the bytes of a document gives the same result as working on the document. */
function checkPatched(mapping: Mapping, document: string): string | null {
  const forms: readonly ((message: BodyView) => Value | PatchedDocument)[] = [
    message => mapping.patch([message], 0, new MetadataDraft()),
    message => mapping.mutate([message], 0, new MetadataDraft()),
    message => mapping.patchOnto(message, [messageOf(document)], 0, new MetadataDraft()),
  ]
  for (const [at, run] of forms.entries()) {
    const whole = outcome(() => valueOf(run(messageOf(document, new WholeMessage()))))
    const values = outcome(() => valueOf(run(messageOf(document))))
    if (values !== whole) return `form ${at} gives ${values} from bytes, ${whole} from the document`
    const result = quietly(() => run(messageOf(document)))
    if (!(result instanceof PatchedDocument)) continue
    const writer = new JsonWriter(false)
    result.print(writer)
    const expected = printJson(result.structured())
    if (writer.toString() !== expected) return `form ${at} prints ${writer.toString()}, and its value is ${expected}`
  }
  return null
}

function valueOf(result: Value | PatchedDocument): Value {
  return result instanceof PatchedDocument ? result.structured() : result
}

function quietly<T>(run: () => T): T | null {
  try {
    return run()
  } catch (error) {
    if (error instanceof MappingError) return null
    throw error
  }
}

/** Whether the command's direct output equals that of the value printed afterwards. */
function printsSameValue(mapping: Mapping, document: string, printed: string): boolean {
  const value = mapping.runCommand([messageOf(document)], new MetadataDraft(), false)
  return printJson(value, { escapeHtml: true }) === printed
}

/** Checks that untouched fields are copied byte for byte. The keys of the document must be sorted. */
export function checkUntouched(query: string, document: string): string | null {
  const { mapping } = compileMapping(`root = this\nroot."${LAST_KEY}" = (${query}).catch(null)`, { host: inertHost })
  if (mapping === undefined) return null
  const head = document.slice(0, -1)
  const got = outcome(() => mapping.runCommand([messageOf(document)], new MetadataDraft(), false))
  if (got.startsWith('error:')) return null
  const expected = escapeForHtml(head)
  return got.startsWith(expected) ? null : `${expected} became ${got}`
}

/** Sorts after all keys of the documents. */
const LAST_KEY = '\u{10fffd}'

function escapeForHtml(json: string): string {
  return json
    .replaceAll(/[<>&\u2028\u2029]/g, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replaceAll(/(?<!\\ud83d)\\u[dD][89a-fA-F][0-9a-fA-F]{2}(?!\\ud)/g, '\ufffd')
    .replaceAll(String.raw`\ud83d\ude00`, '😀')
    .replaceAll(String.raw`\/`, '/')
}

/** The result as JSON, or the text of the mapping error. Rethrows any other error. */
function outcome(run: () => Value): string {
  try {
    return printJson(run(), { escapeHtml: true })
  } catch (error) {
    if (error instanceof MappingError) return `error: ${error.message}`
    throw error
  }
}

function isJson(text: string): boolean {
  if (text.startsWith('error:')) return true
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Checks that parsing time does not grow much faster than the length; otherwise reports the milliseconds. */
export function checkGrowth(fragment: string): string | null {
  const times = Math.ceil(8000 / Math.max(1, fragment.length))
  const [small, , large] = [1, 2, 4].map(factor => millisecondsToRead(fragment.repeat(times * factor)))
  if (large! < 400 || large! < small! * 12) return null
  const again = [1, 4].map(factor => millisecondsToRead(fragment.repeat(times * factor)))
  if (again[1]! < 400 || again[1]! < again[0]! * 12) return null
  return `${times} times ${JSON.stringify(fragment)} takes ${again[0]!.toFixed(0)} ms, four times as many ${again[1]!.toFixed(0)} ms`
}

function millisecondsToRead(text: string): number {
  return processorMs(() => compileMapping(text, { host: inertHost, constructs: 'none' }))
}
