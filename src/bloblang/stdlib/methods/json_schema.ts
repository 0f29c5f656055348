import { MappingError } from '../../errors.ts'
import { parseJsonSchema } from '../../data/json-schema/index.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'json_schema',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description:
    'Returns the value unchanged if it matches a JSON schema of draft 4, 6 or 7; otherwise fails with one line per violation. To keep the schema in a file, load it with `file`.',
  params: [{ name: 'schema', type: 'string', description: 'The schema.' }],
  examples: [
    ['root = this.json_schema("""{"properties":{"foo":{"type":"string"}}}""")', '{"foo":"bar"}', '{"foo":"bar"}'],
    [
      'root = this.json_schema("""{"properties":{"foo":{"type":"string"}}}""")',
      '{"foo":5}',
      { error: 'failed assignment (line 1): field `this`: foo invalid type. expected: string, given: integer' },
    ],
  ],
  create([text]) {
    const schema = parseJsonSchema(text)
    return target => {
      const explanation = schema.explain(target)
      if (explanation !== null) throw new MappingError(explanation)
      return target
    }
  },
})
