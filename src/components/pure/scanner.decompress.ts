import { defineScanner, field } from '../../engine/index.ts'
import { expression, quoted } from './expression.ts'
import { derivedSource, readAll } from './reading.ts'

export default defineScanner({
  name: 'decompress',
  categories: ['Utility'],
  summary: 'Decompresses a source and passes it to another scanner.',
  config: field.object({
    algorithm: field.string('One of `gzip`, `pgzip`, `zlib`, `bzip2`, `flate`, `snappy`, `lz4`, `zstd`.'),
    into: field.scanner('The scanner for the decompressed data.').default({ to_the_end: {} }),
  }),
  async create({ algorithm, into }, resources) {
    const inner = await resources.scanner(into)
    const decompress = expression(`this.decompress(${quoted(algorithm)})`, resources.host)
    return {
      scan(source) {
        let isRead = false
        return inner.scan(
          derivedSource(source, async () => {
            if (isRead) return null
            isRead = true
            return decompress(await readAll(source)) as Uint8Array // the converter returns bytes
          }),
        )
      },
    }
  },
})
