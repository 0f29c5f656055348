import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'

/** A part of one block of an object. */
export interface WantedRange {
  readonly key: string
  readonly position: number
  readonly length: number
}

const nonceBytes = 12
const tagBytes = 16

/**
 * How agents of a cluster ask each other for ranges and answer. Both need the secret that the control plane gives to the
 * cluster's agents: a question is signed with it and an answer encrypted, so that records pass unread through a network that
 * is not encrypted, and somebody who repeats a question gets nothing that can be read.
 */
export class RangeSeal {
  readonly #signing: Buffer
  readonly #encryption: Buffer

  constructor(secret: string) {
    const derived = (purpose: string) => Buffer.from(hkdfSync('sha256', secret, '', purpose, 32))
    this.#signing = derived('questions')
    this.#encryption = derived('answers')
  }

  sign(range: WantedRange): string {
    return createHmac('sha256', this.#signing).update(nameOf(range)).digest('hex')
  }

  isSignature(signature: string, range: WantedRange): boolean {
    const [given, expected] = [Buffer.from(signature), Buffer.from(this.sign(range))]
    return given.length === expected.length && timingSafeEqual(given, expected)
  }

  seal(range: WantedRange, bytes: Buffer): Buffer {
    const nonce = randomBytes(nonceBytes)
    const cipher = createCipheriv('aes-256-gcm', this.#encryption, nonce).setAAD(Buffer.from(nameOf(range)))
    const body = [cipher.update(bytes), cipher.final()]
    return Buffer.concat([nonce, cipher.getAuthTag(), ...body])
  }

  /** Throws when the answer is not that of an agent of this cluster to this question. */
  open(range: WantedRange, sealed: Buffer): Buffer {
    const nonce = sealed.subarray(0, nonceBytes)
    const tag = sealed.subarray(nonceBytes, nonceBytes + tagBytes)
    const cipher = createDecipheriv('aes-256-gcm', this.#encryption, nonce, { authTagLength: tagBytes })
      .setAAD(Buffer.from(nameOf(range)))
      .setAuthTag(tag)
    return Buffer.concat([cipher.update(sealed.subarray(nonceBytes + tagBytes)), cipher.final()])
  }
}

function nameOf({ key, position, length }: WantedRange): string {
  return `${key} ${position} ${length}`
}
