/** AES as mappings use it: independent messages, mostly short, and mostly with the key of the previous one. */
import { type CipherGCMTypes, createCipheriv, createDecipheriv } from 'node:crypto'
import { MappingError } from '../../errors.ts'
import { AesKey, BLOCK_BYTES } from './aes-key.ts'
import { utf8Bytes } from '../bytes.ts'

const GCM_TAG_BYTES = 16
const GCM_NONCE_BYTES = 12

type Cipher = (input: Uint8Array) => Uint8Array

/** An AES cipher in one direction. Throws for keys and vectors of the wrong length. */
export function aesCipher(direction: 'encrypt' | 'decrypt', scheme: string, keyText: string, ivText: string): Cipher {
  const key = keyOf(keyText)
  const iv = vectorOf(ivText)
  if ((scheme === 'ctr' || scheme === 'ofb' || scheme === 'cbc') && iv.length !== BLOCK_BYTES) {
    throw new MappingError('the key must match the initialisation vector size')
  }
  switch (scheme) {
    case 'ctr':
      return input => key.countered(iv, input)
    case 'ofb':
      return input => key.fedBack(iv, input)
    case 'cbc':
      return direction === 'encrypt'
        ? input => key.chained(iv, wholeBlocks(input, 'plaintext'))
        : input => key.unchained(iv, wholeBlocks(input, 'ciphertext'))
    case 'gcm':
      return direction === 'encrypt' ? input => seal(key, iv, input) : input => open(key, iv, input)
    default:
      throw new MappingError(`unrecognized ${direction}ion type: ${scheme}`)
  }
}

let latest: { readonly text: string; readonly key: AesKey } | undefined
let latestVector: { readonly text: string; readonly iv: Uint8Array } | undefined

/** A key from a variable is passed with each message, but is usually the same. */
function keyOf(text: string): AesKey {
  if (latest?.text === text) return latest.key
  const bytes = utf8Bytes(text)
  if (![16, 24, 32].includes(bytes.length)) throw new MappingError(`crypto/aes: invalid key size ${bytes.length}`)
  latest = { text, key: new AesKey(Buffer.from(bytes)) }
  return latest.key
}

function vectorOf(text: string): Uint8Array {
  if (latestVector?.text !== text) latestVector = { text, iv: utf8Bytes(text) }
  return latestVector.iv
}

function wholeBlocks(input: Uint8Array, what: string): Uint8Array {
  if (input.length % BLOCK_BYTES === 0) return input
  throw new MappingError(`${what} is not a multiple of the block size`)
}

function seal(key: AesKey, iv: Uint8Array, input: Uint8Array): Uint8Array {
  const cipher = createCipheriv(gcmName(key, iv), key.bytes, iv)
  const sealed = Buffer.allocUnsafe(input.length + GCM_TAG_BYTES)
  cipher.update(input).copy(sealed)
  cipher.final()
  cipher.getAuthTag().copy(sealed, input.length)
  return sealed
}

function open(key: AesKey, iv: Uint8Array, input: Uint8Array): Uint8Array {
  const name = gcmName(key, iv)
  const length = input.length - GCM_TAG_BYTES
  if (length < 0) throw forged()
  const decipher = createDecipheriv(name, key.bytes, iv)
  decipher.setAuthTag(input.subarray(length))
  const opened = decipher.update(input.subarray(0, length))
  try {
    decipher.final()
  } catch {
    throw forged()
  }
  return opened
}

function forged(): MappingError {
  return new MappingError('gcm decrypting failed: cipher: message authentication failed')
}

function gcmName(key: AesKey, iv: Uint8Array): CipherGCMTypes {
  // The original panics here.
  if (iv.length !== GCM_NONCE_BYTES) {
    throw new MappingError(`the initialisation vector of gcm must be ${GCM_NONCE_BYTES} bytes long, got ${iv.length}`)
  }
  return key.cipherName('gcm') as CipherGCMTypes // gcm for a key of this length is one of them
}
