import type { Value } from '../value.ts'
import { JsonWriter } from './writer.ts'

/** How JSON is printed; as a stream prints it where nothing is said. */
export interface PrintOptions {
  /** `<`, `>` and `&` as `\u003c` … : the `blobl` command and `.string()` do, a stream does not. */
  readonly escapeHtml?: boolean
  /** Indents by this text, one entry a line. */
  readonly indent?: string
}

/** A value as JSON, as the original prints it; see {@link JsonWriter}. Throws `MappingError` where it is too long for a string. */
export function printJson(value: Value, options?: PrintOptions): string {
  return write(value, options).toString()
}

/** The same in UTF-8. */
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

// No value prints another one by these functions while it is printed, so that one writer of a kind does.
let plain: JsonWriter | undefined
let html: JsonWriter | undefined
