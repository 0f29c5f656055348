import type { Receiver } from 'rhea'

/** Limits the total of a receiver's unsettled messages and of those that the server may still send. */
export class ReceiverCredit {
  readonly #receiver: Receiver
  readonly #limit: number
  /** Messages that the server may still send. */
  #left = 0
  #unsettled = 0
  #isGiving = false

  /** The receiver must have `credit_window: 0`. */
  constructor(receiver: Receiver, limit: number) {
    this.#receiver = receiver
    this.#limit = limit
    // RabbitMQ 3 exceeds its credit slightly if more was granted in the meantime. The library prints a line for each
    // message that arrives when its counter is at 0, so the counter is hidden from it.
    Object.defineProperty(receiver, 'credit', {
      get: () => (this.#isGiving ? this.#left : Math.max(this.#left, 1)),
      set: (left: number) => {
        this.#left = left
      },
    })
    receiver.on('message', () => this.#unsettled++)
    this.#give(limit)
  }

  /** Grants the server more credit, several messages at a time; fewer only where it would have to stop. */
  settled(): void {
    this.#unsettled--
    const missing = this.#limit - this.#unsettled - this.#left
    if (missing >= this.#limit / 4 || (this.#left === 0 && missing > 0)) this.#give(missing)
  }

  #give(count: number): void {
    this.#isGiving = true
    this.#receiver.add_credit(count)
    this.#isGiving = false
  }
}
