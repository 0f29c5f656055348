import { MappingError } from '../../errors.ts'
import { defineFunction } from '../spec.ts'

const MAX_ELEMENTS = 10_000_000n

export default defineFunction({
  name: 'range',
  categories: ['General'],
  status: 'stable',
  description:
    'Returns the integers from `start` up to, but not including, `stop`, in increments of `step`. A negative step counts down.',
  params: [
    { name: 'start', type: 'integer', description: 'The first number.' },
    { name: 'stop', type: 'integer', description: 'The exclusive bound.' },
    { name: 'step', type: 'integer', default: 1n, description: 'The increment.' },
  ],
  examples: [
    ['root.a = range(0, this.max)', '{"max":3}', '{"a":[0,1,2]}'],
    ['root.a = range(0, 10, 3)', '{}', '{"a":[0,3,6]}'],
    ['root.a = range(0, -6, -2)', '{}', '{"a":[0,-2,-4]}'],
  ],
  create(args) {
    const [start, stop, step] = args
    if (step === 0n) throw new MappingError('step must be greater than or less than 0')
    if (step < 0n && stop > start) {
      throw new MappingError(`with negative step arg stop (${stop}) must be <= start (${start})`)
    }
    if (step > 0n && start >= stop) {
      throw new MappingError(`with positive step arg start (${start}) must be < stop (${stop})`)
    }
    const count = (stop - start) / step
    if (count > MAX_ELEMENTS) throw new MappingError(`a range of ${count} elements is too large`)
    const elements = Array.from({ length: Number(count) }, (_, at) => start + step * BigInt(at))
    return () => elements
  },
})
