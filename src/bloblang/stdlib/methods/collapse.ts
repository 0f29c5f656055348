import { isObject, setOwn } from '../../value.ts'
import { MappingError } from '../../errors.ts'
import { isArray } from '../../data/coerce.ts'
import { asStored } from '../../data/empty-literals.ts'
import { defineMethod, type Value, type ValueObject } from '../spec.ts'

export default defineMethod({
  name: 'collapse',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description:
    'Flattens a document into one object whose keys are the full dot paths of its values. Empty arrays and objects are dropped unless `include_empty` is set.',
  params: [
    { name: 'include_empty', type: 'bool', default: false, description: 'Whether to keep empty objects and arrays.' },
  ],
  examples: [
    ['root = this.collapse()', '{"a":[{"b":1},{"b":{}}],"c":null}', '{"a.0.b":1,"c":null}'],
    ['root = this.collapse(include_empty: true)', '{"a":[{"b":1},{"b":{}}]}', '{"a.0.b":1,"a.1.b":{}}'],
  ],
  create([includeEmpty]) {
    return target => {
      if (!isArray(target) && !isObject(target)) throw new MappingError('not an object or array')
      const collapsed: Record<string, Value> = {}
      collapseInto(collapsed, target, includeEmpty === true)
      return collapsed
    }
  },
})

/** Nested values are queued in a list, because a document may be too deep for the stack. */
function collapseInto(collapsed: Record<string, Value>, root: Value, includeEmpty: boolean): void {
  const open: { readonly path: string; readonly value: Value }[] = [{ path: '', value: root }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { path, value } = next
    const prefix = path === '' ? '' : `${path}.`
    const keys = isArray(value) ? null : isObject(value) ? Object.keys(value) : undefined
    if (keys === undefined) {
      setOwn(collapsed, path, value)
      continue
    }
    // An array without keys, an object with keys.
    const elements = keys === null ? (value as readonly Value[]) : keys.map(key => (value as ValueObject)[key]!)
    if (elements.length === 0 && includeEmpty) setOwn(collapsed, path, asStored(value))
    for (let at = elements.length - 1; at >= 0; at--) {
      open.push({ path: prefix + (keys === null ? at : keys[at]!), value: elements[at]! })
    }
  }
}
