import { compileRe2 } from '../../text/re2/re2.ts'
import { groupObject } from '../../text/re2/group-object.ts'
import { stringOrBytes } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 're_find_object',
  categories: ['Regular Expressions'],
  status: 'stable',
  description:
    'Returns the first match of a regular expression as an object with one field per group, named after the group or, if it has no name, its number. Field `0` is the whole match.',
  params: [
    {
      name: 'pattern',
      type: 'string',
      description: 'The pattern, in [RE2 syntax](https://github.com/google/re2/wiki/Syntax).',
    },
  ],
  examples: [
    [
      'root.matches = this.value.re_find_object("a(?P<foo>x*)b")',
      '{"value":"-axxb-ab-"}',
      '{"matches":{"0":"axxb","foo":"xx"}}',
    ],
  ],
  create: ([pattern]) => {
    const expression = compileRe2(pattern)
    return target => {
      const spans = expression.match(stringOrBytes(target))
      return spans === undefined ? {} : groupObject(expression, target, spans)
    }
  },
})
