import type { Worker } from 'node:worker_threads'

/** Why a pipeline was stopped. */
export interface PipelineFailure {
  readonly code: string
  readonly message: string
}

export interface ThreadLimits {
  /** Limit of the JavaScript heap and of buffers together, in MiB. */
  readonly memoryMb: number
  /** Processor time that a thread may use without a pulse, in milliseconds. */
  readonly silentMs: number
  /** How long messages in flight may take when a pipeline is stopped, in milliseconds. */
  readonly graceMs: number
}

/** The state of a thread that has not sent a pulse for a while. */
export interface Silence {
  /** Time since the last pulse during which the agent itself was running, in milliseconds. */
  readonly silentMs: number
  /** Processor time that the thread used since the last pulse, in milliseconds. */
  readonly cpuMs: number
  /** Heap and buffers in use, in bytes. */
  readonly usedBytes: number
  /** Whether one of its pipelines is loading. */
  readonly isStarting: boolean
}

/** Loading code and compiling mappings are not a loop; a start is given up only after this multiple of the limit. */
const startFactor = 6
/** A thread that uses no processor time waits for an external event, or for a processor: Kafka traffic has priority. */
const blockedFactor = 12

/**
 * Why a silent thread has to be stopped, or null if it may continue. Its own processor time decides: on a busy machine
 * a thread that is not scheduled is as silent as one in an endless loop.
 */
export function judgeSilence(silence: Silence, limits: ThreadLimits): PipelineFailure | null {
  const { silentMs, cpuMs, usedBytes, isStarting } = silence
  const limitBytes = limits.memoryMb * 1024 * 1024
  // Buffers are not part of the heap, to which the limit of the thread itself applies.
  if (usedBytes > limitBytes * 1.1) return outOfMemory(limits)
  const limitMs = limits.silentMs * (isStarting ? startFactor : 1)
  if (cpuMs >= limitMs) {
    // A thread that keeps collecting garbage makes no progress either.
    if (usedBytes > limitBytes * 0.7) return outOfMemory(limits)
    const what = isStarting ? 'did not start within' : 'did not respond during'
    return {
      code: 'unresponsive',
      message: `the pipeline ${what} ${limitMs / 1000} s of processor time and was stopped: it may be in an endless loop`,
    }
  }
  if (!isStarting && silentMs >= limits.silentMs * blockedFactor)
    return {
      code: 'unresponsive',
      message: `the pipeline did not respond for ${(limits.silentMs * blockedFactor) / 1000} s and was stopped: it is blocked`,
    }
  return null
}

export function outOfMemory({ memoryMb }: ThreadLimits): PipelineFailure {
  return {
    code: 'out_of_memory',
    message: `the pipeline needed more than its ${memoryMb} MiB of memory and was stopped`,
  }
}

export const watchIntervalMs = 500
/** After this silence the thread's processor time and heap are read, which interrupts it. */
const askAfterMs = 1500

/** Watches one thread, and notices when it is stuck. */
export class SilenceWatch {
  readonly #worker: Worker
  readonly #limits: ThreadLimits
  #watchedAt = performance.now()
  #silentMs = 0
  /** At its last pulse, and what was read since. */
  #pulseCpuMs = 0
  #cpuMs = 0
  #usedBytes = 0

  constructor(worker: Worker, limits: ThreadLimits) {
    this.#worker = worker
    this.#limits = limits
  }

  /**
   * How long the thread has not sent a pulse, not counting time in which the agent itself did not run, in milliseconds.
   */
  get silentMs(): number {
    return this.#silentMs
  }

  /** Records a pulse; `cpuMs` is the processor time that the thread has used since it started. */
  pulse(cpuMs: number): void {
    this.#silentMs = 0
    this.#pulseCpuMs = cpuMs
    this.#cpuMs = cpuMs
  }

  /** Checks the thread, every {@link watchIntervalMs}. Returns why it has to be stopped, or null. */
  check(isStarting: boolean): PipelineFailure | null {
    const now = performance.now()
    // While the agent itself did not run, the thread's pulses could not arrive.
    this.#silentMs += Math.min(now - this.#watchedAt, 2 * watchIntervalMs)
    this.#watchedAt = now
    if (this.#silentMs < askAfterMs) return null
    this.#ask()
    const cpuMs = this.#cpuMs - this.#pulseCpuMs
    return judgeSilence({ silentMs: this.#silentMs, cpuMs, usedBytes: this.#usedBytes, isStarting }, this.#limits)
  }

  #ask(): void {
    const ignoreEnd = () => {} // it has ended meanwhile
    this.#worker.cpuUsage().then(({ user, system }) => {
      this.#cpuMs = Math.max(this.#cpuMs, (user + system) / 1000)
    }, ignoreEnd)
    this.#worker.getHeapStatistics().then(heap => {
      this.#usedBytes = heap.used_heap_size + heap.external_memory
    }, ignoreEnd)
  }
}
