import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'
import type { Random } from '../base/index.ts'

const algorithm = 'aes-256-gcm'
const nonceBytes = 12
const tagBytes = 16
export const sealingKeyBytes = 32

/** The sealing key does not match the secrets in the database. */
export class SealingKeyError extends Error {
  readonly code = 'wrong_sealing_key'
}

/**
 * Encrypts secrets that have to be read back, with a key that is kept outside the database. A sealed secret is bound to
 * the id of its row and cannot be opened for any other.
 */
export class Sealer {
  readonly #key: Uint8Array
  readonly #random: Random

  /** `key` has 32 bytes. */
  constructor(key: Uint8Array, random: Random) {
    if (key.length !== sealingKeyBytes)
      throw new SealingKeyError(`the sealing key has ${key.length} bytes and needs ${sealingKeyBytes}`)
    this.#key = key
    this.#random = random
  }

  /** The nonce, the authentication tag and the ciphertext, in base64. */
  seal(secret: string, rowId: string): string {
    const nonce = this.#random.bytes(nonceBytes)
    const cipher = createCipheriv(algorithm, this.#key, nonce).setAAD(Buffer.from(rowId))
    const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64')
  }

  /** Throws a SealingKeyError if the secret was sealed with another key or for another row. */
  open(sealed: string, rowId: string): string {
    const bytes = Buffer.from(sealed, 'base64')
    const tag = bytes.subarray(nonceBytes, nonceBytes + tagBytes)
    try {
      const decipher = createDecipheriv(algorithm, this.#key, bytes.subarray(0, nonceBytes), {
        authTagLength: tagBytes,
      })
      decipher.setAAD(Buffer.from(rowId)).setAuthTag(tag)
      const secret = Buffer.concat([decipher.update(bytes.subarray(nonceBytes + tagBytes)), decipher.final()])
      return secret.toString('utf8')
    } catch (cause) {
      const message = `the secret of ${rowId} was sealed with another key: start with the key file that belongs to this database`
      throw new SealingKeyError(message, { cause })
    }
  }
}

/** The stored form of secrets that only have to be recognised. They are random, so a plain hash is sufficient. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}
