// Calls to a worker thread and their outcomes: used for a database that runs in its own thread.
import { parentPort, receiveMessageOnPort, Worker } from 'node:worker_threads'

type ToWorker = { readonly id: number; readonly call: unknown } | 'close'
type FromWorker = 'open' | { readonly id: number; readonly outcome: Outcome } | { readonly event: unknown }

/** How a call ended. Errors cross threads as code and message. */
export type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: string; readonly message: string }

interface Pending {
  resolve(outcome: Outcome): void
  reject(error: Error): void
}

/** The calling side. */
export class CallWorker {
  readonly #worker: Worker
  readonly #pending = new Map<number, Pending>()
  readonly #lossListeners = new Set<(reason: Error) => void>()
  readonly #eventListeners = new Set<(event: unknown) => void>()
  readonly #opened = Promise.withResolvers<void>()
  readonly #exited: Promise<void>
  #nextId = 0
  #isClosed = false

  /** Starts the thread; resolves when the thread is ready, rejects if it ends first. */
  static async open(url: URL, options: { readonly name: string; readonly workerData: unknown }): Promise<CallWorker> {
    const worker = new CallWorker(new Worker(url, options))
    await worker.#opened.promise
    return worker
  }

  private constructor(worker: Worker) {
    this.#worker = worker
    worker.on('message', (message: FromWorker) => {
      if (message === 'open') return this.#opened.resolve()
      if ('event' in message) return this.#onEvent(message.event)
      this.#pending.get(message.id)?.resolve(message.outcome)
      this.#pending.delete(message.id)
    })
    let cause: unknown
    worker.on('error', error => {
      cause = error
    })
    this.#exited = new Promise(exited => {
      worker.on('exit', () => {
        this.#onExit(cause)
        exited()
      })
    })
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /**
   * The listener is called once if the thread ends without having been closed, before the pending calls are rejected.
   */
  onLost(listener: (reason: Error) => void): () => void {
    this.#lossListeners.add(listener)
    return () => this.#lossListeners.delete(listener)
  }

  /** The listener receives what the thread reports on its own. Returns a function that unsubscribes it. */
  onEvent(listener: (event: unknown) => void): () => void {
    this.#eventListeners.add(listener)
    return () => this.#eventListeners.delete(listener)
  }

  /** Resolves with the call's outcome; rejects with the reason if the thread ends first. */
  call(call: unknown): Promise<Outcome> {
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      this.#post({ id, call })
    })
  }

  /** Closes the thread after it has finished everything sent to it before. */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true
      this.#post('close')
    }
    await this.#exited
  }

  #onEvent(event: unknown): void {
    for (const listener of this.#eventListeners) listener(event)
  }

  #onExit(cause: unknown): void {
    const wasLost = !this.#isClosed
    this.#isClosed = true
    const reason = cause instanceof Error ? cause : new Error('the thread of the database ended', { cause })
    this.#opened.reject(reason)
    if (wasLost) for (const listener of this.#lossListeners) listener(reason)
    for (const pending of this.#pending.values()) pending.reject(reason)
    this.#pending.clear()
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message)
  }
}

/** Sends an event to the calling side. */
export type ReportEvent = (event: unknown) => void

/** The worker's side: answers calls until it is closed. Calls that are queued together start together, in order. */
export function serveCalls(answer: (call: unknown) => Promise<Outcome>, close: () => Promise<void>): ReportEvent {
  const port = parentPort!
  const post = (message: FromWorker) => port.postMessage(message)
  const receive = (message: ToWorker): void => {
    if (message === 'close') return void close().then(() => port.close())
    const { id, call } = message
    void answer(call).then(outcome => post({ id, outcome }))
  }
  port.on('message', (first: ToWorker) => {
    receive(first)
    for (;;) {
      const next: { message: ToWorker } | undefined = receiveMessageOnPort(port)
      if (next === undefined) return
      receive(next.message)
    }
  })
  post('open')
  return event => post({ event })
}
