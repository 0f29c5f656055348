import { isArray } from '../../data/coerce.ts'
import { MappingError, WrongTypeError } from '../../errors.ts'
import { utf8Bytes, utf8Length, utf8Text } from '../../text/bytes.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'slice',
  categories: ['String Manipulation', 'Object & Array Manipulation'],
  status: 'stable',
  description:
    'Returns the part of a string (counted in bytes) or an array from `low` up to, but not including, `high`. Negative bounds count from the end. The bracket form `this.value[0:2]` also takes a step, and counts strings in characters.',
  params: [
    { name: 'low', type: 'integer', description: 'The first position.' },
    {
      name: 'high',
      type: 'integer',
      description: 'The position after the last one; if omitted, the end.',
      optional: true,
    },
  ],
  examples: [
    [
      'root.beginning = this.value.slice(0, 2)\nroot.end = this.value.slice(-4)',
      '{"value":"foo bar"}',
      '{"beginning":"fo","end":" bar"}',
    ],
    ['root.the_rest = this.value.slice(0, -2)', '{"value":["foo","bar","baz"]}', '{"the_rest":["foo"]}'],
  ],
  create: args => {
    const [low, high] = args
    if (high !== undefined && high > 0n && low >= high) {
      throw new MappingError(`lower slice bound ${low} must be lower than upper (${high})`)
    }
    const bounds = boundsWithin(low, high)
    return target => {
      if (typeof target === 'string') return sliceText(target, bounds)
      if (target instanceof Uint8Array) return target.subarray(...bounds(target.length))
      if (isArray(target)) return target.slice(...bounds(target.length))
      throw new WrongTypeError(['array', 'string'], target)
    }
  },
})

/** The start and end of a slice for a given length. */
type Bounds = (length: number) => [start: number, end: number]

function sliceText(text: string, bounds: Bounds): string {
  const length = utf8Length(text)
  const [start, end] = bounds(length)
  return length === text.length ? text.slice(start, end) : utf8Text(utf8Bytes(text).subarray(start, end))
}

function boundsWithin(lowBound: bigint, highBound: bigint | undefined): Bounds {
  const low = Number(lowBound)
  const high = Number(highBound)
  return length => {
    const end = highBound === undefined ? length : Math.max(0, Math.min(length, high < 0 ? length + high : high))
    const start = low < 0 ? Math.max(0, length + low) : low
    if (start > end) {
      const lower = low < 0 ? start : lowBound
      throw new MappingError(
        `lower slice bound ${lower} must be lower than or equal to upper bound (${end}) and target length (${length})`,
      )
    }
    return [start, end]
  }
}
