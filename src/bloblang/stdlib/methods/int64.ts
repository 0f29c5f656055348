import { toInt64 } from '../../data/coerce.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'int64',
  categories: ['Number Manipulation'],
  status: 'stable',
  description:
    'Turns a number, or a text in the syntax of numbers in Go (`0x1F`, `0b101`, `1_000`), into a 64-bit signed integer. It never rounds: what has decimals or does not fit is an error, so `round` it first.',
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
