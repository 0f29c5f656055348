import { defineMethod } from '../spec.ts'

/** The compiler generates the code of this method, because it determines `this`, or the message, for its target. */
export default defineMethod({
  name: 'map',
  categories: [],
  status: 'hidden',
  description: 'Evaluates a query with the target as `this`; `.(query)` is the short form.',
  params: [{ name: 'query', type: 'query', description: 'The query.' }],
  examples: [['root = this.foo.map(this.bar + 1)', '{"foo":{"bar":1}}', '2']],
  create: () => target => target,
})
