import type { Log } from '../../base/index.ts'
import { ClosedError } from '../component.ts'
import type { Message, Metadata } from '../message.ts'
import { type Metrics, recorderOf } from '../metrics.ts'
import type { OnRejected, Segment } from '../runtime/segments.ts'
import { buffersOf, pack, unpack } from './packed.ts'
import type { ChainAnswer, ChainCall, ChainEvent, Counted } from './protocol.ts'

/** A thread started to run a chain: the subset of `Worker` that is needed here. */
export interface ChainThread {
  postMessage(call: ChainCall, moved: ArrayBuffer[]): void
  on(event: 'message', listener: (event: ChainEvent) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'exit', listener: (code: number) => void): unknown
  terminate(): Promise<unknown>
}

interface ChainThreadsOptions {
  readonly count: number
  readonly start: () => ChainThread
  readonly log: Log
  readonly metrics: Metrics
}

/** Segments that a thread is given at a time: one to work on, and one that it need not wait for. */
const roomPerThread = 2

/** The same chain of processors in several threads. Work goes to the least busy thread. */
export class ChainThreads {
  readonly #threads: Lane[]
  readonly #readiness: Promise<unknown>

  constructor(options: ChainThreadsOptions) {
    this.#threads = Array.from({ length: options.count }, () => new Lane(options))
    this.#readiness = Promise.race(this.#threads.map(lane => lane.ready))
  }

  /** Resolves when a thread accepts work; rejects if the first one failed to start. */
  get ready(): Promise<unknown> {
    return this.#readiness
  }

  /** Whether any thread is alive. One that ends before it is ready is not restarted. */
  get isAlive(): boolean {
    return this.#threads.some(({ isAlive }) => isAlive)
  }

  /** Whether a thread accepts another segment without letting it wait for long. */
  get hasRoom(): boolean {
    return this.#threads.some(({ isAlive, pending }) => isAlive && pending < roomPerThread)
  }

  /** Processes a segment in a thread. Rejects if the thread ends meanwhile. */
  run(segment: Segment, onRejected: OnRejected): Promise<readonly Segment[]> {
    const alive = this.#threads.filter(({ isAlive }) => isAlive)
    if (alive.length === 0) return Promise.reject(new Error('all threads of the pipeline have exited'))
    return alive.reduce((best, lane) => (lane.pending < best.pending ? lane : best)).run(segment, onRejected)
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map(lane => lane.close()))
  }
}

interface Pending {
  readonly messages: readonly Message[]
  readonly known: Metadata[]
  readonly onRejected: OnRejected
  readonly resolve: (segments: readonly Segment[]) => void
  readonly reject: (error: Error) => void
}

/** A slot for a thread; a thread that ended is replaced. */
class Lane {
  readonly #options: ChainThreadsOptions
  readonly #pending = new Map<number, Pending>()
  #thread: ChainThread
  readonly #ready = Promise.withResolvers<void>()
  #series: ((value: number, times?: number) => void)[] = []
  #nextId = 0
  #isClosed = false
  #isAlive = true

  constructor(options: ChainThreadsOptions) {
    this.#options = options
    this.#ready.promise.catch(() => undefined)
    this.#thread = this.#start()
  }

  get ready(): Promise<void> {
    return this.#ready.promise
  }

  get isAlive(): boolean {
    return this.#isAlive
  }

  get pending(): number {
    return this.#pending.size
  }

  run({ messages, isRun }: Segment, onRejected: OnRejected): Promise<readonly Segment[]> {
    const id = this.#nextId++
    const known: Metadata[] = []
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { messages, known, onRejected, resolve, reject })
      const packed = pack(messages)
      // The thread's answer refers to the metadata that it was sent.
      for (let i = 0; i < messages.length; i++) known[packed.metadata[i]!] ??= messages[i]!.metadata
      this.#thread.postMessage({ id, isRun, messages: packed }, buffersOf(packed))
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#thread.terminate()
    this.#fail(new ClosedError())
  }

  #start(): ChainThread {
    const thread = this.#options.start()
    let reason = new Error('a thread of the pipeline exited')
    this.#series = []
    let wasReady = false
    thread.on('message', event => {
      wasReady ||= event.kind === 'ready'
      this.#take(event)
    })
    thread.on('error', error => {
      reason = new Error(`a thread of the pipeline failed: ${error.message}`, { cause: error })
    })
    thread.on('exit', () => {
      if (this.#isClosed) return
      this.#options.log.error(reason.message)
      this.#ready.reject(reason)
      if (wasReady) this.#thread = this.#start()
      else this.#isAlive = false
      this.#fail(reason)
    })
    return thread
  }

  #take(event: ChainEvent): void {
    switch (event.kind) {
      case 'ready':
        return this.#ready.resolve()
      case 'log':
        return this.#options.log.log(event.level, event.message, event.fields)
      case 'failed':
        this.#settle(event.id)?.reject(new Error(event.reason))
        return
      case 'answer': {
        this.#count(event.counted)
        const pending = this.#settle(event.id)
        if (pending !== undefined) pending.resolve(segmentsOf(event, pending))
      }
    }
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    return pending
  }

  #fail(error: Error): void {
    const all = [...this.#pending.values()]
    this.#pending.clear()
    for (const { reject } of all) reject(error)
  }

  #count({ made, changes }: Counted): void {
    const { metrics } = this.#options
    for (const { kind, name, labels } of made) this.#series.push(recorderOf(metrics, kind, name, labels))
    for (const [series, value, times] of changes) this.#series[series]!(value, times)
  }
}

/** The results of a call, each linked to its source messages. */
function segmentsOf(answer: ChainAnswer, { messages: sources, known, onRejected }: Pending): readonly Segment[] {
  for (const [place, reason] of answer.rejected) onRejected(sources[place]!, new Error(reason))
  const several = new Map(answer.severalSources)
  const results = unpack(answer.messages, known).map((result, index) => {
    const made = sources[answer.sources[index]!]!.withUnpacked(result)
    const places = several.get(index)
    return places === undefined ? made : made.madeOf(places.map(place => sources[place]!))
  })
  let start = 0
  return answer.segments.map(({ count, isRun }) => {
    start += count
    return { messages: results.slice(start - count, start), isRun }
  })
}
