import { utf8Length } from '../../text/bytes.ts'
import { checkSize, stringOrBytes } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'repeat',
  categories: ['String Manipulation'],
  status: 'stable',
  description: 'Repeats a string `count` times; a count of zero or less returns an empty string.',
  params: [{ name: 'count', type: 'integer', description: 'The number of copies.' }],
  examples: [['root.fruit = this.fruit + "na".repeat(2)', '{"fruit":"ba"}', '{"fruit":"banana"}']],
  create: ([count]) => {
    const copies = Math.max(0, Number(count))
    return target => {
      if (target instanceof Uint8Array) {
        checkSize(target.length * copies, 'the repeated bytes')
        return new Uint8Array(Buffer.concat(Array.from({ length: target.length === 0 ? 0 : copies }, () => target)))
      }
      const text = stringOrBytes(target)
      checkSize(utf8Length(text) * copies, 'the repeated string')
      return text === '' ? '' : text.repeat(copies)
    }
  },
})
