import { WrongTypeError } from '../../errors.ts'
import { isArray } from '../../data/coerce.ts'
import { fromQuery, within } from '../../data/errors.ts'
import { fieldContext } from '../../data/iterate.ts'
import { DELETED, NOTHING, isObject, setOwn } from '../../value.ts'
import { defineMethod, type Query, type Value } from '../spec.ts'

export default defineMethod({
  name: 'map_each',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description:
    'Replaces each element of an array, or the value of each field of an object, with the result of a query. For fields, the query receives an object with `key` and `value`. `deleted()` removes the element; a query that yields nothing leaves it unchanged.',
  params: [{ name: 'query', type: 'query', description: 'Yields the new element.' }],
  examples: [
    [
      'root.nums = this.nums.map_each(n -> if n < 10 { deleted() } else { n - 10 })',
      '{"nums":[3,11,4,17]}',
      '{"nums":[1,7]}',
    ],
    ['root = this.map_each(field -> field.key + field.value)', '{"a":"b"}', '{"a":"ab"}'],
  ],
  create([argument]) {
    const query = argument
    return target => {
      if (isArray(target)) return mapElements(target, query)
      if (!isObject(target)) throw new WrongTypeError(['array'], target)
      const mapped: Record<string, Value> = {}
      for (const key of Object.keys(target)) {
        const value = target[key]!
        const result = mapOne(query, fieldContext(key, value), key)
        if (result !== DELETED) setOwn(mapped, key, result === NOTHING ? value : result)
      }
      return mapped
    }
  },
})

function mapElements(elements: readonly Value[], query: Query): readonly Value[] {
  const mapped: Value[] = []
  for (let at = 0; at < elements.length; at++) {
    const element = elements[at]!
    const result = mapOne(query, element, at)
    if (result !== DELETED) mapped.push(result === NOTHING ? element : result)
  }
  return mapped
}

function mapOne(query: Query, context: Value, place: string | number): Value {
  try {
    return query(context)
  } catch (error) {
    throw within(`failed to process element ${place}`, fromQuery(query, error))
  }
}
