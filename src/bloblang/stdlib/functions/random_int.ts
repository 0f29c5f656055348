import { MappingError } from '../../errors.ts'
import { toInt64 } from '../../data/coerce.ts'
import { within } from '../../data/errors.ts'
import { MAX_INT64 } from '../../data/parse-number.ts'
import { SeededRandom } from '../../data/seeded-random.ts'
import { type CallContext, defineFunction, type Query, type Value } from '../spec.ts'

export default defineFunction({
  name: 'random_int',
  categories: ['General'],
  status: 'stable',
  description:
    'Returns a pseudo-random integer from `min` to `max`, inclusive, which must be constants. The same seed produces the same sequence, and the seed defaults to 0; use `random_int(timestamp_unix_nano())` for numbers that differ between runs. The seed is evaluated once, on the first call.',
  params: [
    { name: 'seed', type: 'query', default: 0n, description: 'The seed of the sequence.' },
    { name: 'min', type: 'integer', default: 0n, static: true, description: 'The smallest number.' },
    { name: 'max', type: 'integer', default: MAX_INT64 - 1n, static: true, description: 'The largest number.' },
  ],
  examples: [
    ['root.fits = range(0, 9).map_each(random_int(1, 5, 7)).all(n -> n >= 5 && n <= 7)', '{}', '{"fits":true}'],
  ],
  create([seed, minArgument, maxArgument]) {
    const min = minArgument
    const max = maxArgument
    if (min < 0n) throw new MappingError(`min (${min}) must be a positive number`)
    if (max < min) throw new MappingError(`min (${min}) must be smaller or equal than max (${max})`)
    if (max === MAX_INT64) {
      throw new MappingError(`max must be smaller than the max allowed for an int64 (${MAX_INT64})`)
    }
    let generator: SeededRandom | null = null
    return call => {
      generator ??= new SeededRandom(readSeed(seed, call))
      return generator.below(max - min + 1n) + min
    }
  },
})

function readSeed(seed: Query | Value, call: CallContext): bigint {
  try {
    // A call in a mapping always has a context.
    return toInt64(typeof seed === 'function' ? seed(call.context as Value) : seed)
  } catch (error) {
    // The original reduces this error to its text.
    throw new MappingError(within('failed to seed random number generator', error).message)
  }
}
