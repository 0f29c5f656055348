import type { Value } from '../value.ts'
import { JsonWriter } from './writer.ts'

/** How JSON is printed; by default as a stream prints it. */
export interface PrintOptions {
  /** Escapes `<`, `>` and `&` as `\u003c` …, as the `blobl` command and `.string()` do, but streams do not. */
  readonly escapeHtml?: boolean
  /** Indents by this text, with one entry per line. */
  readonly indent?: string
}

/** Prints a value as JSON; see {@link JsonWriter}. Throws `MappingError` if the result is too long for a string. */
export function printJson(value: Value, options?: PrintOptions): string {
  return write(value, options).toString()
}

/** The same as UTF-8 bytes. */
export function jsonBytes(value: Value, options?: PrintOptions): Uint8Array {
  return write(value, options).toBytes()
}

function write(value: Value, options: PrintOptions | undefined): JsonWriter {
  const writer = options?.escapeHtml === true ? (html ??= new JsonWriter(true)) : (plain ??= new JsonWriter(false))
  writer.clear()
  if (options?.indent === undefined) writer.value(value)
  else writer.indented(value, options.indent)
  return writer
}

// Printing a value never calls these functions again, so one writer per kind suffices.
let plain: JsonWriter | undefined
let html: JsonWriter | undefined
