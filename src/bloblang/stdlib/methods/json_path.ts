import { parseJsonPath } from '../../data/json-path/parse.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'json_path',
  categories: ['Object & Array Manipulation'],
  status: 'experimental',
  description:
    'Evaluates a JSONPath on the value. A path with `*`, `..`, a slice, a filter or several keys yields an array of all that it finds, any other path one value. Paths can be part of expressions with arithmetic, logic, `=~` for regular expressions, `in`, `??` and `? :`. Numbers of a document are texts there.',
  params: [{ name: 'expression', type: 'string', description: 'The JSONPath.' }],
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
