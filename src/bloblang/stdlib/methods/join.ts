import { WrongTypeError } from '../../errors.ts'
import { expectArray } from '../../data/coerce.ts'
import { within } from '../../data/errors.ts'
import { utf8Text } from '../../text/bytes.ts'
import { defineMethod, type Value } from '../spec.ts'

export default defineMethod({
  name: 'join',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description: 'Joins an array of strings into one string, with an optional delimiter between them.',
  params: [
    { name: 'delimiter', type: 'string', optional: true, description: 'The string to insert between elements.' },
  ],
  examples: [
    ['root.text = this.words.join("-")', '{"words":["a","b"]}', '{"text":"a-b"}'],
    ['root.text = this.words.join()', '{"words":["a","b"]}', '{"text":"ab"}'],
  ],
  create([delimiter]) {
    return target =>
      expectArray(target)
        .map(elementText)
        .join(delimiter ?? '')
  },
})

function elementText(element: Value, at: number): string {
  if (typeof element === 'string') return element
  if (element instanceof Uint8Array) return utf8Text(element)
  throw within(`failed to join element ${at}`, new WrongTypeError(['string'], element))
}
