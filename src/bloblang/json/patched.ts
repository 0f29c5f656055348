import { isObject, setOwn, type Value } from '../value.ts'
import { parseBody, parseJson } from './parse.ts'
import { CARRIED, Projector } from './project.ts'
import { RawJson } from './raw.ts'
import type { JsonWriter } from './writer.ts'

/**
 * A document of which parts are still bytes of the one that it was made from, which must not change as long as this is in use.
 * Most documents are printed next: then those parts are copied. Whoever wants the values has them parsed, once.
 */
export class PatchedDocument {
  #value: Value
  #isParsed = false

  /** `value` may hold {@link RawJson} in objects, not in arrays, and belongs to nobody else. */
  constructor(value: Value) {
    this.#value = value
  }

  print(writer: JsonWriter): void {
    writer.value(this.#value)
  }

  structured(): Value {
    if (!this.#isParsed) {
      this.#value = parsed(this.#value)
      this.#isParsed = true
    }
    return this.#value
  }
}

/** The document of a body, which must not change; of parts that are printed as they stand only the places are noted. */
export function patchedBody(bytes: Uint8Array): Value | PatchedDocument {
  const value = wholly.project(bytes, 0, bytes.length, null)
  if (value === null) return parseBody(bytes)
  return wholly.carries ? new PatchedDocument(value) : value
}

// What it has read is handed out before the next document is read.
const wholly = new Projector(CARRIED, false)

/** A value whose raw parts are parsed; objects that hold such parts are changed. */
export function parsed(value: Value): Value {
  const whole = asRaw(value)
  if (whole !== null) return parseJson(whole.text)
  const open: Value[] = [value]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (Array.isArray(next) || !isObject(next)) continue
    // The documents of a mapping are its own until it gives them away.
    const object = next as Record<string, Value>
    for (const key of Object.keys(object)) {
      const inner = object[key]!
      if (typeof inner !== 'object' || inner === null) continue
      const raw = asRaw(inner)
      if (raw !== null) setOwn(object, key, parseJson(raw.text))
      else open.push(inner)
    }
  }
  return value
}

function asRaw(value: Value): RawJson | null {
  // The only values that are none; see RawJson.
  return value instanceof RawJson ? (value as unknown as RawJson) : null
}
