import { MappingError } from '../../errors.ts'
import { getNumber, isArray } from '../../data/coerce.ts'
import { Float, NarrowInteger } from '../../value.ts'
import { defineFunction, type Value } from '../spec.ts'

export default defineFunction({
  name: 'cosine_similarity',
  categories: ['General'],
  status: 'stable',
  description:
    'Returns the cosine of the angle between two vectors, from -1 to 1. The vectors must have the same length, and neither may be all zeros. Convert numbers from a document with `number()` first.',
  params: [
    { name: 'a', type: 'unknown', description: 'An array of numbers.' },
    { name: 'b', type: 'unknown', description: 'An array of numbers.' },
  ],
  examples: [
    ['root.same = cosine_similarity([1, 2, 3], [2, 4, 6])', '{}', '{"same":1}'],
    ['root.same = cosine_similarity([1, 0], [0, 1])', '{}', '{"same":0}'],
  ],
  create([a, b]) {
    return () => new Float(cosine(toVector(a), toVector(b)))
  },
})

function cosine(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) throw new MappingError('vectors must be equal length')
  if (a.length === 0) throw new MappingError('vectors cannot be empty')
  let product = 0
  let squaresOfA = 0
  let squaresOfB = 0
  for (const [at, x] of a.entries()) {
    const y = b[at]!
    product += x * y
    squaresOfA += x * x
    squaresOfB += y * y
  }
  if (squaresOfA === 0 || squaresOfB === 0) throw new MappingError('vectors must not be null (all zeros)')
  return product / (Math.sqrt(squaresOfA) * Math.sqrt(squaresOfB))
}

/** Only calculated numbers are accepted: the original treats those of a document as text. */
function toVector(value: Value): readonly number[] {
  if (!isArray(value)) throw notNumeric()
  return value.map(element => {
    if (typeof element === 'bigint' || element instanceof Float || isIntOrInt32(element)) return getNumber(element)
    throw notNumeric()
  })
}

function isIntOrInt32(value: Value): boolean {
  return value instanceof NarrowInteger && (value.type === 'int' || value.type === 'int32')
}

function notNumeric(): MappingError {
  return new MappingError('vector must be an array of numeric types')
}
