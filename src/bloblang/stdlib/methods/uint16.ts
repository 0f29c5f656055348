import { toNarrowUint } from '../../data/narrow.ts'
import { NarrowInteger } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'uint16',
  categories: ['Number Manipulation'],
  status: 'stable',
  description:
    'Converts a number, or a string in Go number syntax (`0x1F`, `0b101`, `1_000`), to a 16-bit unsigned integer. It does not round: a number that has a fraction or is out of range is an error, so call `round` first where needed.',
  params: [],
  bareErrors: true,
  examples: [
    ['root = this.uint16()', '"0xDE"', '222'],
    [
      'root.n = this.n.uint16()',
      '{"n":-1}',
      {
        error: 'failed assignment (line 1): signed integer value is negative and cannot be cast as an unsigned integer',
      },
    ],
  ],
  create() {
    return target => new NarrowInteger(toNarrowUint(target, 16), 'uint16')
  },
})
