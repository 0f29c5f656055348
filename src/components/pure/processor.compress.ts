import { messageOf } from '../../base/index.ts'
import { defineProcessor, field, perMessage } from '../../engine/index.ts'
import { expression, quoted } from './expression.ts'

export default defineProcessor({
  name: 'compress',
  categories: ['Parsing'],
  summary: 'Compresses messages.',
  config: field.object({
    algorithm: field
      .string('The algorithm.')
      .options({ flate: '', gzip: '', lz4: '', pgzip: '', snappy: '', zlib: '', zstd: '' }, false),
    level: field.int('The compression level, for algorithms that have levels.').default(-1),
  }),
  create({ algorithm, level }, resources) {
    const compress = expression(`this.compress(algorithm: ${quoted(algorithm)}, level: ${level})`, resources.host)
    return {
      ...perMessage(message => {
        try {
          return message.withValue(compress(message.bytes()))
        } catch (error) {
          resources.log.error(`Failed to compress message: ${messageOf(error)}`)
          return resources.fail(message, error)
        }
      }),
    }
  },
})
