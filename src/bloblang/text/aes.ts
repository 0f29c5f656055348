import {
  type Cipheriv,
  type CipherGCM,
  type CipherGCMTypes,
  createCipheriv,
  createDecipheriv,
  type DecipherGCM,
} from 'node:crypto'
import { MappingError } from '../errors.ts'

const BLOCK_BYTES = 16
const GCM_TAG_BYTES = 16
const GCM_NONCE_BYTES = 12

export type AesScheme = 'ctr' | 'ofb' | 'gcm' | 'cbc'

/** An AES cipher in one direction. Throws for keys and vectors of a wrong length when it is made. */
export function aesCipher(
  direction: 'encrypt' | 'decrypt',
  scheme: string,
  key: Uint8Array,
  iv: Uint8Array,
): (input: Uint8Array) => Uint8Array {
  if (![16, 24, 32].includes(key.length)) throw new MappingError(`crypto/aes: invalid key size ${key.length}`)
  if ((scheme === 'ctr' || scheme === 'ofb' || scheme === 'cbc') && iv.length !== BLOCK_BYTES) {
    throw new MappingError('the key must match the initialisation vector size')
  }
  const algorithm = `aes-${key.length * 8}-${scheme}`
  switch (scheme) {
    case 'ctr':
      return input => (input.length > MAX_MASKED_BYTES ? stream(algorithm, key, iv, input) : masked(key, iv, input))
    case 'ofb':
      return input => stream(algorithm, key, iv, input)
    case 'gcm':
      return gcm(direction, algorithm as CipherGCMTypes, key, iv)
    case 'cbc':
      return input => cbc(direction, algorithm, key, iv, input)
    default:
      throw new MappingError(`unrecognized ${direction}ion type: ${scheme}`)
  }
}

/** Stream modes are their own inverse. */
function stream(algorithm: string, key: Uint8Array, iv: Uint8Array, input: Uint8Array): Uint8Array {
  const cipher = createCipheriv(algorithm, key, iv)
  return new Uint8Array(Buffer.concat([cipher.update(input), cipher.final()]))
}

/** Above this the cipher itself is quicker. */
const MAX_MASKED_BYTES = 4096

/** The counter mode for messages: to set up a cipher takes longer than to encrypt one, so one that knows the key stays. */
function masked(key: Uint8Array, iv: Uint8Array, input: Uint8Array): Uint8Array {
  if (input.length === 0) return new Uint8Array()
  const mask = blockCipher(key).update(counters(iv, Math.ceil(input.length / BLOCK_BYTES)))
  const out = new Uint8Array(input.length)
  for (let at = 0; at < out.length; at++) out[at] = input[at]! ^ mask[at]!
  return out
}

/** The initialization vector and the numbers that follow it. */
function counters(iv: Uint8Array, count: number): Uint8Array {
  const blocks = Buffer.allocUnsafe(count * BLOCK_BYTES)
  blocks.set(iv)
  for (let start = BLOCK_BYTES; start < blocks.length; start += BLOCK_BYTES) {
    blocks.copyWithin(start, start - BLOCK_BYTES, start)
    let at = start + BLOCK_BYTES - 1
    while (at > start && blocks[at] === 255) blocks[at--] = 0
    blocks[at] = blocks[at]! + 1
  }
  return blocks
}

let latest: { readonly key: Buffer; readonly cipher: Cipheriv } | undefined

function blockCipher(key: Uint8Array): Cipheriv {
  if (latest === undefined || !latest.key.equals(key)) {
    const cipher = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false)
    latest = { key: Buffer.from(key), cipher }
  }
  return latest.cipher
}

function cbc(direction: string, algorithm: string, key: Uint8Array, iv: Uint8Array, input: Uint8Array): Uint8Array {
  if (input.length % BLOCK_BYTES !== 0) {
    const what = direction === 'encrypt' ? 'plaintext' : 'ciphertext'
    throw new MappingError(`${what} is not a multiple of the block size`)
  }
  const create = direction === 'encrypt' ? createCipheriv : createDecipheriv
  const cipher = create(algorithm, key, iv).setAutoPadding(false)
  return new Uint8Array(Buffer.concat([cipher.update(input), cipher.final()]))
}

function gcm(direction: string, algorithm: CipherGCMTypes, key: Uint8Array, iv: Uint8Array) {
  return (input: Uint8Array): Uint8Array => {
    // The original dies of a panic here.
    if (iv.length !== GCM_NONCE_BYTES) {
      throw new MappingError(`the initialisation vector of gcm must be ${GCM_NONCE_BYTES} bytes long, got ${iv.length}`)
    }
    return direction === 'encrypt' ? seal(algorithm, key, iv, input) : open(algorithm, key, iv, input)
  }
}

function seal(algorithm: CipherGCMTypes, key: Uint8Array, iv: Uint8Array, input: Uint8Array): Uint8Array {
  const cipher: CipherGCM = createCipheriv(algorithm, key, iv)
  const sealed = [cipher.update(input), cipher.final()]
  return new Uint8Array(Buffer.concat([...sealed, cipher.getAuthTag()]))
}

function open(algorithm: CipherGCMTypes, key: Uint8Array, iv: Uint8Array, input: Uint8Array): Uint8Array {
  const failure = new MappingError('gcm decrypting failed: cipher: message authentication failed')
  if (input.length < GCM_TAG_BYTES) throw failure
  const decipher: DecipherGCM = createDecipheriv(algorithm, key, iv)
  decipher.setAuthTag(input.subarray(-GCM_TAG_BYTES))
  try {
    return new Uint8Array(Buffer.concat([decipher.update(input.subarray(0, -GCM_TAG_BYTES)), decipher.final()]))
  } catch {
    throw failure
  }
}
