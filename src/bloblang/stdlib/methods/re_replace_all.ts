import { compileRe2 } from '../../text/re2/re2.ts'
import { stringOrBytes } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 're_replace_all',
  categories: ['Regular Expressions'],
  status: 'stable',
  description:
    'Replaces all matches of a regular expression. In the replacement `$1` stands for the first group, `${name}` for a named one and `$$` for a dollar sign.',
  params: [
    {
      name: 'pattern',
      type: 'string',
      description: 'The pattern, in [RE2 syntax](https://github.com/google/re2/wiki/Syntax).',
    },
    { name: 'value', type: 'string', description: 'The replacement.' },
  ],
  examples: [
    [
      'root.new_value = this.value.re_replace_all("ADD ([0-9]+)","+($1)")',
      '{"value":"foo ADD 70"}',
      '{"new_value":"foo +(70)"}',
    ],
  ],
  create: ([pattern, template]) => {
    const expression = compileRe2(pattern)
    return target => expression.replaceAll(stringOrBytes(target), template)
  },
})
