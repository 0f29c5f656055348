import { toNarrowInt } from '../../data/narrow.ts'
import { NarrowInteger } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'int32',
  categories: ['Number Manipulation'],
  status: 'stable',
  description:
    'Converts a number, or a string in Go number syntax (`0x1F`, `0b101`, `1_000`), to a 32-bit signed integer. It does not round: a number that has a fraction or is out of range is an error, so call `round` first where needed.',
  params: [],
  bareErrors: true,
  examples: [
    ['root = this.int32()', '"0xDEAD"', '57005'],
    ['root.n = this.n.int32()', '{"n":-12}', '{"n":-12}'],
  ],
  create() {
    return target => new NarrowInteger(toNarrowInt(target, 32), 'int32')
  },
})
