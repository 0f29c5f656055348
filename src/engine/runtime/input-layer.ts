import { messageOf } from '../../base/index.ts'
import type { Log } from '../../base/index.ts'
import { ClosedError, type Input, type InputHandle, isClosing, NotConnectedError } from '../component.ts'
import { type Delivery, isRun } from '../delivery.ts'
import type { Message } from '../message.ts'
import { type Counter, type Metrics, nullMetrics, type Timer } from '../metrics.ts'
import { Backoff, pause } from './backoff.ts'
import { Signal } from './limiter.ts'
import { failedOf } from './tracker.ts'
import { Turns } from './turns.ts'

export interface InputLayerOptions {
  readonly name: string
  readonly log: Log
  readonly metrics: Metrics
  readonly random: () => number
  readonly monotonic: () => number
  /** Whether the engine redelivers rejected messages; otherwise the component receives the rejection. */
  readonly replays: boolean
  /** Whether it only combines other inputs: those count their messages, this one does not. */
  readonly composes: boolean
  /** Adds a span to each message of a delivery; null if tracing is off. */
  readonly traced: ((delivery: Delivery) => Delivery) | null
}

/** How many times rejected messages are retried without a pause. */
const AT_ONCE = 2

/** How many times messages were rejected, and the pause before the next retry. */
interface Rejections {
  readonly count: number
  readonly backoff: Backoff
}

interface Replay {
  readonly messages: readonly Message[]
  readonly source: Delivery
  readonly rejections: Rejections
}

/**
 * The lifecycle of an input: connects with backoff, reads one batch at a time, keeps unacknowledged messages,
 * redelivers rejected ones before new ones, and ends only when everything is settled.
 */
export class InputLayer implements InputHandle {
  readonly #input: Input
  readonly #options: InputLayerOptions
  readonly #abort = new AbortController()
  readonly #changed = new Signal()
  readonly #replays: Replay[] = []
  readonly #received: Counter
  readonly #latency: Timer
  readonly #connects: Counter
  readonly #connectFailures: Counter
  readonly #connectionsLost: Counter
  readonly #turns: Turns
  readonly #drainListeners: (() => void)[] = []
  #reading: Promise<void> | null = null
  #ready: Delivery | null = null
  #pending = 0
  #started = false
  #ended = false
  #closed = false
  connected = false
  /** Failed reads on an open connection. */
  readErrors = 0

  constructor(input: Input, options: InputLayerOptions) {
    this.#input = input
    this.#options = options
    this.#turns = new Turns(options.monotonic)
    // A composing input leaves counting to its children, so that a message counts once.
    const metrics = options.composes ? nullMetrics : options.metrics
    this.#received = metrics.counter('input_received')
    this.#latency = metrics.timer('input_latency_ns')
    this.#connects = metrics.counter('input_connection_up')
    this.#connectFailures = metrics.counter('input_connection_failed')
    this.#connectionsLost = metrics.counter('input_connection_lost')
  }

  async next(signal: AbortSignal): Promise<Delivery | null> {
    this.#started = true
    const stop = () => this.stop()
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    try {
      for (;;) {
        const replay = this.#replays.shift()
        if (replay !== undefined) {
          // Like the original, which reads rejected messages again.
          this.#received.add(replay.messages.length)
          return this.#adopt(replay.messages, replay.source, replay.rejections)
        }
        if (this.#ready !== null) {
          const delivery = this.#ready
          this.#ready = null
          return this.#adopt(delivery.messages, delivery)
        }
        if (this.#ended) {
          for (const listener of this.#drainListeners) listener()
          if (this.#pending === 0) return null
        } else if (this.#reading === null) {
          if (this.#abort.signal.aborted) {
            // Stopped between two reads, so there is no read to wait for.
            this.#ended = true
            continue
          }
          this.#reading = this.#read()
        }
        await this.#changed.wait()
      }
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  get drained(): boolean {
    return this.#ended || (this.#ready === null && this.#input.ending?.drained === true)
  }

  /** Whether more of its own messages, as opposed to its children's, are still to come. */
  get isOpen(): boolean {
    return this.#started && !this.#ended && !this.#options.composes
  }

  get hasReplays(): boolean {
    return this.#replays.length > 0 || this.#input.ending?.hasReplays === true
  }

  onDrained(listener: () => void): void {
    this.#drainListeners.push(listener)
    this.#input.ending?.onDrained(listener)
  }

  stop(): void {
    this.#abort.abort(new ClosedError())
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.stop()
    await this.#reading
    await this.#input.close?.()
    this.connected = false
  }

  /** Reads until there is a batch or the source ends. Never rejects. */
  async #read(): Promise<void> {
    const backoff = new Backoff({ initialMs: 100, maxMs: 1000 }, this.#options.random)
    const { signal } = this.#abort
    try {
      while (!signal.aborted) {
        if (!this.connected && !(await this.#connect())) break
        const turn = this.#turns.next()
        if (turn !== undefined) await turn
        try {
          const delivery = await this.#input.read(signal)
          if (delivery === null) break
          if (delivery.messages.length > 0) {
            this.#received.add(delivery.messages.length)
            const { traced } = this.#options
            this.#ready = traced === null ? delivery : traced(delivery)
            return
          }
          await delivery.ack(null)
        } catch (error) {
          if (signal.aborted || error instanceof ClosedError) break
          if (error instanceof NotConnectedError) {
            this.#connectionsLost.add(1)
            this.connected = false
            continue
          }
          this.readErrors++
          this.#options.log.error(`Failed to read message: ${messageOf(error)}`)
          await pause(backoff.next() ?? 1000, signal)
        }
      }
      this.#ended = true
    } catch (error) {
      this.#options.log.error(`Failed to read message: ${messageOf(error)}`)
      this.#ended = true
    } finally {
      this.#reading = null
      this.#changed.notify()
    }
  }

  async #connect(): Promise<boolean> {
    const backoff = new Backoff({ initialMs: 100, maxMs: 1000 }, this.#options.random)
    const { signal } = this.#abort
    while (!signal.aborted) {
      try {
        await this.#input.connect?.(signal)
        this.connected = true
        if (!this.#options.composes) this.#options.log.info(`Input type ${this.#options.name} is now active`)
        this.#connects.add(1)
        return true
      } catch (error) {
        if (signal.aborted || error instanceof ClosedError) return false
        this.#options.log.error(`Failed to connect to ${this.#options.name}: ${messageOf(error)}`)
        this.#connectFailures.add(1)
        await pause(backoff.next() ?? 1000, signal)
      }
    }
    return false
  }

  /** Hands out messages of a source and keeps them pending until each is settled. */
  #adopt(messages: readonly Message[], source: Delivery, rejections?: Rejections): Delivery {
    this.#pending++
    let left = messages.length
    const startedAt = this.#options.monotonic()
    return source.like(messages, async (some, error) => {
      try {
        this.#latency.observe((this.#options.monotonic() - startedAt) * 1e6, isRun(source) ? some.length : 1)
        if (error !== null && this.#options.replays) {
          // Messages that the stopping stream has no time for stay unacknowledged; the source redelivers them later.
          if (!isClosing(error)) await this.#replay(some, source, error, rejections)
          return
        }
        await (isRun(source) ? source.settle(some, error) : source.ack(error))
      } catch (failure) {
        this.#options.log.error(`Failed to acknowledge message: ${messageOf(failure)}`)
      } finally {
        left -= some.length
        if (left === 0) this.#pending--
        this.#changed.notify()
      }
    })
  }

  async #replay(
    messages: readonly Message[],
    source: Delivery,
    error: Error,
    earlier: Rejections | undefined,
  ): Promise<void> {
    const { count, backoff } = earlier ?? {
      count: 0,
      backoff: new Backoff({ initialMs: 500, maxMs: 1000 }, this.#options.random),
    }
    // Most causes of a rejection are short-lived, so two immediate retries precede new messages.
    if (count >= AT_ONCE) await pause(backoff.next() ?? 1000)
    this.#replays.push({ messages: failedOf(messages, error), source, rejections: { count: count + 1, backoff } })
  }
}
