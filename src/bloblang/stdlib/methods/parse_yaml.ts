import { stringOrBytes } from '../../text/target.ts'
import { parseYaml } from '../../text/yaml/parse.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'parse_yaml',
  categories: ['Parsing'],
  status: 'stable',
  description: 'Parses the first YAML document in a string. Keys of any type become strings, and `<<` merges mappings.',
  params: [],
  examples: [
    ['root.doc = this.doc.parse_yaml()', '{"doc":"foo: bar"}', '{"doc":{"foo":"bar"}}'],
    [
      'root.doc = this.doc.parse_yaml()',
      '{"doc":"base: &base {size: 1}\\nlarge:\\n  <<: *base\\n  size: 3\\n8080: open"}',
      '{"doc":{"8080":"open","base":{"size":1},"large":{"size":3}}}',
    ],
  ],
  create: () => target => parseYaml(stringOrBytes(target)),
})
