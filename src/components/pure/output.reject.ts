import { defineOutput, field } from '../../engine/index.ts'

export default defineOutput({
  name: 'reject',
  categories: ['Utility'],
  summary: 'Rejects all messages with an error.',
  description: 'What happens to them depends on the input: most inputs redeliver them.',
  config: field.interpolated('The error text.').default(''),
  maxInFlight: 1,
  create: reason => ({
    write(batch) {
      throw new Error(reason.eval(batch, 0))
    },
  }),
})
