import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { compileMapping, JsonNumber, parseJson, printJson, toText, type Value } from '../bloblang/index.ts'
import { systemHost } from '../components/index.ts'
import type { Message } from '../engine/index.ts'

/** The conditions on one message of a unit test, by their names in the configuration. */
export type Conditions = Readonly<Record<string, unknown>>

/** What a message does not fulfil, condition by condition. */
export function checkConditions(conditions: Conditions, message: Message, folder: string): readonly string[] {
  return Object.keys(conditions)
    .toSorted()
    .flatMap(name => {
      const failure = check(name, conditions[name], message, folder)
      return failure === null ? [] : [`${name}: ${failure}`]
    })
}

function check(name: string, wanted: unknown, message: Message, folder: string): string | null {
  const text = message.text()
  const file = () => readFileSync(join(folder, String(wanted)), 'utf8')
  try {
    switch (name) {
      case 'bloblang':
        return checkMapping(String(wanted), message)
      case 'content_equals':
        return text === String(wanted) ? null : `content mismatch\n  expected: ${String(wanted)}\n  received: ${text}`
      case 'content_matches':
        return matches(String(wanted), text)
          ? null
          : `pattern mismatch\n   pattern: ${String(wanted)}\n  received: ${text}`
      case 'metadata_equals':
        return checkMetadata(wanted as Readonly<Record<string, unknown>>, message)
      case 'file_equals':
        return text === file() ? null : `content mismatch\n  expected: ${file()}\n  received: ${text}`
      case 'file_json_equals':
        return compare(text, file(), false)
      case 'file_json_contains':
        return compare(text, file(), true)
      case 'json_equals':
        return compare(text, jsonText(wanted), false)
      case 'json_contains':
        return compare(text, jsonText(wanted), true)
      default:
        return `unknown condition ${name}`
    }
  } catch (error) {
    const { message: why, code } = error as { message: string; code?: string }
    return code === undefined ? why : `failed to read comparison file: ${why}`
  }
}

function checkMapping(source: string, message: Message): string | null {
  const { mapping, diagnostics } = compileMapping(source, { host: systemHost })
  if (mapping === undefined) return diagnostics[0]!.text
  return mapping.check([message], 0) ? null : 'bloblang expression was false'
}

function matches(pattern: string, text: string): boolean {
  const { RE2JS } = createRequire(import.meta.url)('re2js') as {
    RE2JS: { compile(pattern: string): { matcher(text: string): { find(): boolean } } }
  }
  return RE2JS.compile(pattern).matcher(text).find()
}

function checkMetadata(wanted: Readonly<Record<string, unknown>>, message: Message): string | null {
  for (const key of Object.keys(wanted).toSorted()) {
    const value = message.metadata.get(key)
    if (value === undefined) return `metadata key '${key}' expected but not found`
    if (printJson(value) !== JSON.stringify(wanted[key])) {
      return `metadata key '${key}' mismatch\n  expected: ${String(wanted[key])}\n  received: ${toText(value)}`
    }
  }
  return null
}

/** A text is a document already; anything else is printed as one. */
function jsonText(wanted: unknown): string {
  return typeof wanted === 'string' ? wanted : JSON.stringify(wanted)
}

function compare(received: string, wanted: string, superset: boolean): string | null {
  const left = parseJson(received)
  const right = parseJson(wanted)
  if (superset ? contains(left, right) : same(left, right)) return null
  return `JSON ${superset ? 'superset' : 'content'} mismatch\n  expected: ${printJson(right)}\n  received: ${printJson(left)}`
}

/** Numbers are the same where their texts are: 1.0 is not 1. */
function same(left: Value, right: Value): boolean {
  return contains(left, right) && contains(right, left)
}

function contains(whole: Value, part: Value): boolean {
  if (Array.isArray(part)) {
    return (
      Array.isArray(whole) &&
      whole.length >= part.length &&
      part.every((item, index) => contains(whole[index] as Value, item as Value))
    )
  }
  if (typeof part === 'object' && part !== null && !(part instanceof JsonNumber)) {
    if (typeof whole !== 'object' || whole === null || Array.isArray(whole)) return false
    const fields = whole as Readonly<Record<string, Value>>
    return Object.entries(part).every(
      ([key, child]) => Object.hasOwn(fields, key) && contains(fields[key]!, child as Value),
    )
  }
  return printJson(whole) === printJson(part)
}
