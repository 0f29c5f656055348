import { defineInput, type Input, NotConnectedError } from '../component.ts'
import { deliverEach, type Delivery } from '../delivery.ts'
import { field } from '../fields.ts'
import { Message } from '../message.ts'
import type { InputTarget } from './input.suite.ts'

const NEXT = 8

/**
 * An in-memory input called `pond` that keeps the contract: a source that remembers which messages were acknowledged.
 */
export class Pond implements InputTarget {
  readonly config = '{ pond: {} }'
  readonly specs: readonly unknown[]
  readonly bodies: readonly string[]
  /** Indexes of the messages that are not acknowledged. */
  readonly #kept: Set<number>
  #cuts = 0
  #wake: () => void = () => undefined

  /** `wrap` modifies the input to make it faulty. */
  constructor(bodies: readonly string[], wrap: (input: PondInput) => Input = input => input) {
    this.bodies = bodies
    this.#kept = new Set(bodies.keys())
    const spec = defineInput({
      name: 'pond',
      summary: 'Delivers its messages, for a suite.',
      config: field.anyObject('').default({}),
      create: () => wrap(this.#input()),
    })
    this.specs = [spec]
  }

  cut(): void {
    this.#cuts++
    this.#wake()
  }

  /**
   * Unacknowledged messages are handed out again on the next connection; acknowledgements are sent on close or connect.
   */
  #input(): PondInput {
    let ready: number[] = []
    let cuts = -1
    const acknowledged: number[] = []
    const flush = () => {
      for (const place of acknowledged.splice(0)) this.#kept.delete(place)
    }
    return {
      connect: () => {
        flush()
        cuts = this.#cuts
        ready = [...this.#kept]
      },
      read: async signal => {
        while (ready.length === 0) {
          if (signal.aborted) return null
          if (cuts !== this.#cuts) throw new NotConnectedError()
          await new Promise<void>(resolve => {
            this.#wake = resolve
            signal.addEventListener('abort', () => resolve(), { once: true })
          })
        }
        if (cuts !== this.#cuts) throw new NotConnectedError()
        const places = new Map(ready.splice(0, NEXT).map(place => [Message.fromText(this.bodies[place]!), place]))
        return deliverEach([...places.keys()], (messages, error) => {
          for (const message of messages) {
            const place = places.get(message)!
            if (error === null) acknowledged.push(place)
            else ready.push(place)
          }
          this.#wake()
        })
      },
      close: flush,
      forget: () => {
        for (const place of ready.splice(0)) this.#kept.delete(place)
      },
      loseAcknowledgements: () => void (acknowledged.length = 0),
    }
  }
}

/** The parts of a pond that a fault can replace. */
export interface PondInput extends Input {
  read(signal: AbortSignal): Promise<Delivery | null>
  close(): void
  /** Drops the messages that are ready to be read. */
  forget(): void
  loseAcknowledgements(): void
}
