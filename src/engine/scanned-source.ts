import { asError } from '../base/index.ts'
import { type ByteSource, ClosedError, isClosing, type Scanner, type ScannerFactory } from './component.ts'
import { deliverCut } from './codec.ts'
import { type AckSome, type Delivery, whenAllSettled } from './delivery.ts'

/**
 * Reports the outcome of a whole source: null if all of its messages were delivered, otherwise the first failure. A
 * `ClosedError` if the stream ended first.
 */
type Settled = (error: Error | null) => void | Promise<void>

/** A source being cut into messages. Calls `settled` once. */
export class ScannedSource {
  /** Number of messages cut so far. */
  messages = 0
  readonly #scanner: Scanner
  readonly #settled: Settled
  #pending = 0
  #isAtEnd = false
  #hasFailed = false
  #isSettled = false

  constructor(factory: ScannerFactory, source: ByteSource, settled: Settled = () => undefined) {
    this.#scanner = factory.scan(source)
    this.#settled = settled
  }

  /** The next messages, or null at the end. Throws once if the source cannot be cut any further. */
  async next(): Promise<Delivery | null> {
    for (;;) {
      if (this.#hasFailed) return null
      let messages
      try {
        messages = await this.#scanner.next()
      } catch (error) {
        this.#hasFailed = true
        await this.#settle(asError(error))
        throw error
      }
      if (messages === null) {
        this.#isAtEnd = true
        if (this.#pending === 0) await this.#settle(null)
        return null
      }
      if (messages.length === 0) continue
      this.messages += messages.length
      this.#pending++
      return deliverCut(this.#scanner, messages, this.#answer(messages.length))
    }
  }

  /** Closes the scanner. A source that was not read to its end counts as not delivered. */
  async close(): Promise<void> {
    await this.#scanner.close()
    if (!this.#isAtEnd) await this.#settle(new ClosedError())
  }

  #answer(count: number): AckSome {
    return whenAllSettled(count, async error => {
      this.#pending--
      // Messages that the stopping stream had no time for are neither delivered nor rejected.
      if (error !== null) await this.#settle(isClosing(error) ? new ClosedError() : error)
      else if (this.#isAtEnd && this.#pending === 0) await this.#settle(null)
    })
  }

  async #settle(error: Error | null): Promise<void> {
    if (this.#isSettled) return
    this.#isSettled = true
    await this.#settled(error)
  }
}
