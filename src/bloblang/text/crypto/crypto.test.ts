import assert from 'node:assert/strict'
import { type CipherGCM, createCipheriv, createHmac, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { aesCipher } from './aes.ts'
import { utf8Text } from '../bytes.ts'
import { hmac } from './digest.ts'
import { compareBcrypt } from './passwords.ts'

test('a known bcrypt hash matches only its secret', () => {
  const hash = '$2y$04$Dtnt5NNzVtMCOZONT705tOh37/4PhdENfieXbjkGsOQ3cOHgb4.Ta'
  assert.equal(compareBcrypt('there-are-many-blobs-in-the-sea', hash), true)
  assert.equal(compareBcrypt('there-are-few-blobs-in-the-sea', hash), false)
})

test('cached ciphers and HMACs give the same results as new ones', () => {
  const key = randomBytes(32)
  for (let length = 0; length < 100; length++) {
    const message = randomBytes(length)
    const whole = message.subarray(0, length - (length % 16))
    assert.deepEqual(hmac('sha256', key)(message), createHmac('sha256', key).update(message).digest())
    for (const scheme of ['ctr', 'ofb', 'cbc', 'gcm'] as const) {
      const input = scheme === 'cbc' ? whole : message
      const iv = randomBytes(scheme === 'gcm' ? 12 : 16)
      const cipher = createCipheriv(`aes-256-${scheme}`, key, iv)
      if (scheme === 'cbc') cipher.setAutoPadding(false)
      const parts = [cipher.update(input), cipher.final()]
      const expected = Buffer.concat(scheme === 'gcm' ? [...parts, (cipher as CipherGCM).getAuthTag()] : parts) // by the name of the cipher
      const encrypted = aesCipher('encrypt', scheme, utf8Text(key), utf8Text(iv))(input)
      assert.deepEqual(Buffer.from(encrypted), expected)
      assert.deepEqual(Buffer.from(aesCipher('decrypt', scheme, utf8Text(key), utf8Text(iv))(encrypted)), input)
    }
  }
})
