import { compileDynamic } from '../../runtime/dynamic.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'bloblang',
  categories: ['Parsing'],
  status: 'stable',
  description:
    'Runs a mapping given as a string. Such a mapping may neither import files nor call functions that read the message, the environment or files.',
  params: [{ name: 'mapping', type: 'string', description: 'The mapping.' }],
  bareErrors: true,
  examples: [
    [
      'root.body = this.body.bloblang(this.mapping)',
      '{"body":{"foo":"hello"},"mapping":"root.foo = this.foo.uppercase()"}',
      '{"body":{"foo":"HELLO"}}',
    ],
  ],
  create: ([text], host) => compileDynamic(text, host),
})
