import { printJson } from '../json/print.ts'
import { utf8Text } from '../text/bytes.ts'
import { formatGoFloat } from '../text/go-float.ts'
import { Float, JsonNumber, NarrowFloat, Timestamp, Uint64, type Value } from '../value.ts'
import { asShown } from './empty-literals.ts'
import { formatRfc3339 } from './time/format.ts'

/** Converts a value to text as `.string()` does: floats in Go's shortest form, documents as JSON with HTML escapes. */
export function toText(value: Value): string {
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
      return String(value)
    case 'bigint':
      return value.toString()
    case 'boolean':
      return value ? 'true' : 'false'
    case 'symbol':
      return 'null'
    default: // an object or null
      if (value === null) return 'null'
      if (value instanceof Uint8Array) return utf8Text(value)
      if (value instanceof JsonNumber) return value.text
      if (value instanceof NarrowFloat) return printJson(value)
      if (value instanceof Float) return formatGoFloat(value.value)
      if (value instanceof Uint64) return value.value.toString()
      if (value instanceof Timestamp) return formatRfc3339(value)
      return printJson(asShown(value), { escapeHtml: true })
  }
}
