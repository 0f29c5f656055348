import { utf8Length } from '../../text/bytes.ts'
import { stringOrBytes } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'index_of',
  categories: ['String Manipulation'],
  status: 'stable',
  description: 'Returns the byte position of the first occurrence of the argument in a string, or `-1`.',
  params: [{ name: 'value', type: 'string', description: 'The string to look for.' }],
  examples: [
    ['root.index = this.thing.index_of("bar")', '{"thing":"foobar"}', '{"index":3}'],
    ['root.index = this.thing.index_of("bar")', '{"thing":"éa"}', '{"index":-1}'],
  ],
  create:
    ([value]) =>
    target => {
      const text = stringOrBytes(target)
      const at = text.indexOf(value)
      return at <= 0 ? BigInt(at) : BigInt(utf8Length(text.slice(0, at)))
    },
})
