import { compileMapping } from '../../compile.ts'
import { MappingError } from '../../errors.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'bloblang',
  categories: ['Parsing'],
  status: 'stable',
  description:
    'Runs a mapping that is itself a value. Such a mapping may neither import files nor call functions that read the message, the environment or files.',
  params: [{ name: 'mapping', type: 'string', description: 'The mapping.' }],
  examples: [
    [
      'root.body = this.body.bloblang(this.mapping)',
      '{"body":{"foo":"hello"},"mapping":"root.foo = this.foo.uppercase()"}',
      '{"body":{"foo":"HELLO"}}',
    ],
  ],
  create([text], world) {
    const { mapping, diagnostics } = compileMapping(text as string, { world, pureOnly: true, withoutMessage: true })
    if (mapping === undefined) throw new MappingError(diagnostics[0]!.message, 'closed')
    return target => mapping.apply(target)
  },
})
