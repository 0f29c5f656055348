import { WrongTypeError } from '../../errors.ts'
import { expectArray, getNumber, sanitize } from '../../data/coerce.ts'
import { within } from '../../data/errors.ts'
import { utf8Text } from '../../text/bytes.ts'
import { isNumber } from '../../value.ts'
import { defineMethod, type Query, type Value } from '../spec.ts'

export default defineMethod({
  name: 'unique',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description:
    'Removes duplicates from an array, keeping the first of equal elements. Elements must be strings or numbers, and `"5"` differs from `5`; for other elements, pass a query that yields the value to compare.',
  params: [{ name: 'emit', type: 'query', optional: true, description: 'Yields the value to compare.' }],
  examples: [
    ['root.unique = this.foo.unique()', '{"foo":["a","b","a",1,1.0,"1"]}', '{"unique":["a","b",1,"1"]}'],
    [
      'root.unique = this.foo.unique(x -> x.id)',
      '{"foo":[{"id":1},{"id":2},{"id":1}]}',
      '{"unique":[{"id":1},{"id":2}]}',
    ],
  ],
  create([emit]) {
    return target => {
      const seen = new Set<string | number>()
      return expectArray(target).filter((element, at) => {
        const identity = identify(emit === undefined ? element : ask(emit, element, at), at)
        if (seen.has(identity)) return false
        seen.add(identity)
        return true
      })
    }
  },
})

function ask(query: Query, element: Value, at: number): Value {
  try {
    return query(element)
  } catch (error) {
    throw within(`index ${at}`, error)
  }
}

/** A string for texts and a float for numbers, as the original compares them. */
function identify(value: Value, at: number): string | number {
  const plain = sanitize(value)
  if (typeof plain === 'string') return plain
  if (plain instanceof Uint8Array) return utf8Text(plain)
  if (isNumber(plain)) return getNumber(plain)
  throw within(`index ${at}`, new WrongTypeError(['string', 'number'], value))
}
