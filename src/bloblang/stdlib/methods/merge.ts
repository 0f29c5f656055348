import { isObject } from '../../value.ts'
import { WrongTypeError } from '../../errors.ts'
import { isArray } from '../../data/coerce.ts'
import { asStored } from '../../data/empty-literals.ts'
import { joinCollision, mergeObjects } from '../../data/objects.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'merge',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description:
    'Merges an object into the target, recursively, field by field. Where both have a value, the result is an array of both values, or of their elements if they are arrays; use `assign` to let the argument win. To an array, the argument or its elements are appended.',
  params: [{ name: 'with', type: 'unknown', description: 'The value to merge into the target.' }],
  bareErrors: 'messages',
  examples: [
    ['root = this.a.merge(this.b)', '{"a":{"x":1,"y":"a"},"b":{"z":2,"y":"b"}}', '{"x":1,"y":["a","b"],"z":2}'],
    ['root = this.a.merge(this.b)', '{"a":{"x":[1]},"b":{"x":[2,3]}}', '{"x":[1,2,3]}'],
  ],
  create([source]) {
    const from = asStored(source)
    return target => {
      if (isArray(target)) return isArray(from) ? [...target, ...from] : [...target, from]
      if (!isObject(target)) throw new WrongTypeError(['object', 'array'], target)
      return isObject(from) ? mergeObjects(target, from, joinCollision) : target
    }
  },
})
