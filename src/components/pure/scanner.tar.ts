import { defineScanner, field, Message } from '../../engine/index.ts'
import { unpackTar } from './containers.ts'
import { readAll } from './reading.ts'

export default defineScanner({
  name: 'tar',
  categories: ['Utility'],
  summary: 'Makes each file of a tar archive a message.',
  description: 'Each message has the metadata `tar_name`.',
  config: field.anyObject('').default({}),
  create: () => ({
    scan(source) {
      let isRead = false
      return {
        async next() {
          if (isRead) return null
          isRead = true
          const members = unpackTar(await readAll(source))
          return members.map(({ name, bytes }) =>
            Message.fromBytes(bytes, new Map(source.metadata).set('tar_name', name)),
          )
        },
        close: () => source.close(),
      }
    },
  }),
})
