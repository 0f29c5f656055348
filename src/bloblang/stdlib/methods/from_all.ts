import { defineMethod } from '../spec.ts'

/** The compiler generates the code of this method, because it determines `this`, or the message, for its target. */
export default defineMethod({
  name: 'from_all',
  categories: ['General'],
  status: 'stable',
  description: 'Evaluates the target against each message of the batch and returns the results as an array.',
  params: [],
  examples: [['root.foos = json("foo").from_all()', '{"foo":1}', '{"foos":[1]}']],
  create: () => target => target,
})
