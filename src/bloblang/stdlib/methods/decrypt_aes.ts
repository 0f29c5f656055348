import { aesCipher } from '../../text/crypto/aes.ts'
import { bytesOrString } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'decrypt_aes',
  categories: ['Encoding and Encryption'],
  status: 'stable',
  description:
    'Decrypts a string or bytes with AES and returns bytes. The schemes are `ctr`, `gcm` and `cbc`; `ofb` is supported for existing data.',
  params: [
    { name: 'scheme', type: 'string', description: 'One of `ctr`, `gcm`, `cbc`.' },
    { name: 'key', type: 'string', description: 'The key, of 16, 24 or 32 bytes.' },
    { name: 'iv', type: 'string', description: 'The initialization vector or nonce.' },
  ],
  examples: [
    [
      'let key = "2b7e151628aed2a6abf7158809cf4f3c".decode("hex")\nlet vector = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff".decode("hex")\nroot.decrypted = this.value.decode("hex").decrypt_aes("ctr", $key, $vector).string()',
      '{"value":"84e9b31ff7400bdf80be7254"}',
      '{"decrypted":"hello world!"}',
    ],
  ],
  create: ([scheme, key, iv]) => {
    const decrypt = aesCipher('decrypt', scheme, key, iv)
    return target => decrypt(bytesOrString(target))
  },
})
