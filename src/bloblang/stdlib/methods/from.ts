import { defineMethod } from '../spec.ts'

/** The compiler generates the code of this method, because it determines `this`, or the message, for its target. */
export default defineMethod({
  name: 'from',
  categories: ['General'],
  status: 'stable',
  description:
    'Evaluates the target against another message of the batch, which `json`, `content`, `metadata`, `meta` and the error functions then read. A negative index counts from the end.',
  params: [{ name: 'index', type: 'integer', description: 'The index of the message in the batch, from 0.' }],
  examples: [['root.foo = json("foo").from(0)', '{"foo":1}', '{"foo":1}']],
  create: () => target => target,
})
