import type { Value } from '../../bloblang/index.ts'

type Fields = { [key: string]: Value }

/**
 * The document built from captures: a dot in a name creates a nested object, `~1` stands for a dot and `~0` for a
 * tilde. A capture is dropped if its parent is already a string, as in the original.
 */
export function documentOf(captures: ReadonlyMap<string, Value>): Value {
  const document: Fields = {}
  for (const [name, value] of captures) {
    if (name.includes('.') || name.includes('~')) setAt(document, partsOf(name), value)
    else define(document, name, value)
  }
  return document
}

function partsOf(name: string): readonly string[] {
  return name.split('.').map(part => part.replaceAll('~1', '.').replaceAll('~0', '~'))
}

function setAt(document: Fields, path: readonly string[], value: Value): void {
  let target = document
  for (const part of path.slice(0, -1)) {
    if (!Object.hasOwn(target, part)) define(target, part, {})
    const child = target[part]
    if (typeof child !== 'object') return
    target = child as Fields // only objects are nested here: captures are strings and numbers
  }
  define(target, path.at(-1)!, value)
}

/** Sets a field of any name, including `__proto__`. */
function define(target: Fields, name: string, value: Value): void {
  if (name !== '__proto__') target[name] = value
  else Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true })
}
