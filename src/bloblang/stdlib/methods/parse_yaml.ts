import { stringOrBytes } from '../../text/target.ts'
import { parseYaml } from '../../text/parse-yaml.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'parse_yaml',
  categories: ['Parsing'],
  status: 'stable',
  description: 'Reads a string as one YAML document.',
  params: [],
  examples: [['root.doc = this.doc.parse_yaml()', '{"doc":"foo: bar"}', '{"doc":{"foo":"bar"}}']],
  create: () => target => parseYaml(stringOrBytes(target)),
})
