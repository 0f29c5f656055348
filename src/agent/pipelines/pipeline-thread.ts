import { getCompileCacheDir } from 'node:module'
import { Worker } from 'node:worker_threads'
import { workerUrl } from '../../base/index.ts'
import { grantedEnvironment } from '../../host/index.ts'
import type {
  StreamEvent,
  StreamOrder,
  StreamPulse,
  ThreadData,
  ThreadMessage,
  ThreadOrder,
  ThreadPulse,
} from './protocol.ts'
import { outOfMemory, type PipelineFailure, SilenceWatch, type ThreadLimits, watchIntervalMs } from './thread-watch.ts'

/**
 * A thread that is silent for this long while its only stream is being stopped would not deliver anything within the
 * grace period either.
 */
const silentStopMs = 3000

/** How the run of a stream ended. */
export type StreamEnd =
  | { readonly kind: 'ended' }
  | ({ readonly kind: 'failed' } & PipelineFailure)
  /**
   * Its thread ended, or the stream was moved out of it, through no known fault of the stream: it has to run in its own
   * thread.
   */
  | { readonly kind: 'displaced'; readonly reason: string }

/** The figures of a stream, with its share of its thread's usage. */
export interface StreamFigures extends Omit<StreamPulse, 'stream'> {
  readonly memoryBytes: number
  /** Share of one core. */
  readonly cpu: number
}

export interface StreamListener {
  onStarted(): void
  onPulse(figures: StreamFigures): void
  onEndpoints(paths: readonly string[]): void
  /** A line written to the standard output or error of the thread, by this stream or by one that shares the thread. */
  onOutput(line: string): void
}

interface Hosted {
  readonly listener: StreamListener
  readonly signal: AbortSignal
  readonly settle: (end: StreamEnd) => void
  readonly stop: () => void
  last: StreamPulse
  isStarted: boolean
  /** Why it has to leave the thread, if it does. */
  displacedBy: string | undefined
  stopTimer: NodeJS.Timeout | undefined
  /** Messages read when the busiest stream was last determined. */
  readBefore: number
}

const zeroCounters = { input_received: 0, output_sent: 0, input_errors: 0, output_errors: 0, processor_errors: 0 }

/**
 * A thread in which one or several streams run. It is stopped when its last stream has ended, and killed when it is
 * stuck or exceeds its limits; other threads are not affected. Streams that shared a killed thread are displaced,
 * because it is not known which of them was the cause; one that was alone in it has failed.
 */
export class PipelineThread {
  readonly #worker: Worker
  readonly #limits: ThreadLimits
  readonly #streams = new Map<string, Hosted>()
  readonly #silence: SilenceWatch
  readonly #watch: NodeJS.Timeout
  readonly #exited: Promise<void>
  #failure: PipelineFailure | undefined
  #isOpen = true
  /** Whether the thread ends because of a stream that has left it, so the remaining ones are not blamed. */
  #endsForAnother = false
  #pulse: ThreadPulse = { kind: 'pulse', memoryBytes: 0, cpuMs: 0, chains: { count: 0, cpuMs: 0 }, streams: [] }
  #pulseAt = performance.now()
  /** Share of one core between the last two pulses. */
  #cpu = 0

  /** Throws if the thread cannot be created. */
  constructor(name: string, data: Omit<ThreadData, 'limits'>, limits: ThreadLimits) {
    this.#limits = limits
    const compileCache = getCompileCacheDir()
    this.#worker = new Worker(workerUrl(import.meta.url, './pipeline.worker.ts'), {
      name,
      workerData: { ...data, limits },
      // Compiled code is shared with earlier threads.
      env: {
        ...grantedEnvironment(data.policy.grants, process.env),
        ...(compileCache === undefined ? {} : { NODE_COMPILE_CACHE: compileCache }),
      },
      stdin: false,
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: limits.memoryMb, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 },
    })
    this.#silence = new SilenceWatch(this.#worker, limits)
    this.#worker.on('message', (message: ThreadMessage) => this.#onMessage(message))
    this.#worker.on('error', (error: Error & { code?: string }) => {
      this.#failure ??=
        error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? outOfMemory(limits) : { code: 'crashed', message: error.message }
    })
    this.#forwardLines()
    this.#watch = setInterval(() => this.#check(), watchIntervalMs)
    this.#exited = new Promise(resolve => {
      this.#worker.once('exit', exitCode => {
        this.#onExit(exitCode)
        resolve()
      })
    })
  }

  /** Whether it accepts more streams. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  get size(): number {
    return this.#streams.size
  }

  /** Share of one core that it uses. */
  get cpu(): number {
    return this.#cpu
  }

  /**
   * Runs a stream until it ends, fails, has to leave, or the signal stops it. Once the promise resolves, nothing of the
   * stream is running.
   */
  run(stream: string, order: StreamOrder, listener: StreamListener, signal: AbortSignal): Promise<StreamEnd> {
    return new Promise(resolve => {
      const stop = () => this.#stop(stream)
      this.#streams.set(stream, {
        listener,
        signal,
        settle: resolve,
        stop,
        last: { stream, counters: zeroCounters, logs: [], problem: null },
        isStarted: false,
        displacedBy: undefined,
        stopTimer: undefined,
        readBefore: 0,
      })
      this.#post({ kind: 'start', stream, order })
      if (signal.aborted) stop()
      signal.addEventListener('abort', stop, { once: true })
    })
  }

  /**
   * Displaces the stream that has read the most messages since the last call, among those for which `mayMove` returns
   * true, if there is one.
   */
  displaceBusiest(mayMove: (stream: string) => boolean, reason: string): void {
    let busiest: Hosted | undefined
    let most = 0
    for (const [stream, hosted] of this.#streams) {
      const read = hosted.last.counters.input_received - hosted.readBefore
      hosted.readBefore += read
      if (read <= most || !mayMove(stream)) continue
      most = read
      busiest = hosted
    }
    if (busiest === undefined || busiest.displacedBy !== undefined || busiest.signal.aborted) return
    busiest.displacedBy = reason
    busiest.stop()
  }

  #stop(stream: string): void {
    const hosted = this.#streams.get(stream)
    if (hosted === undefined || hosted.stopTimer !== undefined) return
    const { graceMs } = this.#limits
    this.#post({ kind: 'stop', stream, timeoutMs: graceMs })
    hosted.stopTimer = setTimeout(() => this.#close(), graceMs + 1000)
  }

  #onMessage(message: ThreadMessage): void {
    if (message.kind === 'pulse') return this.#onPulse(message)
    const hosted = this.#streams.get(message.stream)
    if (hosted !== undefined) this.#onEvent(message.stream, hosted, message)
  }

  #onEvent(stream: string, hosted: Hosted, event: StreamEvent): void {
    switch (event.kind) {
      case 'started':
        hosted.isStarted = true
        return hosted.listener.onStarted()
      case 'endpoints':
        return hosted.listener.onEndpoints(event.paths)
      case 'failed':
        return this.#end(stream, hosted, { kind: 'failed', code: event.code, message: event.message }, true)
      case 'ended':
        return this.#end(stream, hosted, { kind: 'ended' }, event.isClean)
      default:
        event satisfies never
    }
  }

  #onPulse(pulse: ThreadPulse): void {
    const now = performance.now()
    const cpuMs = pulse.cpuMs + pulse.chains.cpuMs - this.#pulse.cpuMs - this.#pulse.chains.cpuMs
    this.#cpu = Math.max(0, Math.min(1 + pulse.chains.count, cpuMs / Math.max(1, now - this.#pulseAt)))
    this.#pulse = pulse
    this.#pulseAt = now
    this.#silence.pulse(pulse.cpuMs)
    const shares = this.#cpuShares(pulse)
    for (const changed of pulse.streams) {
      const hosted = this.#streams.get(changed.stream)
      if (hosted !== undefined) hosted.last = changed
    }
    for (const [stream, hosted] of this.#streams) {
      const { counters, logs, problem } = hosted.last
      const memoryBytes = pulse.memoryBytes / this.#streams.size
      hosted.listener.onPulse({ counters, logs, problem, memoryBytes, cpu: shares(stream) })
      if (logs.length > 0) hosted.last = { ...hosted.last, logs: [] }
    }
    if (pulse.memoryBytes > this.#limits.memoryMb * 1024 * 1024 * 1.1) this.#kill(outOfMemory(this.#limits))
  }

  /**
   * Divides the thread's processor time among its streams by the messages they handled, because it cannot be measured
   * per stream.
   */
  #cpuShares({ streams }: ThreadPulse): (stream: string) => number {
    const handled = new Map<string, number>()
    let total = 0
    for (const { stream, counters } of streams) {
      const before = this.#streams.get(stream)?.last.counters
      if (before === undefined) continue
      const count = counters.input_received - before.input_received + counters.output_sent - before.output_sent
      handled.set(stream, count)
      total += count
    }
    if (total === 0) return () => this.#cpu / Math.max(1, this.#streams.size)
    return stream => (this.#cpu * (handled.get(stream) ?? 0)) / total
  }

  /** Checks whether the thread is stuck if it has not sent a pulse for a while. */
  #check(): void {
    const failure = this.#silence.check([...this.#streams.values()].some(({ isStarted }) => !isStarted))
    if (failure !== null) return this.#kill(failure)
    const [only] = this.#streams.values()
    if (this.#streams.size === 1 && only!.signal.aborted && this.#silence.silentMs >= silentStopMs) this.#close()
  }

  #kill(failure: PipelineFailure): void {
    this.#failure ??= failure
    this.#close()
  }

  /** Ends the thread, whatever still runs in it. */
  #close(): void {
    this.#isOpen = false
    void this.#worker.terminate()
  }

  /** Ends one stream; parts that were not stopped cleanly end with the thread, and so does the last stream. */
  #end(stream: string, hosted: Hosted, end: StreamEnd, isClean: boolean): void {
    if (this.#streams.size === 1 || !isClean) {
      this.#endsForAnother = true
      this.#isOpen = false
      void this.#worker.terminate()
      void this.#exited.then(() => hosted.settle(outcome(hosted, end)))
    } else hosted.settle(outcome(hosted, end))
    this.#remove(stream, hosted)
  }

  #onExit(exitCode: number): void {
    this.#isOpen = false
    clearInterval(this.#watch)
    const failure = this.#failure ?? {
      code: 'crashed',
      message: `the pipeline's thread ended with exit code ${exitCode}`,
    }
    const end: StreamEnd =
      this.#streams.size === 1 && !this.#endsForAnother
        ? { kind: 'failed', ...failure }
        : { kind: 'displaced', reason: 'a pipeline in the same thread was stopped' }
    for (const [stream, hosted] of this.#streams) {
      this.#remove(stream, hosted)
      hosted.settle(outcome(hosted, end))
    }
  }

  #remove(stream: string, hosted: Hosted): void {
    this.#streams.delete(stream)
    clearTimeout(hosted.stopTimer)
    hosted.signal.removeEventListener('abort', hosted.stop)
  }

  #post(message: ThreadOrder): void {
    this.#worker.postMessage(message)
  }

  #forwardLines(): void {
    for (const stream of [this.#worker.stdout, this.#worker.stderr]) {
      let rest = ''
      stream.setEncoding('utf8')
      stream.on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n')
        rest = lines.pop()!.slice(-4096)
        for (const line of lines.slice(-100)) for (const { listener } of this.#streams.values()) listener.onOutput(line)
      })
    }
  }
}

/** A stream that was stopped counts as ended, whatever else happened to it. */
function outcome({ signal, displacedBy }: Hosted, end: StreamEnd): StreamEnd {
  if (signal.aborted) return { kind: 'ended' }
  return displacedBy === undefined ? end : { kind: 'displaced', reason: displacedBy }
}
