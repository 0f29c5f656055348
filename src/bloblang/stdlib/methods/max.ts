import { MappingError } from '../../errors.ts'
import { expectArray, getNumber } from '../../data/coerce.ts'
import { within } from '../../data/errors.ts'
import { Float } from '../../value.ts'
import { defineMethod, type Value } from '../spec.ts'

export default defineMethod({
  name: 'max',
  categories: ['Number Manipulation'],
  status: 'stable',
  description:
    'Returns the largest number of an array, as a float. An empty array, or an element that is no number, is an error.',
  params: [],
  examples: [['root.n = this.values.max()', '{"values":[0,3,-2.5,7,5]}', '{"n":7}']],
  create() {
    return target => {
      const numbers = expectArray(target).map(elementNumber)
      if (numbers.length === 0) throw new MappingError('the array was empty')
      return new Float(numbers.reduce((best, number) => (number > best ? number : best)))
    }
  },
})

function elementNumber(element: Value, at: number): number {
  try {
    return getNumber(element)
  } catch (error) {
    throw within(`index ${at} of array`, error)
  }
}
