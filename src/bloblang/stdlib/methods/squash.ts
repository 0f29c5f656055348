import { isObject } from '../../value.ts'
import { expectArray } from '../../data/coerce.ts'
import { joinCollision, mergeObjects } from '../../data/objects.ts'
import { defineMethod, type ValueObject } from '../spec.ts'

export default defineMethod({
  name: 'squash',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description: 'Merges an array of objects into one object, as `merge` does. Elements of other types are ignored.',
  params: [],
  bareErrors: true,
  examples: [
    [
      'root = this.places.squash()',
      '{"places":[{"WA":["Seattle"]},{"NY":["New York"]},{"WA":["Olympia"]}]}',
      '{"NY":["New York"],"WA":["Seattle","Olympia"]}',
    ],
  ],
  create() {
    return target =>
      expectArray(target).reduce<ValueObject>(
        (merged, element) => (isObject(element) ? mergeObjects(merged, element, joinCollision) : merged),
        {},
      )
  },
})
