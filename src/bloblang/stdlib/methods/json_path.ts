import { parseJsonPath } from '../../data/json-path/parse.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'json_path',
  categories: ['Object & Array Manipulation'],
  status: 'experimental',
  description:
    'Evaluates a JSONPath expression on the value. A path with `*`, `..`, a slice, a filter or several keys returns an array of all matches, any other path a single value. Paths can be combined with arithmetic, logic, `=~` for regular expressions, `in`, `??` and `? :`. Numbers from a document are treated as strings.',
  params: [{ name: 'expression', type: 'string', description: 'The JSONPath expression.' }],
  bareErrors: true,
  examples: [
    ['root.names = this.json_path("$..name")', '{"name":"alice","foo":{"name":"bob"}}', '{"names":["alice","bob"]}'],
    [
      'root.texts = this.json_path("$.body[?(@.type==\'text\')].id")',
      '{"body":[{"type":"image","id":1},{"type":"text","id":2}]}',
      '{"texts":[2]}',
    ],
  ],
  create([expression]) {
    return parseJsonPath(expression)
  },
})
