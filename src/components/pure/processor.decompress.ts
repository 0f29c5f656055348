import { messageOf } from '../../base/index.ts'
import { defineProcessor, field, perMessage } from '../../engine/index.ts'
import { expression, quoted } from './expression.ts'

export default defineProcessor({
  name: 'decompress',
  categories: ['Parsing'],
  summary: 'Decompresses messages.',
  config: field.object({
    algorithm: field
      .string('The algorithm.')
      .options({ bzip2: '', flate: '', gzip: '', lz4: '', pgzip: '', snappy: '', zlib: '', zstd: '' }, false),
  }),
  create({ algorithm }, resources) {
    const decompress = expression(`this.decompress(${quoted(algorithm)})`, resources.host)
    return {
      ...perMessage(message => {
        try {
          return message.withValue(decompress(message.bytes()))
        } catch (error) {
          resources.log.error(`Failed to decompress message part: ${messageOf(error)}`)
          return resources.fail(message, error)
        }
      }),
    }
  },
})
