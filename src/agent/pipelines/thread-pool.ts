import { PipelineThread, type StreamEnd, type StreamListener } from './pipeline-thread.ts'
import type { StreamOrder, ThreadData } from './protocol.ts'
import type { Sharing } from './sharing.ts'
import type { ThreadLimits } from './thread-watch.ts'

/** A higher limit would affect more pipelines when a thread is killed, and save little: see the figures in ADR 0012. */
const maxStreams = 25
const balanceIntervalMs = 5000
/** Above this share of a core the small pipelines of a thread would delay each other. */
const maxSharedCpu = 0.5

/**
 * A dedicated thread may do a lot of work: at this niceness, the Kafka port and small pipelines get three times its
 * share of a busy processor.
 */
const aloneNiceness = 5

/** Places each stream in a thread: small ones share threads, all others have their own. */
export class ThreadPool {
  readonly #data: Omit<ThreadData, 'niceness' | 'limits'>
  readonly #limits: ThreadLimits
  readonly #shared = new Set<PipelineThread>()
  /** Streams in shared threads that may be moved. */
  readonly #movable = new Set<string>()
  #balance: NodeJS.Timeout | undefined

  constructor(data: Omit<ThreadData, 'niceness' | 'limits'>, limits: ThreadLimits) {
    this.#data = data
    this.#limits = limits
  }

  /** Runs a stream as {@link PipelineThread.run} does. Throws if no thread can be created. `name` is for debuggers. */
  async run(
    name: string,
    stream: string,
    sharing: Sharing,
    order: StreamOrder,
    listener: StreamListener,
    signal: AbortSignal,
  ): Promise<StreamEnd> {
    if (sharing === 'alone')
      return await new PipelineThread(name, { ...this.#data, niceness: aloneNiceness }, this.#limits).run(
        stream,
        order,
        listener,
        signal,
      )
    const thread = this.#sharedThread()
    if (sharing === 'together') this.#movable.add(stream)
    try {
      return await thread.run(stream, order, listener, signal)
    } finally {
      this.#movable.delete(stream)
      if (!thread.isOpen) this.#forget(thread)
    }
  }

  #sharedThread(): PipelineThread {
    for (const thread of this.#shared) if (thread.isOpen && thread.size < maxStreams) return thread
    const thread = new PipelineThread('small pipelines', { ...this.#data, niceness: 0 }, this.#limits)
    this.#shared.add(thread)
    this.#balance ??= setInterval(() => this.#moveBusiest(), balanceIntervalMs)
    return thread
  }

  #forget(thread: PipelineThread): void {
    this.#shared.delete(thread)
    if (this.#shared.size > 0) return
    clearInterval(this.#balance)
    this.#balance = undefined
  }

  /**
   * Moves the busiest pipeline to its own thread, because it turned out not to be small: one at a time, because the
   * rest may be small without it.
   */
  #moveBusiest(): void {
    for (const thread of this.#shared) {
      if (thread.size < 2 || thread.cpu < maxSharedCpu) continue
      thread.displaceBusiest(stream => this.#movable.has(stream), 'it uses more than a small part of a core')
    }
  }
}
