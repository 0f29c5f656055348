import { lower } from '../../text/case.ts'
import { keepKind } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'lowercase',
  categories: ['String Manipulation'],
  status: 'stable',
  description: 'Converts a string to lower case, character by character.',
  params: [],
  examples: [['root.foo = this.foo.lowercase()', '{"foo":"HELLO WÖRLD"}', '{"foo":"hello wörld"}']],
  create: () => target => keepKind(target, lower),
})
