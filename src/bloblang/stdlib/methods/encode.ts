import { MappingError } from '../../errors.ts'
import { encodeAscii85, encodeBase64, encodeHex, encodeZ85 } from '../../text/encodings.ts'
import { bytesOrString } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'encode',
  categories: ['Encoding and Encryption'],
  status: 'stable',
  description:
    'Encodes a string or bytes as text. The scheme is one of `base64`, `base64url` and `base64rawurl` ([RFC 4648](https://rfc-editor.org/rfc/rfc4648.html), the last without padding), `hex`, `ascii85` or `z85`.',
  params: [{ name: 'scheme', type: 'string', description: 'The scheme.' }],
  examples: [
    ['root.encoded = this.value.encode("hex")', '{"value":"hello world"}', '{"encoded":"68656c6c6f20776f726c64"}'],
    ['root.encoded = content().encode("base64rawurl")', '{"a":"??>"}', '{"encoded":"eyJhIjoiPz8-In0"}'],
  ],
  create: ([scheme]) => {
    const encode = encoder(scheme)
    return target => encode(bytesOrString(target))
  },
})

function encoder(scheme: string): (bytes: Uint8Array) => string {
  switch (scheme) {
    case 'base64':
      return bytes => encodeBase64(bytes, 'std')
    case 'base64url':
      return bytes => encodeBase64(bytes, 'url')
    case 'base64rawurl':
      return bytes => encodeBase64(bytes, 'rawurl')
    case 'hex':
      return encodeHex
    case 'ascii85':
      return encodeAscii85
    case 'z85':
      return encodeZ85
    default:
      throw new MappingError(`unrecognized encoding type: ${scheme}`)
  }
}
