import { isObject, setOwn, type Value } from '../value.ts'
import { parseBody, parseJson } from './parse.ts'
import { CARRIED, Projector } from './project.ts'
import { RawJson } from './raw.ts'
import type { JsonWriter } from './writer.ts'

/**
 * A document of which some parts are still bytes of its source, which must not change while this is in use. Most
 * documents are printed next, which copies those parts. Reading the values parses them, once.
 */
export class PatchedDocument {
  #value: Value
  #isParsed = false

  /** `value` may contain {@link RawJson} in objects but not in arrays, and must not be shared. */
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

/** The document of a body, which must not change; of parts that are printed unchanged only the position is recorded. */
export function patchedBody(bytes: Uint8Array): Value | PatchedDocument {
  const value = wholly.project(bytes, 0, bytes.length, null)
  if (value === null) return parseBody(bytes)
  return wholly.carries ? new PatchedDocument(value) : value
}

// Its result is used up before the next document is read.
const wholly = new Projector(CARRIED, false)

/** Parses the raw parts of a value; objects that contain such parts are modified. */
export function parsed(value: Value): Value {
  const whole = asRaw(value)
  if (whole !== null) return parseJson(whole.text)
  const open: Value[] = [value]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (Array.isArray(next) || !isObject(next)) continue
    // A mapping owns its documents until it returns them.
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
  // RawJson is the only non-value that occurs here; see its class.
  return value instanceof RawJson ? (value as unknown as RawJson) : null
}
