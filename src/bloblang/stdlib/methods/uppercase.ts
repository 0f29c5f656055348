import { upper } from '../../text/case.ts'
import { keepKind } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'uppercase',
  categories: ['String Manipulation'],
  status: 'stable',
  description: 'Converts a string to upper case, character by character.',
  params: [],
  examples: [['root.foo = this.foo.uppercase()', '{"foo":"hello wörld"}', '{"foo":"HELLO WÖRLD"}']],
  create: () => target => keepKind(target, upper),
})
