import { expectBool } from '../../data/coerce.ts'
import { defineMethod } from '../spec.ts'

/** The compiler generates the code of this method. */
export default defineMethod({
  name: 'not',
  categories: [],
  status: 'hidden',
  description: 'Negates a boolean; `!` is the short form.',
  params: [],
  examples: [['root.b = this.a.not()', '{"a":true}', '{"b":false}']],
  create: () => target => !expectBool(target),
})
