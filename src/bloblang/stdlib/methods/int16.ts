import { toNarrowInt } from '../../data/narrow.ts'
import { NarrowInteger } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'int16',
  categories: ['Number Manipulation'],
  status: 'stable',
  description:
    'Converts a number, or a string in Go number syntax (`0x1F`, `0b101`, `1_000`), to a 16-bit signed integer. It does not round: a number that has a fraction or is out of range is an error, so call `round` first where needed.',
  params: [],
  bareErrors: true,
  examples: [
    ['root = this.int16()', '"0xDE"', '222'],
    ['root.n = this.n.int16()', '{"n":-12}', '{"n":-12}'],
  ],
  create() {
    return target => new NarrowInteger(toNarrowInt(target, 16), 'int16')
  },
})
