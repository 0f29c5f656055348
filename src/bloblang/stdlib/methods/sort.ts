import { MappingError, WrongTypeError } from '../../errors.ts'
import { expectArray } from '../../data/coerce.ts'
import { describeWrongType } from '../../data/errors.ts'
import { compareScalars, type Less, sortElements } from '../../data/sort.ts'
import { defineMethod, type Query, type Value } from '../spec.ts'

export default defineMethod({
  name: 'sort',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description:
    'Sorts an array of numbers or strings in ascending order. For other elements or another order, pass a query that receives an object with `left` and `right` and yields whether `left` comes first.',
  params: [
    { name: 'compare', type: 'query', optional: true, description: 'Yields whether `left` comes before `right`.' },
  ],
  bareErrors: 'messages',
  examples: [
    ['root.sorted = this.foo.sort()', '{"foo":["b","c","a"]}', '{"sorted":["a","b","c"]}'],
    [
      'root.sorted = this.foo.sort(item -> item.left.v > item.right.v)',
      '{"foo":[{"v":1},{"v":3},{"v":2}]}',
      '{"sorted":[{"v":3},{"v":2},{"v":1}]}',
    ],
  ],
  create([compare]) {
    const less = compare === undefined ? lessScalar : lessByQuery(compare)
    return target => sortElements(expectArray(target), less)
  },
})

const lessScalar: Less<Value> = (elements, first, second) =>
  compareScalars(elements[first]!, elements[second]!, `sort element ${first}`, `sort element ${second}`)

function lessByQuery(query: Query): Less<Value> {
  return (elements, first, second) => {
    const answer = query({ left: elements[first]!, right: elements[second]! })
    if (typeof answer === 'boolean') return answer
    throw new MappingError(describeWrongType(new WrongTypeError(['bool'], answer), 'sort argument'), 'closed')
  }
}
