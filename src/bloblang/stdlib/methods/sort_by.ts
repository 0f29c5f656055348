import { expectArray } from '../../data/coerce.ts'
import { fromQuery, within } from '../../data/errors.ts'
import { compareScalars, type Less, sortElements } from '../../data/sort.ts'
import { defineMethod, type Query, type Value } from '../spec.ts'

export default defineMethod({
  name: 'sort_by',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description:
    'Sorts the elements of an array in ascending order of the number or string that a query yields for each.',
  params: [{ name: 'query', type: 'query', description: 'Yields the value to sort an element by.' }],
  bareErrors: 'messages',
  examples: [
    [
      'root.sorted = this.foo.sort_by(x -> x.id)',
      '{"foo":[{"id":"b"},{"id":"a"}]}',
      '{"sorted":[{"id":"a"},{"id":"b"}]}',
    ],
  ],
  create([argument]) {
    const query = argument
    return target => {
      const keyed = expectArray(target).map((element): Keyed => ({ element, key: undefined }))
      return sortElements(keyed, lessByKey(query)).map(({ element }) => element)
    }
  },
})

/** The key is computed when the element is first compared; in an array of one element it never is. */
interface Keyed {
  readonly element: Value
  key: Value | undefined
}

function lessByKey(query: Query): Less<Keyed> {
  const keyOf = (keyed: Keyed): Value => (keyed.key ??= query(keyed.element))
  const wrap = (prefix: string, error: unknown) => within(prefix, fromQuery(query, error))
  return (elements, first, second) => {
    const left = keyOf(elements[first]!)
    const right = keyOf(elements[second]!)
    return compareScalars(left, right, `sort_by element ${first}`, `sort_by element ${second}`, wrap)
  }
}
