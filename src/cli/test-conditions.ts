import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { codeOf, fieldsOf, messageOf, unreachable } from '../base/index.ts'
import { JsonNumber, parseJson, printJson, toText, type Value } from '../bloblang/index.ts'
import { type Batch, type Infer, Message, type testFields } from '../engine/index.ts'
import { openError } from './source.ts'

type TestCase = Infer<typeof testFields>
type InputMessage = NonNullable<TestCase['input_batch']>[number]
type Conditions = NonNullable<TestCase['output_batches']>[number][number]

/** The batch of an `input_batch`; files that it names are relative to `folder`. */
export function inputBatch(messages: readonly InputMessage[], folder: string): Batch {
  return messages.map(message => inputMessage(message, folder))
}

function inputMessage({ content, json_content, file_content, metadata }: InputMessage, folder: string): Message {
  const values = new Map(Object.entries(metadata ?? {}) as [string, Value][]) // metadata of a test are values
  if (file_content !== undefined) return Message.fromBytes(readFileSync(join(folder, file_content)), values)
  // Values of a test's document.
  if (json_content !== undefined) return Message.fromText(printJson(json_content as Value), values)
  return Message.fromText(content ?? '', values)
}

/** The conditions that a message does not satisfy. */
export function checkConditions(conditions: Conditions, message: Message, folder: string): readonly string[] {
  return (Object.keys(conditions) as (keyof Conditions)[]) // keys of the fields that were parsed
    .filter(name => conditions[name] !== undefined)
    .toSorted()
    .flatMap(name => {
      const failure = check(name, conditions, message, folder)
      return failure === null ? [] : [`${name}: ${failure}`]
    })
}

function check(name: keyof Conditions, conditions: Conditions, message: Message, folder: string): string | null {
  const text = message.text()
  const file = (path: string) => readFileSync(join(folder, path), 'utf8')
  try {
    switch (name) {
      case 'bloblang':
        return (conditions.bloblang?.check([message], 0) ?? true) ? null : 'bloblang expression was false'
      case 'content_equals':
        return sameText(text, conditions.content_equals!)
      case 'content_matches':
        return matches(conditions.content_matches!, text)
          ? null
          : `pattern mismatch\n   pattern: ${conditions.content_matches!}\n  received: ${text}`
      case 'metadata_equals':
        return checkMetadata(conditions.metadata_equals!, message)
      case 'file_equals':
        return sameText(text, file(conditions.file_equals!))
      case 'file_json_equals':
        return compare(text, file(conditions.file_json_equals!), false)
      case 'file_json_contains':
        return compare(text, file(conditions.file_json_contains!), true)
      case 'json_equals':
        return compare(text, jsonText(conditions.json_equals), false)
      case 'json_contains':
        return compare(text, jsonText(conditions.json_contains), true)
      default:
        return unreachable(name)
    }
  } catch (error) {
    return codeOf(error) === undefined
      ? messageOf(error)
      : `failed to read comparison file: ${openError(String(fieldsOf(error)['path'] ?? ''), error)}`
  }
}

function sameText(received: string, expected: string): string | null {
  return received === expected ? null : `content mismatch\n  expected: ${expected}\n  received: ${received}`
}

function matches(pattern: string, text: string): boolean {
  // Loaded only when a test needs it; this is the part that is used.
  const { RE2JS } = createRequire(import.meta.url)('re2js') as {
    RE2JS: { compile(pattern: string): { matcher(text: string): { find(): boolean } } }
  }
  return RE2JS.compile(pattern).matcher(text).find()
}

function checkMetadata(wanted: Readonly<Record<string, unknown>>, message: Message): string | null {
  for (const key of Object.keys(wanted).toSorted()) {
    const value = message.metadata.get(key)
    if (value === undefined) return `metadata key '${key}' expected but not found`
    const expected = wanted[key] as Value // metadata of a test are values
    if (!same(value, expected)) {
      return `metadata key '${key}' mismatch\n  expected: ${toText(expected)}\n  received: ${toText(value)}`
    }
  }
  return null
}

/** A text is already a document; anything else is serialised. */
function jsonText(wanted: unknown): string {
  return typeof wanted === 'string' ? wanted : printJson(wanted as Value) // what a test wants is a value
}

function compare(received: string, wanted: string, superset: boolean): string | null {
  const mismatch = `JSON ${superset ? 'superset' : 'content'} mismatch`
  const [left, right] = [documentOf(received), documentOf(wanted)]
  if (left === undefined || right === undefined) {
    const which =
      left !== undefined ? 'second argument is' : right !== undefined ? 'first argument is' : 'both arguments are'
    return `${mismatch}\n${which} invalid json`
  }
  if (superset ? contains(left.value, right.value) : same(left.value, right.value)) return null
  return `${mismatch}\n  expected: ${printJson(right.value)}\n  received: ${printJson(left.value)}`
}

function documentOf(text: string): { readonly value: Value } | undefined {
  try {
    return { value: parseJson(text) }
  } catch {
    // The caller reports which of the two texts is not a document.
    return undefined
  }
}

/** Numbers are equal if their texts are: 1.0 is not 1. */
function same(left: Value, right: Value): boolean {
  return contains(left, right) && contains(right, left)
}

function contains(whole: Value, part: Value): boolean {
  if (Array.isArray(part)) {
    return (
      Array.isArray(whole) &&
      whole.length >= part.length &&
      part.every((item, index) => contains(whole[index] as Value, item)) // it is as long as `part`
    )
  }
  if (typeof part === 'object' && part !== null && !(part instanceof JsonNumber)) {
    if (typeof whole !== 'object' || whole === null || Array.isArray(whole)) return false
    const fields = whole as Readonly<Record<string, Value>> // the lines above have refused the rest
    return Object.entries(part).every(
      // Values of a test's document.
      ([key, child]) => Object.hasOwn(fields, key) && contains(fields[key]!, child as Value),
    )
  }
  return printJson(whole) === printJson(part)
}
