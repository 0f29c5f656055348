import { isArray } from '../../data/coerce.ts'
import { WrongTypeError } from '../../errors.ts'
import { withReplacements } from '../../text/bytes.ts'
import { within } from '../../data/errors.ts'
import { segments } from '../../text/segments.ts'
import { NarrowInteger, type Value } from '../../value.ts'
import { defineMethod, type Query } from '../spec.ts'

export default defineMethod({
  name: 'split_by',
  categories: ['String Manipulation', 'Object & Array Manipulation'],
  status: 'experimental',
  description:
    'Splits a string at the characters, or an array at the elements, for which a query yields `true`; those are not part of the result.',
  params: [{ name: 'predicate', type: 'query', description: 'The query to evaluate for each character or element.' }],
  examples: [
    [
      'root.words = this.sentence.split_by(c -> c == " ")',
      '{"sentence":"Hello there!"}',
      '{"words":["Hello","there!"]}',
    ],
    [
      'root.segments = this.numbers.split_by(x -> x > 50)',
      '{"numbers":[1,2,100,3,4,200,5]}',
      '{"segments":[[1,2],[3,4],[5]]}',
    ],
  ],
  create: ([predicate]) => {
    const splitsAt = predicate
    return target => {
      if (typeof target === 'string') return splitText(target, splitsAt)
      if (target instanceof Uint8Array) return splitBytes(target, splitsAt)
      if (isArray(target)) return segments(target, (element, at) => ask(splitsAt, element, `index ${at}`))
      throw new WrongTypeError(['string', 'array', 'bytes'], target)
    }
  },
})

function splitText(text: string, splitsAt: Query): string[] {
  const parts: string[] = []
  let part = ''
  for (const [at, rune] of Array.from(withReplacements(text)).entries()) {
    if (ask(splitsAt, rune, `character at position ${at}`)) {
      parts.push(part)
      part = ''
    } else part += rune
  }
  return [...parts, part]
}

function splitBytes(bytes: Uint8Array, splitsAt: Query): Uint8Array[] {
  const parts: Uint8Array[] = []
  let start = 0
  for (const [at, byte] of bytes.entries()) {
    if (!ask(splitsAt, new NarrowInteger(BigInt(byte), 'uint8'), `byte at position ${at}`)) continue
    parts.push(bytes.subarray(start, at))
    start = at + 1
  }
  return [...parts, bytes.subarray(start)]
}

function ask(query: Query, value: Value, place: string): boolean {
  try {
    return query(value) === true
  } catch (error) {
    throw within(`predicate returned an error for ${place}`, error)
  }
}
