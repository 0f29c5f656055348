import { compressor } from '../../text/compression/codecs.ts'
import { asBytes } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'compress',
  categories: ['Encoding and Encryption'],
  status: 'stable',
  description:
    'Compresses a string or bytes with an algorithm: `flate`, `gzip`, `pgzip`, `lz4`, `snappy`, `zlib` or `zstd`.',
  params: [
    { name: 'algorithm', type: 'string', description: 'The algorithm.' },
    {
      name: 'level',
      type: 'integer',
      description: 'How hard to try, where the algorithm knows levels; -1 leaves it to the algorithm.',
      default: -1,
    },
  ],
  examples: [['root = content().compress("gzip").decompress("gzip")', '{"hello":"world"}', '{"hello":"world"}']],
  bareErrors: true,
  create: ([algorithm, level]) => {
    const compress = compressor(algorithm, Number(level))
    return target => compress(asBytes(target))
  },
})
