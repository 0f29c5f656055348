import { defineProcessor, field, type Message } from '../../engine/index.ts'

export default defineProcessor({
  name: 'split',
  namesFailures: true,
  categories: ['Utility'],
  summary: 'Splits a batch into smaller ones.',
  config: field.object({
    size: field.int('The number of messages in each batch; 0 means no limit.').default(1),
    byte_size: field
      .int('The maximum size of each batch in bytes, which only a single larger message may exceed; 0 means no limit.')
      .default(0),
  }),
  create: ({ size, byte_size: limitBytes }, resources) => ({
    process(batch) {
      const parts: Message[][] = []
      let part: Message[] = []
      let partBytes = 0
      for (const message of batch) {
        const bytes = limitBytes > 0 ? message.sizeBytes : 0
        if ((size > 0 && part.length >= size) || (limitBytes > 0 && partBytes + bytes > limitBytes)) {
          if (part.length > 0) {
            parts.push(part)
            part = []
            partBytes = 0
          } else {
            resources.log.warn(
              `A single message exceeds the target batch byte size of '${limitBytes}', actual size: '${bytes}'`,
            )
          }
        }
        part.push(message)
        partBytes += bytes
      }
      if (part.length > 0) parts.push(part)
      return parts
    },
  }),
})
