import { WrongTypeError } from '../../errors.ts'
import { sanitize } from '../../data/coerce.ts'
import { MAX_INT64, MIN_INT64 } from '../../data/parse-number.ts'
import { Float } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'abs',
  categories: ['Number Manipulation'],
  status: 'stable',
  description: 'Returns the absolute value of a number. The smallest 64-bit integer becomes the largest.',
  params: [],
  bareErrors: true,
  examples: [['root.outs = this.ins.map_each(n -> n.abs())', '{"ins":[9,-18,-4.56]}', '{"outs":[9,18,4.56]}']],
  create() {
    return target => {
      const number = sanitize(target)
      if (number instanceof Float) return new Float(Math.abs(number.value))
      if (typeof number !== 'bigint') throw new WrongTypeError(['number', 'integer'], target)
      if (number === MIN_INT64) return MAX_INT64
      return number < 0n ? -number : number
    }
  },
})
