import { compressor } from '../../text/compression/codecs.ts'
import { asBytes } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'compress',
  categories: ['Encoding and Encryption'],
  status: 'stable',
  description:
    'Compresses a string or bytes with one of the algorithms `flate`, `gzip`, `pgzip`, `lz4`, `snappy`, `zlib` or `zstd`.',
  params: [
    { name: 'algorithm', type: 'string', description: 'The algorithm.' },
    {
      name: 'level',
      type: 'integer',
      description: 'The compression level, for algorithms that have levels; -1 selects the default of the algorithm.',
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
