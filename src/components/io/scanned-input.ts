import {
  type ByteSource,
  deliverEach,
  type Delivery,
  type Scanner,
  type ScannerFactory,
  whenAllSettled,
} from '../../engine/index.ts'

/** One source while it is cut into messages; tells when all of them were delivered. */
export class ScannedSource {
  readonly #scanner: Scanner
  readonly #onDelivered: () => Promise<void>
  #pending = 0
  #ended = false
  #isRefused = false

  constructor(factory: ScannerFactory, source: ByteSource, onDelivered: () => Promise<void> = () => Promise.resolve()) {
    this.#scanner = factory.scan(source)
    this.#onDelivered = onDelivered
  }

  /** The next messages, or null at the end. Throws where the source cannot be cut any further. */
  async next(): Promise<Delivery | null> {
    for (;;) {
      const messages = await this.#scanner.next()
      if (messages === null) {
        this.#ended = true
        if (this.#pending === 0 && !this.#isRefused) await this.#onDelivered()
        return null
      }
      if (messages.length === 0) continue
      this.#pending++
      return deliverEach(
        messages,
        whenAllSettled(messages.length, error => this.#settled(error)),
      )
    }
  }

  /** Where anything was refused for good, the source does not count as delivered. */
  async #settled(error: Error | null): Promise<void> {
    this.#pending--
    this.#isRefused ||= error !== null
    if (this.#ended && this.#pending === 0 && !this.#isRefused) await this.#onDelivered()
  }

  async close(): Promise<void> {
    await this.#scanner.close()
  }
}
