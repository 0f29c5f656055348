import { Worker } from 'node:worker_threads'
import { workerUrl } from '../../base/index.ts'
import { MetadataError } from '../errors.ts'
import { type Call, type CallArguments, type CallName, type CallOutcome, type CallResult, execute } from './calls.ts'
import { Database } from './database.ts'

/** The way to a database: in this thread or in one of its own. */
export interface Transport {
  /** Called once when the database is out of reach for good though nobody closed it, before waiting calls are rejected. */
  onLost: ((reason: MetadataError) => void) | undefined
  /** Carries out one call; rejects with a MetadataError. */
  call<Name extends CallName>(name: Name, ...values: CallArguments<Name>): Promise<CallResult<Name>>
  close(): Promise<void>
}

/** What travels to the worker, and back. */
export type ToWorker = { readonly id: number; readonly call: Call } | 'close'
export type FromWorker = 'open' | { readonly id: number; readonly outcome: CallOutcome }
export interface WorkerOptions {
  readonly path: string
  readonly durable: boolean
}

/** A database in this thread: right for `:memory:`, where nothing waits for a disk. */
export function openInThread({ path, durable }: WorkerOptions): Transport {
  const database = new Database(path, durable)
  let closed = false
  return {
    onLost: undefined, // this thread ends with the process
    async call(name, ...values) {
      if (closed) throw closedError()
      return resultOf<typeof name>(execute(database, [{ name, arguments: values }])[0]!)
    },
    async close() {
      if (closed) return
      closed = true
      database.close()
    },
  }
}

/** A database in a thread of its own, so that waiting for the disk never delays this one. */
export async function openInWorker(options: WorkerOptions): Promise<Transport> {
  const transport = new WorkerTransport(options)
  await transport.opened
  return transport
}

class WorkerTransport implements Transport {
  onLost: ((reason: MetadataError) => void) | undefined
  readonly opened: Promise<void>
  readonly #worker: Worker
  readonly #pending = new Map<number, { resolve(outcome: CallOutcome): void; reject(error: MetadataError): void }>()
  readonly #exited: Promise<void>
  #nextId = 0
  #closed = false

  constructor(options: WorkerOptions) {
    this.#worker = new Worker(workerUrl(import.meta.url, './sqlite.worker.ts'), {
      name: 'metadata',
      workerData: options,
    })
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.opened = promise
    this.#worker.on('message', (message: FromWorker) => {
      if (message === 'open') return resolve()
      this.#pending.get(message.id)?.resolve(message.outcome)
      this.#pending.delete(message.id)
    })
    let cause: unknown
    this.#worker.on('error', error => {
      cause = error
    })
    this.#exited = new Promise(exited => {
      this.#worker.on('exit', () => {
        const isLost = !this.#closed
        this.#closed = true
        const reason = cause instanceof Error ? `: ${cause.message}` : ''
        const error = new MetadataError('unknown_outcome', `the thread of the metadata ended${reason}`, { cause })
        reject(error)
        if (isLost) this.onLost?.(error)
        for (const pending of this.#pending.values()) pending.reject(error)
        this.#pending.clear()
        exited()
      })
    })
  }

  async call<Name extends CallName>(name: Name, ...values: CallArguments<Name>): Promise<CallResult<Name>> {
    if (this.#closed) throw closedError()
    const id = this.#nextId++
    const outcome = await new Promise<CallOutcome>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      this.#post({ id, call: { name, arguments: values } })
    })
    return resultOf<Name>(outcome)
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true
      this.#post('close')
    }
    await this.#exited
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message)
  }
}

function resultOf<Name extends CallName>(outcome: CallOutcome): CallResult<Name> {
  if (!outcome.ok) throw new MetadataError(outcome.code, outcome.message)
  // The outcome is that of the operation of this name.
  return outcome.value as CallResult<Name>
}

function closedError(): MetadataError {
  return new MetadataError('closed', 'the metadata are closed')
}
