import { MappingError } from '../../errors.ts'
import { expectArray } from '../../data/coerce.ts'
import { defineMethod, type Value } from '../spec.ts'

export default defineMethod({
  name: 'zip',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description: 'Combines the array with arrays of the same length into an array of tuples.',
  params: [],
  variadic: true,
  bareErrors: true,
  examples: [['root.foo = this.a.zip(this.b)', '{"a":["x","y"],"b":[1,2]}', '{"foo":[["x",1],["y",2]]}']],
  create(args) {
    const others: (readonly Value[])[] = []
    for (const argument of args) {
      const other = expectArray(argument as Value) // arguments of a variadic method are values
      if (other.length !== (others[0] ?? other).length) throw lengthError()
      others.push(other)
    }
    return target => {
      const elements = expectArray(target)
      if (others.length === 0) throw new MappingError('zip requires at least one argument')
      if (elements.length !== others[0]!.length) throw lengthError()
      return elements.map((element, at): Value => {
        const zipped: Value[] = [element]
        for (const other of others) zipped.push(other[at]!)
        return zipped
      })
    }
  },
})

function lengthError(): MappingError {
  return new MappingError("can't zip different length array values")
}
