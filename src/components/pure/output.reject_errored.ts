import { asError } from '../../base/index.ts'
import type { MessageFailure } from '../../bloblang/index.ts'
import { defineOutput, failuresOf, field, type Message, throwFailures } from '../../engine/index.ts'

export default defineOutput({
  name: 'reject_errored',
  categories: ['Utility'],
  summary: 'Rejects messages that failed during processing, and forwards the others.',
  config: field.output('The output for messages without errors.'),
  maxInFlight: 64,
  composes: true,
  async create(child, resources) {
    const output = await resources.output(child)
    return {
      async write(batch) {
        const failures = new Map<Message, Error>()
        for (const message of batch) {
          if (message.error !== null) failures.set(message, refusal(message.error))
        }
        if (failures.size === 0) return await output.write(batch)
        const good = batch.filter(message => !failures.has(message))
        if (good.length > 0) {
          await output.write(good).catch((error: unknown) => {
            for (const [message, reason] of failuresOf(good, asError(error))) failures.set(message, reason)
          })
        }
        throwFailures(batch, failures)
      },
      forwardRun(run, settle) {
        const good = run.filter(({ error }) => error === null)
        if (good.length > 0) output.forwardRun(good, settle)
        for (const message of run) if (message.error !== null) void settle([message], refusal(message.error))
      },
    }
  },
})

function refusal(failure: MessageFailure): Error {
  return new Error(`rejecting due to failed processing: ${failure.message}`)
}
