import { defineMethod } from '../spec.ts'

/** The compiler generates the code of this method, because it determines `this`, or the message, for its target. */
export default defineMethod({
  name: 'apply',
  categories: ['General'],
  status: 'stable',
  description:
    'Applies a named map to the target and returns its result. A map may apply itself, up to 5000 levels deep.',
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
