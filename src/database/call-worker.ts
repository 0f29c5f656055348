// Calls to a worker thread and their answers: the way to a database in a thread of its own.
import { parentPort, receiveMessageOnPort, Worker } from 'node:worker_threads'

type ToWorker = { readonly id: number; readonly call: unknown } | 'close'
type FromWorker = 'open' | { readonly id: number; readonly outcome: Outcome } | { readonly event: unknown }

/** How a call ended. Errors cross threads as their code and message. */
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

  /** Starts the thread; resolves when it is open, rejects when it ends instead. */
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

  /** Called once when the thread ends without having been closed, before the calls that wait are rejected. */
  onLost(listener: (reason: Error) => void): () => void {
    this.#lossListeners.add(listener)
    return () => this.#lossListeners.delete(listener)
  }

  /** Called with what the thread reports by itself. Returns how to stop listening. */
  onEvent(listener: (event: unknown) => void): () => void {
    this.#eventListeners.add(listener)
    return () => this.#eventListeners.delete(listener)
  }

  /** Resolves with the call's outcome; rejects with the reason when the thread ends first. */
  call(call: unknown): Promise<Outcome> {
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      this.#post({ id, call })
    })
  }

  /** Lets the thread finish what it was sent before. */
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

/** The worker's side: answers calls until it is closed. Calls that wait together are started together, in their order. */
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
