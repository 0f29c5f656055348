import { isObject } from '../../value.ts'
import { MappingError, WrongTypeError } from '../../errors.ts'
import { isArray } from '../../data/coerce.ts'
import { defineMethod, type Value } from '../spec.ts'

export default defineMethod({
  name: 'not_empty',
  categories: ['Type Coercion'],
  status: 'stable',
  description: 'Returns a string, array or object unchanged; fails if it is empty.',
  params: [],
  examples: [
    ['root.a = this.a.not_empty()', '{"a":"foo"}', '{"a":"foo"}'],
    [
      'root.a = this.a.not_empty()',
      '{"a":[]}',
      { error: 'failed assignment (line 1): field `this.a`: array value is empty' },
    ],
  ],
  create() {
    return target => {
      if (typeof target === 'string') return full(target, target === '', 'string')
      if (isArray(target)) return full(target, target.length === 0, 'array')
      if (isObject(target)) return full(target, Object.keys(target).length === 0, 'object')
      throw new WrongTypeError(['string', 'array', 'object'], target)
    }
  },
})

function full(value: Value, isEmpty: boolean, kind: string): Value {
  if (isEmpty) throw new MappingError(`${kind} value is empty`)
  return value
}
