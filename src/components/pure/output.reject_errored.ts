import { BatchError, defineOutput, field } from '../../engine/index.ts'

export default defineOutput({
  name: 'reject_errored',
  categories: ['Utility'],
  summary: 'Refuses messages that failed in processing, and hands on the others.',
  config: field.output('The output for the others.'),
  maxInFlight: 64,
  composes: true,
  async create(child, resources) {
    const output = await resources.output(child)
    return {
      async write(batch) {
        const failures = new Map<number, Error>()
        const good: number[] = []
        for (const [index, { error }] of batch.messages.entries()) {
          if (error === null) good.push(index)
          else failures.set(index, new Error(`rejecting due to failed processing: ${error.message}`))
        }
        if (failures.size === 0) return await output.write(batch)
        if (good.length > 0) {
          try {
            await output.write({
              messages: good.map(index => batch.messages[index]!),
              solo: batch.solo && good.length > 1,
            })
          } catch (error) {
            if (error instanceof BatchError)
              for (const [index, reason] of error.failures) failures.set(good[index]!, reason)
            else for (const index of good) failures.set(index, error as Error)
          }
        }
        throw batch.messages.length === 1 ? failures.get(0)! : new BatchError(failures)
      },
    }
  },
})
