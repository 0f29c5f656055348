import { messageOf } from '../../base/index.ts'
import { defineProcessor, field, perMessage, parseDuration } from '../../engine/index.ts'

export default defineProcessor({
  name: 'sleep',
  categories: ['Utility'],
  summary: 'Waits a while for each message.',
  config: field.object({ duration: field.interpolated('How long.').examples('250ms', '${! this.wait }s') }),
  create: ({ duration }, resources) => ({
    waits: true,
    ...perMessage(async (message, view, index) => {
      let ms: number
      try {
        ms = parseDuration(duration.eval(view, index))
      } catch (error) {
        // A duration that makes no sense is only logged: the message did nothing wrong.
        resources.log.error(`Failed to parse duration: ${messageOf(error)}`)
        return message
      }
      await resources.wait(ms)
      return message
    }),
  }),
})
