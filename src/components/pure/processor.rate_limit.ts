import { messageOf } from '../../base/index.ts'
import { defineProcessor, field, perMessage } from '../../engine/index.ts'

export default defineProcessor({
  name: 'rate_limit',
  categories: ['Utility'],
  summary: 'Limits the throughput of messages with a rate limit resource.',
  config: field.object({ resource: field.string('The rate limit resource.') }),
  create({ resource }, resources) {
    const limit = resources.rateLimit(resource)
    return {
      waits: true,
      ...perMessage(async message => {
        for (;;) {
          let waitMs: number
          try {
            waitMs = await limit.access()
          } catch (error) {
            resources.log.error(`Failed to access rate limit: ${messageOf(error)}`)
            waitMs = 1000
          }
          if (waitMs <= 0) return message
          await resources.wait(waitMs)
        }
      }),
    }
  },
})
