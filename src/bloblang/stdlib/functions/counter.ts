import { MappingError } from '../../errors.ts'
import { getInt, toInt64 } from '../../data/coerce.ts'
import { within } from '../../data/errors.ts'
import { MAX_INT64 } from '../../data/parse-number.ts'
import { DELETED, NOTHING } from '../../value.ts'
import { type CallContext, defineFunction, type Query, type Value } from '../spec.ts'

export default defineFunction({
  name: 'counter',
  categories: ['General'],
  status: 'experimental',
  description:
    'Returns a number that increases by one with each call, from `min` to `max`, then starts over at `min`. Each call site in a mapping has a separate count; the bounds are evaluated once, on the first call.',
  params: [
    { name: 'min', type: 'query', default: 1n, description: 'The first value.' },
    { name: 'max', type: 'query', default: MAX_INT64, description: 'The last value before it starts over.' },
    {
      name: 'set',
      type: 'query',
      optional: true,
      description:
        'Evaluated on each call. A number becomes the count and is returned; `null` returns the count without increasing it; `deleted()` starts over at `min`; no value continues counting.',
    },
  ],
  examples: [
    ['root.id = counter()', '{}', '{"id":1}'],
    ['root.ids = [counter(min: 5), counter(set: 3)]', '{}', '{"ids":[5,3]}'],
  ],
  create([minQuery, maxQuery, setQuery]) {
    let range: { readonly min: bigint; readonly max: bigint } | null = null
    let last = 0n
    return call => {
      if (range === null) {
        range = readRange(minQuery, maxQuery, call)
        last = range.min - 1n
      }
      const set = setQuery === undefined ? NOTHING : ask('set', setQuery, call, value => value)
      if (set === null) return last
      if (set === DELETED) last = range.min - 1n
      else if (set !== NOTHING) {
        last = ask('set', set, call, getInt)
        return last
      }
      last += 1n
      const next = last
      if (next >= range.max) last = range.min - 1n
      return next
    }
  },
})

function readRange(minQuery: Query | Value, maxQuery: Query | Value, call: CallContext) {
  const min = ask('min', minQuery, call, toInt64)
  if (min < 0n) throw new MappingError(`min argument must be >0, got ${min}`)
  const max = ask('max', maxQuery, call, toInt64)
  if (max < 0n || max <= min) throw new MappingError(`max argument must be >0 and >min, got ${max}`)
  return { min, max }
}

function ask<T>(name: string, query: Query | Value, call: CallContext, read: (value: Value) => T): T {
  try {
    // A call in a mapping always has a context.
    return read(typeof query === 'function' ? query(call.context as Value) : query)
  } catch (error) {
    throw within(`failed to resolve ${name} argument`, error)
  }
}
