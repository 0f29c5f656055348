import { messageOf } from '../../base/index.ts'
import { parseJson } from '../../bloblang/index.ts'
import { defineScanner, field, Message } from '../../engine/index.ts'
import { splitDocuments } from './json-documents.ts'
import { readAll } from './reading.ts'

export default defineScanner({
  name: 'json_documents',
  categories: ['Utility'],
  summary: 'Makes each JSON document of a source a message.',
  config: field.object({}).default({}),
  create: () => ({
    scan(source) {
      let documents: readonly string[] | null = null
      let position = 0
      return {
        async next() {
          documents ??= splitDocuments((await readAll(source)).toString('utf8'))
          const messages: Message[] = []
          while (position < documents.length && messages.length < 1024) {
            try {
              messages.push(Message.fromValue(null, source.metadata).withDocument(parseJson(documents[position]!)))
            } catch (error) {
              // Messages before the malformed document are delivered first.
              if (messages.length > 0) return messages
              position = documents.length
              throw new Error(messageOf(error))
            }
            position++
          }
          return messages.length === 0 ? null : messages
        },
        close: () => source.close(),
      }
    },
  }),
})
