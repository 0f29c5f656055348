/** The hash of bcrypt. */
import { Blowfish } from './blowfish.ts'

const ALPHABET = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const KEY_WORDS = 18
const SALT_BYTES = 16
/** The last byte of the encrypted text is left out, since always. */
const HASH_BYTES = 23
const ENCRYPTIONS = 64
const MAGIC = Buffer.from('OrpheanBeholderScryDoubt')

/** The 31 characters behind the salt of a bcrypt hash. No more than 72 bytes of the secret count. */
export function bcrypt(secret: Uint8Array, cost: number, salt: Uint8Array): string {
  const key = words(Buffer.concat([secret, Uint8Array.of(0)]), KEY_WORDS)
  const saltWords = words(salt, SALT_BYTES / 4)
  const saltKey = words(salt, KEY_WORDS)
  const cipher = new Blowfish()
  cipher.expand(key, saltWords)
  for (let round = 2 ** cost; round > 0; round--) {
    cipher.expand(key)
    cipher.expand(saltKey)
  }
  const text = words(MAGIC, MAGIC.length / 4)
  for (let i = 0; i < ENCRYPTIONS; i++) cipher.encrypt(text)
  const bytes = Buffer.alloc(MAGIC.length)
  for (const [at, word] of text.entries()) bytes.writeInt32BE(word, at * 4)
  return encode(bytes.subarray(0, HASH_BYTES))
}

/** That many words, highest byte first, of bytes that begin again where they end. */
function words(bytes: Uint8Array, count: number) {
  const byte = (at: number) => bytes[at % bytes.length]!
  return Int32Array.from(
    { length: count },
    (_, at) => (byte(4 * at) << 24) | (byte(4 * at + 1) << 16) | (byte(4 * at + 2) << 8) | byte(4 * at + 3),
  )
}

/** The digits of base64 in places of ours. */
const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Base64 with digits of its own, not padded. */
function encode(bytes: Buffer): string {
  const text = bytes.toString('base64').replace(/=+$/, '')
  return Array.from(text, digit => ALPHABET[STANDARD.indexOf(digit)]!).join('')
}

/** The 16 bytes of a salt of 22 characters, or the position of the first one that is no digit. */
export function decodeSalt(text: string): Uint8Array | number {
  const values = Array.from(text, digit => ALPHABET.indexOf(digit))
  const wrong = values.indexOf(-1)
  return wrong >= 0 ? wrong : Buffer.from(values.map(value => STANDARD[value]!).join(''), 'base64')
}
