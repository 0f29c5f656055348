import type { MaybePromise } from '../component.ts'
import type { ProcessorChain } from '../runtime/chain.ts'
import type { OnRejected, Segment, SegmentRunner } from '../runtime/segments.ts'
import { nextTurn } from '../runtime/turns.ts'
import type { ChainThreads } from './chain-threads.ts'

/** How long a chain runs before it is judged, in milliseconds of its own processing time. */
const trialMs = 200
/** Passing a message to a thread and back costs about 3 µs; a chain cheaper than this gains nothing. */
const worthwhileMsPerMessage = 0.01

/**
 * A chain that is shared with other threads once that proves worthwhile; a cheap one stays in this thread. This thread
 * processes what the others have no room for: with `threads: 2` it is one of the two.
 */
export class AdaptiveChain implements SegmentRunner {
  /** A chain with processors that wait gains nothing from threads and is never wrapped. */
  readonly waits = false
  readonly length: number
  readonly #inLine: ProcessorChain
  readonly #start: () => ChainThreads
  readonly #monotonic: () => number
  #threads: ChainThreads | undefined
  #isReady = false
  /** Pending after this thread has processed a segment, until its event loop had a turn. */
  #turn: Promise<void> | undefined
  #elapsedMs = 0
  #count = 0

  constructor(inLine: ProcessorChain, start: () => ChainThreads, monotonic: () => number) {
    this.length = inLine.length
    this.#inLine = inLine
    this.#start = start
    this.#monotonic = monotonic
  }

  run(segment: Segment, onRejected: OnRejected): MaybePromise<readonly Segment[]> {
    if (this.#isReady && this.#threads!.isAlive) return this.#share(segment, onRejected)
    const startedAt = this.#monotonic()
    const results = this.#inLine.run(segment, onRejected)
    if (this.#threads === undefined) this.#judge(this.#monotonic() - startedAt, segment.messages.length)
    return results
  }

  async close(): Promise<void> {
    await this.#threads?.close()
    await this.#inLine.close()
  }

  async #share(segment: Segment, onRejected: OnRejected): Promise<readonly Segment[]> {
    const threads = this.#threads!
    while (!threads.hasRoom && this.#turn !== undefined) await this.#turn
    return await (threads.hasRoom ? threads.run(segment, onRejected) : this.#runHere(segment, onRejected))
  }

  /** Processes a segment at once, and lets the event loop serve the threads before the next one. */
  async #runHere(segment: Segment, onRejected: OnRejected): Promise<readonly Segment[]> {
    this.#turn = nextTurn().then(() => {
      this.#turn = undefined
    })
    return await this.#inLine.run(segment, onRejected)
  }

  #judge(elapsedMs: number, count: number): void {
    this.#elapsedMs += elapsedMs
    this.#count += count
    if (this.#elapsedMs < trialMs) return
    if (this.#elapsedMs / this.#count >= worthwhileMsPerMessage) void this.#move()
    this.#elapsedMs = 0
    this.#count = 0
  }

  async #move(): Promise<void> {
    this.#threads = this.#start()
    try {
      await this.#threads.ready
      this.#isReady = true
    } catch {
      // The threads log why they ended; the chain stays in this thread.
    }
  }
}
