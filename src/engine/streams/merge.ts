import { isObject } from '../../bloblang/index.ts'

/** A document with the values of another one in it: objects are merged field by field, everything else is replaced. */
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
  return isObject(value as never) // it looks at the prototype, whatever the value is
}
