import { MappingError, WrongTypeError } from '../../errors.ts'
import { decodeAscii85, decodeBase64, decodeHex, decodeZ85 } from '../../text/encodings.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'decode',
  categories: ['Encoding and Encryption'],
  status: 'stable',
  description:
    'Decodes text to bytes; add `.string()` to get a string. The scheme is one of `base64`, `base64url` and `base64rawurl` ([RFC 4648](https://rfc-editor.org/rfc/rfc4648.html), the last without padding), `hex`, `ascii85` or `z85`.',
  params: [{ name: 'scheme', type: 'string', description: 'The scheme.' }],
  examples: [
    [
      'root.decoded = this.value.decode("hex").string()',
      '{"value":"68656c6c6f20776f726c64"}',
      '{"decoded":"hello world"}',
    ],
    [
      'root = this.value.decode("base64")',
      '{"value":"a"}',
      { error: 'failed assignment (line 1): field `this.value`: unexpected EOF' },
    ],
  ],
  create: ([scheme]) => {
    const decode = decoder(scheme)
    return target => {
      if (typeof target === 'string' || target instanceof Uint8Array) return decode(target)
      throw new WrongTypeError(['string'], target)
    }
  },
})

function decoder(scheme: string): (source: string | Uint8Array) => Uint8Array {
  switch (scheme) {
    case 'base64':
      return source => decodeBase64(source, 'std')
    case 'base64url':
      return source => decodeBase64(source, 'url')
    case 'base64rawurl':
      return source => decodeBase64(source, 'rawurl')
    case 'hex':
      return decodeHex
    case 'ascii85':
      return decodeAscii85
    case 'z85':
      return decodeZ85
    default:
      throw new MappingError(`unrecognized encoding type: ${scheme}`)
  }
}
