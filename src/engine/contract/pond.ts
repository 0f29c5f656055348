import { defineInput, type Input, NotConnectedError } from '../component.ts'
import { deliverEach, type Delivery } from '../delivery.ts'
import { field } from '../fields.ts'
import { Message } from '../message.ts'
import type { InputTarget } from './input.suite.ts'

const NEXT = 8

/** An input in memory, by the name `pond`, that keeps the contract: a source that remembers what was acknowledged. */
export class Pond implements InputTarget {
  readonly config = '{ pond: {} }'
  readonly specs: readonly unknown[]
  readonly bodies: readonly string[]
  /** Places of what was not acknowledged. */
  readonly #kept: Set<number>
  #cuts = 0
  #wake: () => void = () => undefined

  /** `wrap` changes the input, to make it faulty. */
  constructor(bodies: readonly string[], wrap: (input: PondInput) => Input = input => input) {
    this.bodies = bodies
    this.#kept = new Set(bodies.keys())
    const spec = defineInput({
      name: 'pond',
      summary: 'Delivers what it has, for a suite.',
      config: field.anyObject('').default({}),
      create: () => wrap(this.#input()),
    })
    this.specs = [spec]
  }

  cut(): void {
    this.#cuts++
    this.#wake()
  }

  /** What was handed out on a connection and not acknowledged is handed out again on the next one; acknowledgements are sent at the close. */
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

/** What a fault can be made of. */
export interface PondInput extends Input {
  read(signal: AbortSignal): Promise<Delivery | null>
  close(): void
  /** Drops what is ready to be read. */
  forget(): void
  loseAcknowledgements(): void
}
