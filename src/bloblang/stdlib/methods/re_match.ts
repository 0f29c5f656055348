import { compileRe2 } from '../../text/re2/re2.ts'
import { stringOrBytes } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 're_match',
  categories: ['Regular Expressions'],
  status: 'stable',
  description: 'Returns whether a regular expression matches any part of a string.',
  params: [
    {
      name: 'pattern',
      type: 'string',
      description: 'The pattern, in [RE2 syntax](https://github.com/google/re2/wiki/Syntax).',
    },
  ],
  examples: [
    ['root.matches = this.value.re_match("[0-9]")', '{"value":"there are 10 puppies"}', '{"matches":true}'],
    ['root.matches = this.value.re_match("[0-9]")', '{"value":"there are ten puppies"}', '{"matches":false}'],
  ],
  create: ([pattern]) => {
    const expression = compileRe2(pattern)
    return target => expression.test(stringOrBytes(target))
  },
})
