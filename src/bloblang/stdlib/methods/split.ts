import { isArray } from '../../data/coerce.ts'
import { MappingError, WrongTypeError } from '../../errors.ts'
import { utf8Bytes, utf8Text, withReplacements } from '../../text/bytes.ts'
import { goTypeName } from '../../text/go-value.ts'
import { segments } from '../../text/segments.ts'
import type { Value } from '../../value.ts'
import { equals } from '../../data/equality.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'split',
  categories: ['String Manipulation', 'Object & Array Manipulation'],
  status: 'stable',
  description: 'Splits a string or an array at each occurrence of a delimiter, which is not part of the result.',
  params: [
    {
      name: 'delimiter',
      type: 'unknown',
      description: 'The delimiter: a string for strings, any value for arrays.',
    },
  ],
  examples: [
    ['root.words = this.value.split(",")', '{"value":"foo,bar,baz"}', '{"words":["foo","bar","baz"]}'],
    ['root.parts = this.mixed.split(0)', '{"mixed":[1,"a",0,"b"]}', '{"parts":[[1,"a"],["b"]]}'],
  ],
  create: ([delimiter]) => {
    const separator = delimiter
    return target => {
      if (typeof target === 'string') return splitText(target, separator, target)
      if (target instanceof Uint8Array) return splitText(utf8Text(target), separator, target).map(utf8Bytes)
      if (isArray(target)) return segments(target, element => equals(separator, element))
      throw new WrongTypeError(['string', 'array', 'bytes'], target)
    }
  },
})

function splitText(text: string, separator: Value, target: Value): string[] {
  if (typeof separator !== 'string') {
    const types = `${goTypeName(separator)} must match type of list elements: ${goTypeName(target)}`
    throw new MappingError(`delimiter type: ${types}`)
  }
  return separator === '' ? Array.from(withReplacements(text)) : text.split(separator)
}
