import { Buffer } from 'node:buffer'
import { ConfigError, defineScanner, field, Message } from '../../engine/index.ts'

export default defineScanner({
  name: 'chunker',
  categories: ['Utility'],
  summary: 'Splits a source into messages of equal size; the last one may be smaller.',
  config: field.object({ size: field.int('The size of each message, in bytes.') }),
  create({ size }) {
    if (size < 1) throw new ConfigError(`size must be at least 1, got ${size}`)
    return {
      scan(source) {
        let rest: Buffer = Buffer.alloc(0)
        let hasEnded = false
        return {
          async next() {
            for (;;) {
              if (hasEnded) return null
              const piece = await source.read()
              hasEnded = piece === null
              rest = piece === null ? rest : Buffer.concat([rest, piece])
              const messages: Message[] = []
              let start = 0
              for (; start + size <= rest.length; start += size) {
                messages.push(Message.fromChunk(rest, start, start + size, source.metadata))
              }
              if (hasEnded && start < rest.length)
                messages.push(Message.fromChunk(rest, start, rest.length, source.metadata))
              rest = rest.subarray(start)
              if (messages.length > 0) return messages
            }
          },
          close: () => source.close(),
        }
      },
    }
  },
})
