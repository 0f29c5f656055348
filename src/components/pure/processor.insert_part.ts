import { messageOf } from '../../base/index.ts'
import { defineProcessor, field, type Message } from '../../engine/index.ts'

export default defineProcessor({
  name: 'insert_part',
  namesFailures: true,
  categories: ['Composition'],
  summary: 'Inserts a message into each batch.',
  config: field.object({
    index: field.int('The index; negative indexes count from the end, -1 being the last.').default(-1),
    content: field.interpolated('Its content.').default(''),
  }),
  create: ({ index, content }, resources) => ({
    process: messages => {
      let bytes: Uint8Array
      try {
        bytes = content.evalBytes(messages, 0)
      } catch (error) {
        resources.log.error(`Content interpolation error: ${messageOf(error)}`)
        return [messages]
      }
      const place = index < 0 ? Math.max(messages.length + index + 1, 0) : Math.min(index, messages.length)
      const results: Message[] = [...messages]
      results.splice(place, 0, messages[0]!.withBytes(bytes))
      return [results]
    },
  }),
})
