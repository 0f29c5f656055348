import { type Batch, BatchError, defineOutput, eachMessage, field } from '../../engine/index.ts'

export default defineOutput({
  name: 'reject',
  categories: ['Utility'],
  summary: 'Refuses all messages with an error.',
  description: 'What becomes of them is decided by the input: most deliver them again.',
  config: field.interpolated('The text of the error.').default(''),
  maxInFlight: 1,
  create: reason => ({
    write(batch: Batch) {
      if (!batch.solo) throw new Error(reason.eval(batch.messages, 0))
      const failures = new Map<number, Error>()
      eachMessage(batch, (_, view, index) => failures.set(failures.size, new Error(reason.eval(view, index))))
      throw new BatchError(failures)
    },
  }),
})
