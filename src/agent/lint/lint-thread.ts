import { Worker } from 'node:worker_threads'
import { workerUrl } from '../../base/index.ts'
import type { Finding } from '../../control/index.ts'

export interface LintWorkerData {
  readonly hostAccess: boolean
}

export type LintQuestion =
  | { readonly id: number; readonly kind: 'lint'; readonly yaml: string }
  | { readonly id: number; readonly kind: 'schema' }

export type LintAnswer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string }

type WithoutId<Question> = Question extends unknown ? Omit<Question, 'id'> : never

/** The first check also loads the components that the configuration names. */
const timeoutMs = 15_000
const memoryMb = 512

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/** The thread was stopped, because a check took too much time or memory. */
class CheckStopped extends Error {}

/** Checks configurations in a thread that is started when it is first needed, and anew when one of them was too much for it. */
export class LintThread {
  readonly #data: LintWorkerData
  readonly #pending = new Map<number, Pending>()
  #worker: Worker | undefined
  #nextId = 1
  #schema: Promise<Readonly<Record<string, unknown>>> | undefined

  constructor(data: LintWorkerData) {
    this.#data = data
  }

  /** What is wrong with a configuration. What cannot be checked in time is wrong, too. */
  async lint(yaml: string): Promise<readonly Finding[]> {
    try {
      return (await this.#ask({ kind: 'lint', yaml })) as readonly Finding[]
    } catch (error) {
      if (!(error instanceof CheckStopped)) throw error
      return [{ line: 1, column: 1, level: 'error', message: error.message }]
    }
  }

  /** JSON Schema of a configuration. */
  jsonSchema(): Promise<Readonly<Record<string, unknown>>> {
    this.#schema ??= this.#ask({ kind: 'schema' }).then(
      value => value as Readonly<Record<string, unknown>>,
      (error: unknown) => {
        this.#schema = undefined // the next one may have more luck
        throw error
      },
    )
    return this.#schema
  }

  async close(): Promise<void> {
    await this.#worker?.terminate()
  }

  async #ask(question: WithoutId<LintQuestion>): Promise<unknown> {
    const worker = (this.#worker ??= this.#start())
    const id = this.#nextId++
    const answer = new Promise<unknown>((resolve, reject) => this.#pending.set(id, { resolve, reject }))
    worker.ref()
    worker.postMessage({ ...question, id })
    const timer = setTimeout(() => {
      this.#stop(worker, new CheckStopped(`the configuration could not be checked within ${timeoutMs / 1000} s`))
    }, timeoutMs)
    try {
      return await answer
    } finally {
      clearTimeout(timer)
      this.#pending.delete(id)
      // A thread that waits for nothing does not keep the process alive.
      if (this.#pending.size === 0) worker.unref()
    }
  }

  #start(): Worker {
    const worker = new Worker(workerUrl(import.meta.url, './lint.worker.ts'), {
      name: 'lint',
      workerData: this.#data,
      env: this.#data.hostAccess ? process.env : { TZ: process.env['TZ'] },
      resourceLimits: { maxOldGenerationSizeMb: memoryMb, stackSizeMb: 4 },
    })
    worker.on('message', (answer: LintAnswer) => {
      const pending = this.#pending.get(answer.id)
      if ('error' in answer) pending?.reject(new Error(answer.error))
      else pending?.resolve(answer.value)
    })
    worker.on('error', (error: Error & { code?: string }) => {
      const isTooMuch = error.code === 'ERR_WORKER_OUT_OF_MEMORY'
      const message = `the configuration needs more than ${memoryMb} MiB of memory to be checked`
      this.#stop(worker, isTooMuch ? new CheckStopped(message) : error)
    })
    worker.on('exit', () => this.#stop(worker, new CheckStopped('the check was stopped')))
    return worker
  }

  /** Whoever waits is told why; the next question starts another thread. */
  #stop(worker: Worker, reason: Error): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    void worker.terminate()
    for (const { reject } of this.#pending.values()) reject(reason)
    this.#pending.clear()
  }
}
