/**
 * Reading of fields. A name that only objects from documents can have is read with `?.`: on all other values it is
 * undefined, and V8 sees one shape per site. Other names, indexes and `*` go through a helper.
 */
const PROTOTYPES: readonly object[] = [
  Object.prototype,
  Array.prototype,
  String.prototype,
  Number.prototype,
  BigInt.prototype,
  Boolean.prototype,
  Symbol.prototype,
  Uint8Array.prototype,
  Object.getPrototypeOf(Uint8Array.prototype),
]

/** Fields of the classes in value.ts and of Node's buffers. */
const RESERVED = new Set(['value', 'text', 'unixNanos', 'zone', 'parent', 'offset', 'length'])

const IDENTIFIER = /^[A-Za-z_$][A-Za-z0-9_$]*$/

/** Whether only an object from a document can have a field of this name. */
function isSafeName(name: string): boolean {
  if (RESERVED.has(name) || /^[+-]?\d+$/.test(name) || name === '*') return false
  return !PROTOTYPES.some(prototype => name in prototype) && !(name in Buffer.prototype)
}

/** The longest prefix of a path that `?.` can read, as text to append to an expression. */
export function emitSafePath(path: readonly string[]): { readonly text: string; readonly count: number } {
  let text = ''
  let count = 0
  while (count < path.length && isSafeName(path[count]!)) {
    const name = path[count++]!
    text += IDENTIFIER.test(name) ? `?.${name}` : `?.[${JSON.stringify(name)}]`
  }
  return { text, count }
}

/** Whether a name can only be a field when stored: neither an index nor `-`, which appends. */
export function isSafeStore(name: string): boolean {
  return name !== '-' && isSafeName(name)
}

/** A path of such names as the left side of an assignment. */
export function emitStore(path: readonly string[]): string {
  return path.map(name => (IDENTIFIER.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`)).join('')
}
