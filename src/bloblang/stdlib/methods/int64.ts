import { toInt64 } from '../../data/coerce.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'int64',
  categories: ['Number Manipulation'],
  status: 'stable',
  description:
    'Converts a number, or a string in Go number syntax (`0x1F`, `0b101`, `1_000`), to a 64-bit signed integer. It does not round: a number that has a fraction or is out of range is an error, so call `round` first where needed.',
  params: [],
  bareErrors: true,
  examples: [
    ['root = this.int64()', '"0xDEADBEEF"', '3735928559'],
    ['root.n = this.n.int64()', '{"n":-12}', '{"n":-12}'],
  ],
  create() {
    return target => toInt64(target)
  },
})
