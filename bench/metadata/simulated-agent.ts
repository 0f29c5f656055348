import { setTimeout as sleep } from 'node:timers/promises'
import type { Metadata } from '../../src/metadata/index.ts'
import { newBatch } from './batches.ts'

interface SimulatedAgentOptions {
  readonly metadata: Metadata
  /** The upload epoch. */
  readonly epoch: number
  /** Distinguishes it from the others; also the id of its producer. */
  readonly index: number
  /** Each object has a batch for each of them. */
  readonly partitions: readonly number[]
}

/** Objects become ready at a constant rate; those that are ready are committed together. */
export class SimulatedAgent {
  /** For each object, in milliseconds. */
  readonly latencies: number[] = []
  readonly #options: SimulatedAgentOptions
  #sequence = 0

  constructor(options: SimulatedAgentOptions) {
    this.#options = options
  }

  /** `startAt` is on the clock of `performance.now()`. */
  async run(startAt: number, seconds: number, perSecond: number): Promise<void> {
    const count = Math.floor(seconds * perSecond)
    const dueAt = (number: number) => startAt + (number * 1000) / perSecond
    for (let done = 0; done < count; ) {
      await sleep(Math.max(0, dueAt(done) - performance.now()))
      const now = performance.now()
      let ready = done + 1
      while (ready < count && dueAt(ready) <= now) ready++
      await this.#options.metadata.commit(Array.from({ length: ready - done }, () => this.#object()))
      const committedAt = performance.now()
      for (; done < ready; done++) this.latencies.push(committedAt - dueAt(done))
    }
  }

  #object(): Parameters<Metadata['commit']>[0][number] {
    const { epoch, index, partitions } = this.#options
    const sequence = this.#sequence++
    return {
      key: `data/${epoch}/${index}-${sequence}`,
      sizeBytes: 1000 * partitions.length,
      epoch,
      batches: partitions.map((partition, place) =>
        // Half of the batches are from an idempotent producer.
        newBatch(partition, place, sequence, place % 2 === 0 ? index : -1),
      ),
    }
  }
}
