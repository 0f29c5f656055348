import { asError } from '../../base/index.ts'
import { type Batch, deliverEachOf } from '../batch.ts'
import { maxInFlightField } from '../common-fields.ts'
import { defineOutput, NotConnectedError, type Output } from '../component.ts'
import { field } from '../fields.ts'
import type { Message } from '../message.ts'
import type { OutputTarget } from './output.suite.ts'

/** An in-memory output called `recorder` that keeps the contract: a destination that a suite can inspect and break. */
export class Recorder implements OutputTarget {
  readonly poison = 'poison'
  readonly specs: readonly unknown[]
  readonly #arrived: string[] = []
  readonly #rejectedOnce: Set<string>
  #isConnected = false
  #isHeld = false
  #waiting: (() => void)[] = []

  /**
   * `wrap` modifies the output to make it faulty; `rejectsFirst` lists bodies that are rejected on their first attempt.
   */
  constructor(options: {
    readonly takesRuns: boolean
    readonly wrap?: (output: Output) => Output
    readonly rejectsFirst?: readonly string[]
  }) {
    const { takesRuns, wrap = output => output, rejectsFirst = [] } = options
    this.#rejectedOnce = new Set(rejectsFirst)
    const spec = defineOutput({
      name: 'recorder',
      summary: 'Records messages, for a suite.',
      config: field.object({ max_in_flight: maxInFlightField(64) }),
      create: () => wrap(this.#output(takesRuns)),
    })
    this.specs = [spec]
  }

  config(maxInFlight = 64): string {
    return `{ recorder: { max_in_flight: ${maxInFlight} } }`
  }

  delivered(): readonly string[] {
    return this.#arrived
  }

  held(): number {
    return this.#waiting.length
  }

  hold(): void {
    this.#isHeld = true
  }

  release(): void {
    this.#isHeld = false
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  cut(): void {
    this.#isConnected = false
  }

  close(): void {
    this.release()
  }

  #output(takesRuns: boolean): Output {
    const write = async (batch: Batch) => {
      await this.#admit()
      await deliverEachOf(batch, message => this.#take(message))
    }
    const writeRun = async (run: readonly Message[]) => {
      await this.#admit()
      return run.map(message => this.#outcomeOf(message))
    }
    const connect = () => {
      this.#isConnected = true
    }
    return takesRuns ? { connect, write, writeRun } : { connect, write }
  }

  async #admit(): Promise<void> {
    if (!this.#isConnected) throw new NotConnectedError()
    if (this.#isHeld) await new Promise<void>(resolve => this.#waiting.push(resolve))
  }

  #outcomeOf(message: Message): Error | null {
    try {
      this.#take(message)
      return null
    } catch (error) {
      return asError(error)
    }
  }

  #take(message: Message): void {
    const body = message.text()
    if (body === this.poison || this.#rejectedOnce.delete(body)) throw new Error('rejected')
    this.#arrived.push(body)
  }
}
