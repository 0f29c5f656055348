import type { Input } from '../component.ts'
import { Delivery } from '../delivery.ts'
import { PartialFailure } from '../batch.ts'
import { Message } from '../message.ts'

/** One delivery of a source: a run of messages each of which is a batch by itself, or one batch. */
export interface Feed {
  readonly kind: 'run' | 'batch'
  readonly bodies: readonly string[]
}

/** The input of a contract suite: delivers what it is given and records every outcome. */
export class Source implements Input {
  /** The outcomes of each body; more than one is a fault. */
  readonly answers = new Map<string, (Error | null)[]>()
  /** Number of messages read. */
  readMessages = 0
  readonly #feeds: Feed[]
  readonly #stays: boolean
  #wake: () => void = () => undefined

  /** With `stays` it does not end on its own after the last delivery. */
  constructor(feeds: readonly Feed[], stays: boolean) {
    this.#feeds = [...feeds]
    this.#stays = stays
  }

  /** Adds a delivery to a source that stays. */
  push(feed: Feed): void {
    this.#feeds.push(feed)
    this.#wake()
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    signal.addEventListener('abort', () => this.#wake(), { once: true })
    for (;;) {
      const feed = this.#feeds.shift()
      if (feed !== undefined) return this.#deliver(feed)
      if (!this.#stays || signal.aborted) return null
      await new Promise<void>(resolve => (this.#wake = resolve))
    }
  }

  /** The bodies that were settled once, as delivered or as rejected. */
  bodies(outcome: 'delivered' | 'rejected'): readonly string[] {
    const fits = (answers: readonly (Error | null)[]) =>
      answers.length === 1 && (answers[0] === null) === (outcome === 'delivered')
    return [...this.answers]
      .filter(([, answers]) => fits(answers))
      .map(([body]) => body)
      .toSorted()
  }

  /** The bodies that were settled more than once. */
  get settledTwice(): readonly string[] {
    return [...this.answers].filter(([, answers]) => answers.length > 1).map(([body]) => body)
  }

  #deliver({ kind, bodies }: Feed): Delivery {
    this.readMessages += bodies.length
    const messages = bodies.map(body => Message.fromText(body))
    return new Delivery(messages, kind === 'run', (some, error) => {
      for (const message of some) this.#note(message.text(), outcomeOf(message, error))
    })
  }

  #note(body: string, outcome: Error | null): void {
    this.answers.set(body, [...(this.answers.get(body) ?? []), outcome])
  }
}

function outcomeOf(message: Message, error: Error | null): Error | null {
  return error instanceof PartialFailure ? (error.failures.get(message) ?? null) : error
}
