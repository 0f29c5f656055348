import type { Receiver } from 'rhea'

/** Keeps the messages of a receiver that have no outcome yet, and those that the server may still send, within a limit. */
export class ReceiverCredit {
  readonly #receiver: Receiver
  readonly #limit: number
  /** How many messages the server may still send. */
  #left = 0
  #unsettled = 0
  #isGiving = false

  /** Of a receiver with `credit_window: 0`. */
  constructor(receiver: Receiver, limit: number) {
    this.#receiver = receiver
    this.#limit = limit
    // RabbitMQ 3 sends a few more than it has credit for where more was given to it meanwhile. The library prints a line for each
    // message that arrives where it has counted down to 0, so it never sees that.
    Object.defineProperty(receiver, 'credit', {
      get: () => (this.#isGiving ? this.#left : Math.max(this.#left, 1)),
      set: (left: number) => {
        this.#left = left
      },
    })
    receiver.on('message', () => this.#unsettled++)
    this.#give(limit)
  }

  /** Lets the server send on, some messages at a time; fewer only where it would have to stop. */
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
