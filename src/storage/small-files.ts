import { Worker } from 'node:worker_threads'
import { workerUrl } from '../base/index.ts'
import { totalBytes } from './object-store.ts'

/** A file to be written beside, synced if asked, and moved to its place. */
export interface SmallFile {
  readonly id: number
  readonly temporary: string
  readonly path: string
  readonly body: Uint8Array
  readonly fsync: boolean
}

/** Whether a file is in its place; -1 is no file: the thread is ready. */
export interface WrittenFile {
  readonly id: number
  readonly isThere: boolean
}

/**
 * Writes small files in a thread of its own, where all steps of one take a single message there and back. In the pool of
 * Node each of the eight steps waits for this thread's next turn, which on a busy machine is most of the time of a put.
 */
export class SmallFiles {
  #worker: Worker | undefined
  #isReady = false
  #hasFailed = false
  #nextId = 0
  #waiting: { readonly id: number; readonly resolve: (isThere: boolean) => void } | undefined

  /**
   * Resolves to whether the file is in its place. False when it is to be written in another way: at first, while another
   * file is being written, or because something went wrong, which the other way will report.
   */
  write(file: Omit<SmallFile, 'id' | 'body'>, body: readonly Uint8Array[]): Promise<boolean> {
    const worker = this.#start()
    if (worker === undefined || !this.#isReady || this.#waiting !== undefined) return Promise.resolve(false)
    const whole = joined(body)
    const id = this.#nextId++
    // The process does not end while a file is being written.
    worker.ref()
    return new Promise(resolve => {
      this.#waiting = { id, resolve }
      const message: SmallFile = { ...file, id, body: whole }
      worker.postMessage(message, [whole.buffer])
    })
  }

  async close(): Promise<void> {
    this.#hasFailed = true
    await this.#worker?.terminate()
  }

  /** The thread, once there is one that works. */
  #start(): Worker | undefined {
    if (this.#hasFailed) return undefined
    if (this.#worker !== undefined) return this.#worker
    const worker = new Worker(workerUrl(import.meta.url, './small-files.worker.ts'), { name: 'files' })
    worker.unref()
    worker.on('message', (outcome: WrittenFile) => {
      worker.unref()
      if (outcome.id < 0) this.#isReady = true
      else this.#settle(outcome.isThere)
    })
    worker.on('error', () => this.#lose())
    worker.on('exit', () => this.#lose())
    this.#worker = worker
    return worker
  }

  #settle(isThere: boolean): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.resolve(isThere)
  }

  /** Without the thread everything is written in the other way. */
  #lose(): void {
    this.#hasFailed = true
    this.#settle(false)
  }
}

/** In memory of its own, which can be handed over. */
function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(totalBytes(pieces))
  let position = 0
  for (const piece of pieces) {
    whole.set(piece, position)
    position += piece.byteLength
  }
  return whole
}
