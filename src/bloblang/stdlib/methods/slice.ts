import { MappingError, WrongTypeError } from '../../errors.ts'
import { utf8Bytes, utf8Length, utf8Text } from '../../text/bytes.ts'
import type { Value } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'slice',
  categories: ['String Manipulation', 'Object & Array Manipulation'],
  status: 'stable',
  description:
    'Cuts a part out of a string (counted in bytes) or an array: from `low` up to but without `high`. Negative bounds count from the end. The bracket form `this.value[0:2]` does the same and more.',
  params: [
    { name: 'low', type: 'integer', description: 'The first position.' },
    {
      name: 'high',
      type: 'integer',
      description: 'The position behind the last one; the end where it is absent.',
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
  create: ([lowBound, highBound]) => {
    const low = Number(lowBound)
    const high = highBound === undefined ? undefined : Number(highBound)
    if (high !== undefined && high > 0 && low >= high) {
      throw new MappingError(`lower slice bound ${low} must be lower than upper (${high})`)
    }
    return target => {
      if (typeof target === 'string') return sliceText(target, low, high)
      if (target instanceof Uint8Array) return target.subarray(...bounds(target.length, low, high))
      if (Array.isArray(target)) return (target as readonly Value[]).slice(...bounds(target.length, low, high))
      throw new WrongTypeError(['array', 'string'], target)
    }
  },
})

function sliceText(text: string, low: number, high: number | undefined): string {
  const length = utf8Length(text)
  const [start, end] = bounds(length, low, high)
  return length === text.length ? text.slice(start, end) : utf8Text(utf8Bytes(text).subarray(start, end))
}

function bounds(length: number, low: number, high: number | undefined): [number, number] {
  const end = Math.max(0, Math.min(length, high === undefined ? length : high < 0 ? length + high : high))
  const start = low < 0 ? Math.max(0, length + low) : low
  if (start > end) {
    throw new MappingError(
      `lower slice bound ${start} must be lower than or equal to upper bound (${end}) and target length (${length})`,
    )
  }
  return [start, end]
}
