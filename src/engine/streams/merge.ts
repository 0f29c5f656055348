import { isObject } from '../../bloblang/index.ts'

/** Merges one document into another: objects field by field, everything else by replacement. */
export function merged(base: unknown, changes: unknown): unknown {
  if (!isPlain(base) || !isPlain(changes)) return changes
  const result: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(changes)) {
    Object.defineProperty(result, key, {
      value: Object.hasOwn(base, key) ? merged(base[key], value) : value,
      enumerable: true,
      writable: true,
      configurable: true,
    })
  }
  return result
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return isObject(value as never) // isObject checks the prototype, whatever the value is
}
