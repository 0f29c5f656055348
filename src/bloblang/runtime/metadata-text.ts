import { isObject, setOwn } from '../value.ts'
import { printJson } from '../json/print.ts'
import { toText } from '../data/to-text.ts'
import type { Value } from '../value.ts'

/** A metadata value as text; null if it is absent or empty. */
export function metadataText(metadata: ReadonlyMap<string, Value>, key: string): Value {
  const value = metadata.get(key)
  return value === undefined ? null : textOfMetadata(value) || null
}

/** All metadata as an object of texts. */
export function metadataTexts(metadata: ReadonlyMap<string, Value>): Value {
  const object: Record<string, Value> = {}
  for (const [key, value] of metadata) setOwn(object, key, textOfMetadata(value))
  return object
}

/** A metadata value as headers, paths and conditions see it: documents as JSON without HTML escapes. */
export function textOfMetadata(value: Value): string {
  return Array.isArray(value) || isObject(value) ? printJson(value) : toText(value)
}
