import { toNarrowInt } from '../../data/narrow.ts'
import { NarrowInteger } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'int8',
  categories: ['Number Manipulation'],
  status: 'stable',
  description:
    'Turns a number, or a text in the syntax of numbers in Go (`0x1F`, `0b101`, `1_000`), into an 8-bit signed integer. It never rounds: what has decimals or does not fit is an error, so `round` it first.',
  params: [],
  bareErrors: true,
  examples: [
    ['root = this.int8()', '"0xD"', '13'],
    ['root.n = this.n.int8()', '{"n":-12}', '{"n":-12}'],
  ],
  create() {
    return target => new NarrowInteger(toNarrowInt(target, 8), 'int8')
  },
})
