import { WrongTypeError } from '../../errors.ts'
import { getNumber, isArray, sanitize } from '../../data/coerce.ts'
import { within } from '../../data/errors.ts'
import { Float, isNumber } from '../../value.ts'
import { defineMethod, type Value } from '../spec.ts'

export default defineMethod({
  name: 'sum',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description: 'Adds up the numbers of an array as 64-bit floats. A single number is returned unchanged.',
  params: [],
  bareErrors: 'messages',
  examples: [['root.sum = this.foo.sum()', '{"foo":[3,8,4.5]}', '{"sum":15.5}']],
  create() {
    return target => {
      if (isArray(target)) return new Float(total(target))
      if (isNumber(sanitize(target))) return target
      throw new WrongTypeError(['array'], target)
    }
  },
})

/** If several elements are not numbers, the last one is reported. */
function total(elements: readonly Value[]): number {
  let sum = 0
  let failure: Error | object | null = null
  for (let at = 0; at < elements.length; at++) {
    try {
      sum += getNumber(elements[at]!)
    } catch (error) {
      failure = within(`index ${at}`, error)
    }
  }
  if (failure !== null) throw failure
  return sum
}
