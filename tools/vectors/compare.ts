import { printJson } from '../../src/bloblang/json/print.ts'
import type { Value } from '../../src/bloblang/value.ts'
import type { Vector } from './values.ts'

/** The failure of a case, on one line. */
export function mismatch(vector: Vector, expected: unknown, got: unknown): string {
  const input = vector['input'] ?? vector['messages'] ?? vector['value'] ?? vector['in'] ?? null
  // A vector's fields are values.
  const shown = [vector['mapping'] ?? vector['kind'] ?? null, input].map(part => printJson(part as Value))
  return `mapping ${shown[0]!} input ${shown[1]!} expected ${String(expected)} got ${String(got)}`
}

/** Compares the text of an error with the expectation of a case. */
export function compareError(vector: Vector, text: string): string | null {
  const exact = vector['error']
  if (typeof exact === 'string') return exact === text ? null : mismatch(vector, exact, text)
  const part = vector['error_contains']
  if (typeof part === 'string') return text.includes(part) ? null : mismatch(vector, part, text)
  return vector['error_any'] === true
    ? null
    : mismatch(vector, show(vector['output'] ?? vector['output_value'] ?? null), `error ${text}`)
}

export function show(value: Value): string {
  return typeof value === 'symbol' ? String(value) : printJson(value)
}
