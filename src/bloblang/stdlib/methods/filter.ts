import { isObject, setOwn, type Value } from '../../value.ts'
import { WrongTypeError } from '../../errors.ts'
import { isArray } from '../../data/coerce.ts'
import { fieldContext } from '../../data/iterate.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'filter',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description:
    'Keeps the elements of an array, or the fields of an object, for which a query yields `true`. For fields, the query receives an object with `key` and `value`. Any other result, including one that is not a boolean, drops the element.',
  params: [{ name: 'test', type: 'query', description: 'The query to evaluate for each element.' }],
  examples: [
    ['root.big = this.nums.filter(n -> n > 10)', '{"nums":[3,11,4,17]}', '{"big":[11,17]}'],
    ['root = this.filter(field -> field.key.has_prefix("a"))', '{"ab":1,"b":2}', '{"ab":1}'],
  ],
  create([test]) {
    const query = test
    return target => {
      if (isArray(target)) return target.filter(element => query(element) === true)
      if (!isObject(target)) throw new WrongTypeError(['array', 'object'], target)
      const kept: Record<string, Value> = {}
      for (const key of Object.keys(target)) {
        const value = target[key]!
        if (query(fieldContext(key, value)) === true) setOwn(kept, key, value)
      }
      return kept
    }
  },
})
