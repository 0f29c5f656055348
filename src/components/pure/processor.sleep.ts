import { messageOf } from '../../base/index.ts'
import { defineProcessor, field, perMessage, parseDuration } from '../../engine/index.ts'

export default defineProcessor({
  name: 'sleep',
  namesFailures: true,
  categories: ['Utility'],
  summary: 'Sleeps for a time for each message.',
  config: field.object({ duration: field.interpolated('How long to sleep.').examples('250ms', '${! this.wait }s') }),
  create: ({ duration }, resources) => ({
    waits: true,
    ...perMessage(async (message, view, index) => {
      // An invalid duration is only logged: the message is not at fault.
      let text: string
      try {
        text = duration.eval(view, index)
      } catch (error) {
        resources.log.error(`Period interpolation error: ${messageOf(error)}`)
        return message
      }
      let ms: number
      try {
        ms = parseDuration(text)
      } catch (error) {
        resources.log.error(`Failed to parse duration: ${messageOf(error)}`)
        return message
      }
      await resources.wait(ms)
      return message
    }),
  }),
})
