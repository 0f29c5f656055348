import { withReplacements } from '../../text/bytes.ts'
import { stringOrBytes } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'reverse',
  categories: ['String Manipulation'],
  status: 'stable',
  description: 'Reverses a string by characters, or bytes byte by byte.',
  params: [],
  examples: [['root.reversed = this.thing.reverse()', '{"thing":"backwards"}', '{"reversed":"sdrawkcab"}']],
  create: () => target =>
    target instanceof Uint8Array
      ? target.toReversed()
      : Array.from(withReplacements(stringOrBytes(target)))
          .reverse()
          .join(''),
})
