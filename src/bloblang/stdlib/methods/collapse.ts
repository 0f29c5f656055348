import { MappingError } from '../../errors.ts'
import { isArray, isObjectValue } from '../../data/coerce.ts'
import { type ObjectDraft, setField } from '../../data/objects.ts'
import { defineMethod, type Value } from '../spec.ts'

export default defineMethod({
  name: 'collapse',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description:
    'Flattens a document into one object whose keys are the full dot paths of its values. Empty arrays and objects vanish unless they are asked for.',
  params: [
    { name: 'include_empty', type: 'bool', default: false, description: 'Whether to keep empty objects and arrays.' },
  ],
  examples: [
    ['root = this.collapse()', '{"a":[{"b":1},{"b":{}}],"c":null}', '{"a.0.b":1,"c":null}'],
    ['root = this.collapse(include_empty: true)', '{"a":[{"b":1},{"b":{}}]}', '{"a.0.b":1,"a.1.b":{}}'],
  ],
  create([includeEmpty]) {
    return target => {
      if (!isArray(target) && !isObjectValue(target)) throw new MappingError('not an object or array')
      const collapsed: ObjectDraft = {}
      collapseInto(collapsed, '', target, includeEmpty === true)
      return collapsed
    }
  },
})

function collapseInto(collapsed: ObjectDraft, path: string, value: Value, includeEmpty: boolean): void {
  if (!isArray(value) && !isObjectValue(value)) return setField(collapsed, path, value)
  const prefix = path === '' ? '' : `${path}.`
  if (isArray(value)) {
    for (let at = 0; at < value.length; at++) collapseInto(collapsed, prefix + at, value[at]!, includeEmpty)
    if (value.length > 0) return
  } else {
    const keys = Object.keys(value)
    for (const key of keys) collapseInto(collapsed, prefix + key, value[key]!, includeEmpty)
    if (keys.length > 0) return
  }
  if (includeEmpty) setField(collapsed, path, value)
}
