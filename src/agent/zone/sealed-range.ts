import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'

/** A range within one block of an object. */
export interface WantedRange {
  readonly key: string
  readonly position: number
  readonly length: number
}

const nonceBytes = 12
const tagBytes = 16

/**
 * Protects the requests for ranges between agents of a cluster, and the responses. Both need the secret that the
 * control plane gives to the cluster's agents: a request is signed with it and a response encrypted, so that records
 * cannot be read on an unencrypted network, and replaying a request yields nothing readable.
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

  /** Throws if the response is not that of an agent of this cluster to this request. */
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
