import { aesCipher } from '../../text/crypto/aes.ts'
import { settledText } from '../../text/bytes.ts'
import { bytesOrString } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'encrypt_aes',
  categories: ['Encoding and Encryption'],
  status: 'stable',
  description:
    'Encrypts a string or bytes with AES and returns a string. The schemes are `ctr`, `gcm` and `cbc`, whose input must be a multiple of 16 bytes; `ofb` is supported for existing data.',
  params: [
    { name: 'scheme', type: 'string', description: 'One of `ctr`, `gcm`, `cbc`.' },
    { name: 'key', type: 'string', description: 'The key, of 16, 24 or 32 bytes.' },
    { name: 'iv', type: 'string', description: 'The initialization vector or nonce.' },
  ],
  examples: [
    [
      'let key = "2b7e151628aed2a6abf7158809cf4f3c".decode("hex")\nlet vector = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff".decode("hex")\nroot.encrypted = this.value.encrypt_aes("ctr", $key, $vector).encode("hex")',
      '{"value":"hello world!"}',
      '{"encrypted":"84e9b31ff7400bdf80be7254"}',
    ],
  ],
  create: ([scheme, key, iv]) => {
    const encrypt = aesCipher('encrypt', scheme, key, iv)
    return target => settledText(encrypt(bytesOrString(target)))
  },
})
