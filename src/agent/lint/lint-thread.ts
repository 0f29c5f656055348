import { Worker } from 'node:worker_threads'
import { asError, workerUrl, fieldsOf } from '../../base/index.ts'
import { type CheckedConfiguration, defaultSettings } from '../../control/index.ts'
import { grantedEnvironment, type HostPolicy } from '../../host/index.ts'

export interface LintWorkerData {
  /** What pipelines may access; read when the thread starts. */
  readonly policy: HostPolicy
}

export type LintQuestion =
  | { readonly id: number; readonly kind: 'lint'; readonly yaml: string }
  | { readonly id: number; readonly kind: 'schema' }

export type LintAnswer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string }

/**
 * Processor time that a check may use, in milliseconds; the first one includes loading the components that the
 * configuration names. Wall-clock time may be much longer on a busy machine.
 */
const defaultLimitMs = 15_000
/** A check that takes this multiple of the limit in wall-clock time is blocked, or was not scheduled for very long. */
const blockedFactor = 12
/** How often the thread's processor time is read, in milliseconds. */
const lookIntervalMs = 1000
const memoryMb = 512
const maxWaiting = 1000

interface Waiting {
  readonly question: LintQuestion
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/** A configuration could not be checked: it took too much time or memory, or too many others are waiting. */
class CheckStopped extends Error {}

/**
 * Checks configurations in a thread that is started on first use. The thread checks one at a time, so a check that
 * exhausts it is known and fails alone: the others are checked in another thread.
 */
export class LintThread {
  readonly #data: LintWorkerData
  readonly #limitMs: number
  readonly #waiting: Waiting[] = []
  #current: Waiting | undefined
  #timer: NodeJS.Timeout | undefined
  #worker: Worker | undefined
  #nextId = 1
  #schema: Promise<Readonly<Record<string, unknown>>> | undefined
  #closed = false

  constructor(data: LintWorkerData, limitMs = defaultLimitMs) {
    this.#data = data
    this.#limitMs = limitMs
  }

  /** Checks a configuration. Taking too long is reported as a finding as well. */
  async lint(yaml: string): Promise<CheckedConfiguration> {
    try {
      // A request of this kind resolves to the linter's result.
      return (await this.#ask({ id: this.#nextId++, kind: 'lint', yaml })) as CheckedConfiguration
    } catch (error) {
      if (!(error instanceof CheckStopped)) throw error
      return { settings: defaultSettings, findings: [{ line: 1, column: 1, level: 'error', message: error.message }] }
    }
  }

  /** JSON Schema of a configuration. */
  jsonSchema(): Promise<Readonly<Record<string, unknown>>> {
    this.#schema ??= this.#ask({ id: this.#nextId++, kind: 'schema' }).then(
      value => fieldsOf(value),
      (error: unknown) => {
        this.#schema = undefined // allow a retry
        throw error
      },
    )
    return this.#schema
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const { reject } of this.#waiting.splice(0)) reject(new CheckStopped('the check was stopped'))
    await this.#worker?.terminate()
  }

  #ask(question: LintQuestion): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new CheckStopped('the check was stopped'))
      if (this.#waiting.length >= maxWaiting)
        return reject(new CheckStopped('too many configurations are being checked: try again in a moment'))
      this.#waiting.push({ question, resolve, reject })
      this.#next()
    })
  }

  /** Sends the next request to the thread, unless it is busy. */
  #next(): void {
    if (this.#current !== undefined) return
    const next = this.#waiting.shift()
    if (next === undefined) {
      // An idle thread does not keep the process alive.
      this.#worker?.unref()
      return
    }
    this.#current = next
    let worker: Worker
    try {
      worker = this.#worker ??= this.#start()
    } catch (error) {
      return this.#settle(({ reject }) => reject(asError(error)))
    }
    worker.ref()
    worker.postMessage(next.question)
    this.#timer = this.#watch(worker)
  }

  /** Stops the thread if the current request exceeds its limits. */
  #watch(worker: Worker): NodeJS.Timeout {
    const limitMs = this.#limitMs
    const asked = this.#current
    const startedAt = performance.now()
    let before: number | null = null
    return setInterval(() => {
      if (performance.now() - startedAt >= limitMs * blockedFactor) this.#stop(worker, tooLong(limitMs * blockedFactor))
      worker.cpuUsage().then(
        ({ user, system }) => {
          const cpuMs = (user + system) / 1000
          before ??= cpuMs
          if (this.#current === asked && cpuMs - before >= limitMs) this.#stop(worker, tooLong(limitMs))
        },
        () => {}, // it has ended meanwhile
      )
    }, lookIntervalMs)
  }

  #settle(settle: (current: Waiting) => void): void {
    clearInterval(this.#timer)
    const current = this.#current
    this.#current = undefined
    if (current !== undefined) settle(current)
    this.#next()
  }

  #start(): Worker {
    const worker = new Worker(workerUrl(import.meta.url, './lint.worker.ts'), {
      name: 'lint',
      workerData: this.#data,
      env: grantedEnvironment(this.#data.policy.grants, process.env),
      resourceLimits: { maxOldGenerationSizeMb: memoryMb, stackSizeMb: 4 },
    })
    worker.on('message', (answer: LintAnswer) => {
      // A stopped thread may still answer a request that is already settled.
      if (this.#current?.question.id !== answer.id) return
      if ('error' in answer) this.#settle(({ reject }) => reject(new Error(answer.error)))
      else this.#settle(({ resolve }) => resolve(answer.value))
    })
    worker.on('error', (error: Error & { code?: string }) => {
      const isTooMuch = error.code === 'ERR_WORKER_OUT_OF_MEMORY'
      const message = `the configuration needs more than ${memoryMb} MiB of memory to be checked`
      this.#stop(worker, isTooMuch ? new CheckStopped(message) : error)
    })
    worker.on('exit', () => this.#stop(worker, new CheckStopped('the check was stopped')))
    return worker
  }

  /** Fails the current request with the reason; the next one starts another thread. */
  #stop(worker: Worker, reason: Error): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    void worker.terminate()
    this.#settle(({ reject }) => reject(reason))
  }
}

function tooLong(ms: number): CheckStopped {
  return new CheckStopped(`the configuration could not be checked within ${ms / 1000} s`)
}
