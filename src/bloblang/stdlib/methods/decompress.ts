import { decompressor } from '../../text/compression/codecs.ts'
import { asBytes } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'decompress',
  categories: ['Encoding and Encryption'],
  status: 'stable',
  description:
    'Decompresses a string or bytes with one of the algorithms `gzip`, `pgzip`, `zlib`, `bzip2`, `flate`, `snappy`, `lz4` or `zstd`. Returns bytes.',
  params: [{ name: 'algorithm', type: 'string', description: 'The algorithm.' }],
  examples: [
    [
      'root.text = this.compressed.decode("base64").decompress("lz4").string()',
      '{"compressed":"BCJNGGRwuRgAAIBoZWxsbyB3b3JsZCBJIGxvdmUgc3BhY2UAAAAAGoETLg=="}',
      '{"text":"hello world I love space"}',
    ],
  ],
  bareErrors: true,
  create: ([algorithm]) => {
    const decompress = decompressor(algorithm)
    return target => decompress(asBytes(target))
  },
})
