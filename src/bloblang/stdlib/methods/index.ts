import { MappingError, WrongTypeError } from '../../errors.ts'
import { isArray } from '../../data/coerce.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'index',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description:
    'Returns the element of an array, or the byte of a byte array, at an index. A negative index counts from the end.',
  params: [{ name: 'index', type: 'integer', description: 'The index of the element.' }],
  examples: [
    ['root.last = this.names.index(-1)', '{"names":["a","b"]}', '{"last":"b"}'],
    ['root.first = this.name.bytes().index(0)', '{"name":"foo"}', '{"first":102}'],
  ],
  create([index]) {
    return target => {
      if (!isArray(target) && !(target instanceof Uint8Array)) throw new WrongTypeError(['array'], target)
      const asked = index
      const at = asked < 0n ? asked + BigInt(target.length) : asked
      if (at < 0n || at >= target.length) {
        throw new MappingError(`index '${at}' was out of bounds for array size: ${target.length}`)
      }
      return target instanceof Uint8Array ? BigInt(target[Number(at)]!) : target[Number(at)]!
    }
  },
})
