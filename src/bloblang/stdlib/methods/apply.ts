import { defineMethod } from '../spec.ts'

/** The compiler generates the code of this method, because it determines `this`, or the message, for its target. */
export default defineMethod({
  name: 'apply',
  categories: ['General'],
  status: 'stable',
  description:
    'Runs a map of the mapping on what it is called on, and yields its result. A map may apply itself; more than 5000 levels are an error.',
  params: [{ name: 'mapping', type: 'string', description: 'The name of the map.' }],
  examples: [
    [
      'map thing {\n  root.inner = this.first\n}\nroot.foo = this.doc.apply("thing")',
      '{"doc":{"first":"hi"}}',
      '{"foo":{"inner":"hi"}}',
    ],
  ],
  create: () => target => target,
})
