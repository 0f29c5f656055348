import { toNarrowUint } from '../../data/narrow.ts'
import { NarrowInteger } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'uint32',
  categories: ['Number Manipulation'],
  status: 'stable',
  description:
    'Turns a number, or a text in the syntax of numbers in Go (`0x1F`, `0b101`, `1_000`), into a 32-bit unsigned integer. It never rounds: what has decimals or does not fit is an error, so `round` it first.',
  params: [],
  bareErrors: true,
  examples: [
    ['root = this.uint32()', '"0xDEAD"', '57005'],
    [
      'root.n = this.n.uint32()',
      '{"n":-1}',
      {
        error: 'failed assignment (line 1): signed integer value is negative and cannot be cast as an unsigned integer',
      },
    ],
  ],
  create() {
    return target => new NarrowInteger(toNarrowUint(target, 32), 'uint32')
  },
})
