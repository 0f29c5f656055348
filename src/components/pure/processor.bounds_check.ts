import { defineProcessor, field } from '../../engine/index.ts'

export default defineProcessor({
  name: 'bounds_check',
  namesFailures: true,
  categories: ['Utility'],
  summary: 'Drops batches that are too large or too small, or that contain a message that is.',
  config: field.object({
    max_part_size: field.int('The maximum size of a message, in bytes.').default(1_073_741_824),
    min_part_size: field.int('The minimum size of a message, in bytes.').default(1),
    max_parts: field.int('The maximum number of messages in a batch.').default(100).advanced(),
    min_parts: field.int('The minimum number of messages in a batch.').default(1).advanced(),
  }),
  create: (config, resources) => ({
    process: messages => {
      const reject = (what: string, value: number) => {
        resources.log.debug(`Rejecting message due to ${what}: ${value}`)
        return []
      }
      if (messages.length < config.min_parts)
        return reject(`message parts below minimum (${config.min_parts})`, messages.length)
      if (messages.length > config.max_parts)
        return reject(`message parts exceeding limit (${config.max_parts})`, messages.length)
      for (const { sizeBytes } of messages) {
        if (sizeBytes > config.max_part_size || sizeBytes < config.min_part_size) {
          return reject(`message part size (${config.min_part_size} -> ${config.max_part_size})`, sizeBytes)
        }
      }
      return [messages]
    },
  }),
})
