import { defineOutput, field } from '../../engine/index.ts'
import { RetryingWriter } from './retrying.ts'

export default defineOutput({
  name: 'retry',
  categories: ['Utility'],
  summary: 'Retries an output until it succeeds.',
  config: field.object({
    max_retries: field.int('The maximum number of retries; 0 means no limit.').default(0).advanced(),
    backoff: field
      .object({
        initial_interval: field
          .duration('The interval before the first retry; later ones grow up to `max_interval`.')
          .default('500ms')
          .advanced(),
        max_interval: field.duration('The maximum interval between retries.').default('3s').advanced(),
        max_elapsed_time: field
          .duration('How long to retry before giving up; 0 means indefinitely.')
          .default('0s')
          .advanced(),
      })
      .advanced(),
    output: field.output('The output.'),
  }),
  maxInFlight: 64,
  composes: true,
  async create(config, resources) {
    const { initial_interval, max_interval, max_elapsed_time } = config.backoff
    const options = {
      initialMs: initial_interval ?? 500,
      maxMs: max_interval ?? 3000,
      maxElapsedMs: max_elapsed_time ?? 0,
      maxRetries: config.max_retries,
    }
    const writer = new RetryingWriter(await resources.output(config.output), options, resources)
    return { write: batch => writer.write(batch), forwardRun: (run, settle) => writer.forwardRun(run, settle) }
  },
})
