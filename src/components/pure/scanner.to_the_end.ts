import { defineScanner, field, Message } from '../../engine/index.ts'
import { readAll } from './reading.ts'

export default defineScanner({
  name: 'to_the_end',
  categories: ['Utility'],
  summary: 'Makes the whole source one message.',
  config: field.anyObject('').default({}),
  create: () => ({
    scan(source) {
      let isRead = false
      return {
        async next() {
          if (isRead) return null
          isRead = true
          return [Message.fromBytes(await readAll(source), source.metadata)]
        },
        close: () => source.close(),
      }
    },
  }),
})
