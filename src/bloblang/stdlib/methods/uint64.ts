import { toUint64 } from '../../data/coerce.ts'
import { Uint64 } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'uint64',
  categories: ['Number Manipulation'],
  status: 'stable',
  description:
    'Converts a number, or a string in Go number syntax (`0x1F`, `0b101`, `1_000`), to a 64-bit unsigned integer. It does not round: a number that has a fraction or is out of range is an error, so call `round` first where needed.',
  params: [],
  bareErrors: true,
  examples: [
    ['root = this.uint64()', '"0xDEADBEEF"', '3735928559'],
    [
      'root.n = this.n.uint64()',
      '{"n":-1}',
      {
        error: 'failed assignment (line 1): signed integer value is negative and cannot be cast as an unsigned integer',
      },
    ],
  ],
  create() {
    return target => new Uint64(toUint64(target))
  },
})
