import { defineOutput, field } from '../../engine/index.ts'

export default defineOutput({
  name: 'reject',
  categories: ['Utility'],
  summary: 'Refuses all messages with an error.',
  description: 'What becomes of them is decided by the input: most deliver them again.',
  config: field.interpolated('The text of the error.').default(''),
  maxInFlight: 1,
  create: reason => ({
    write(batch) {
      throw new Error(reason.eval(batch, 0))
    },
  }),
})
