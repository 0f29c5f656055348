import { utf8Bytes } from '../../text/bytes.ts'
import { formatYaml } from '../../text/yaml/format.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'format_yaml',
  categories: ['Parsing'],
  status: 'stable',
  description: 'Serializes a value as YAML and returns bytes.',
  params: [],
  examples: [['root = this.doc.format_yaml()', '{"doc":{"foo":"bar"}}', 'foo: bar\n']],
  create: () => target => utf8Bytes(formatYaml(target)),
})
