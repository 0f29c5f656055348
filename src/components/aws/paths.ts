/**
 * The values at a path of a JSON document: parts are separated by dots, `*` stands for every element or member, `~1` for a dot
 * and `~0` for a tilde. Lists at its end are taken apart.
 */
export function valuesAt(document: unknown, path: string): readonly unknown[] {
  let found: readonly unknown[] = [document]
  for (const part of path.split('.').map(each => each.replaceAll('~1', '.').replaceAll('~0', '~'))) {
    found = found.flatMap(value => membersOf(value, part))
  }
  return found.flatMap(flattened)
}

function membersOf(value: unknown, part: string): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return []
  if (part === '*') return Object.values(value)
  // A list without an index in the path passes it on to its elements, as the original does.
  if (Array.isArray(value) && !/^\d+$/.test(part)) return value.flatMap(element => membersOf(element, part))
  return Object.hasOwn(value, part) ? [(value as Readonly<Record<string, unknown>>)[part]] : []
}

function flattened(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value.flatMap(flattened) : [value]
}
