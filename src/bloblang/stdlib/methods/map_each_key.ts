import { WrongTypeError } from '../../errors.ts'
import { expectObject } from '../../data/coerce.ts'
import { within } from '../../data/errors.ts'
import { NOTHING, setOwn, type Value } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'map_each_key',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description:
    'Replaces each key of an object with the result of a query, which must be a string; a query that yields nothing leaves the key unchanged.',
  params: [{ name: 'query', type: 'query', description: 'Yields the new key.' }],
  examples: [
    ['root = this.map_each_key(key -> key.uppercase())', '{"a":1,"b":2}', '{"A":1,"B":2}'],
    ['root = this.map_each_key(key -> if key == "a" { "_a" })', '{"a":1,"b":2}', '{"_a":1,"b":2}'],
  ],
  create([query]) {
    return target => {
      const object = expectObject(target)
      const renamed: Record<string, Value> = {}
      for (const key of Object.keys(object)) {
        const result = query(key)
        if (result !== NOTHING && typeof result !== 'string') {
          throw within('unexpected result from key mapping', new WrongTypeError(['string'], result))
        }
        setOwn(renamed, result === NOTHING ? key : result, object[key]!)
      }
      return renamed
    }
  },
})
