import { compileRe2, groupText } from '../../text/re2/re2.ts'
import { stringOrBytes } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 're_find_all_submatch',
  categories: ['Regular Expressions'],
  status: 'stable',
  description: 'Returns all matches of a regular expression, each as an array of the whole match and its groups.',
  params: [
    {
      name: 'pattern',
      type: 'string',
      description: 'The pattern, in [RE2 syntax](https://github.com/google/re2/wiki/Syntax).',
    },
  ],
  examples: [
    [
      'root.matches = this.value.re_find_all_submatch("a(x*)b")',
      '{"value":"-axxb-ab-"}',
      '{"matches":[["axxb","xx"],["ab",""]]}',
    ],
  ],
  create: ([pattern]) => {
    const expression = compileRe2(pattern)
    return target => {
      const text = stringOrBytes(target)
      return expression
        .matchAll(text)
        .map(spans => expression.groupNames.map((_name, group) => groupText(text, spans, group)))
    }
  },
})
