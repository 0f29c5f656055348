import { Worker } from 'node:worker_threads'
import { workerUrl } from '../base/index.ts'

/** A file to be written beside, synced if asked, and moved to its place. */
export interface FileToWrite {
  readonly id: number
  readonly temporary: string
  readonly path: string
  /** One after the other. */
  readonly body: readonly Uint8Array[]
  readonly fsync: boolean
}

/** Whether a file is in its place; -1 is no file: the thread is ready. */
export interface WrittenFile {
  readonly id: number
  readonly isThere: boolean
}

/** How many files are written at the same time. */
const MAX_THREADS = 3
/** How much of a file is copied to a thread. What lies in shared memory need not be. */
const MAX_COPIED_BYTES = 128 * 1024

interface Job {
  readonly file: FileToWrite
  readonly transferred: readonly ArrayBuffer[]
  readonly resolve: (isThere: boolean) => void
}

interface FileThread {
  readonly worker: Worker
  /** Undefined while it starts, null while it waits for work. */
  job: Job | null | undefined
}

/**
 * Writes files in threads of its own, where all steps of one take a single message there and back, and in the order in
 * which they came. In the pool of Node each of the eight steps, and each of the writes of a large file, waits for this
 * thread's next turn, which on a busy machine is most of the time of a put.
 */
export class FileThreads {
  readonly #threads: FileThread[] = []
  readonly #waiting: Job[] = []
  #hasFailed = false
  #nextId = 0

  /**
   * Resolves to whether the file is in its place. False when it is to be written in another way: until the first thread has
   * started, when too much of it would have to be copied, or because something went wrong, which the other way will report.
   */
  write(file: Omit<FileToWrite, 'id' | 'body'>, body: readonly Uint8Array[]): Promise<boolean> {
    if (this.#hasFailed || copiedBytes(body) > MAX_COPIED_BYTES) return Promise.resolve(false)
    if (!this.#threads.some(({ job }) => job === null) && this.#threads.length < MAX_THREADS) this.#start()
    if (this.#threads.every(({ job }) => job === undefined)) return Promise.resolve(false)
    const pieces = body.map(piece => (isShared(piece) ? piece : Uint8Array.from(piece)))
    const transferred = pieces.flatMap(({ buffer }) => (buffer instanceof ArrayBuffer ? [buffer] : []))
    const id = this.#nextId++
    return new Promise(resolve => {
      this.#waiting.push({ file: { ...file, id, body: pieces }, transferred, resolve })
      this.#giveWork()
    })
  }

  async close(): Promise<void> {
    this.#lose()
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()))
  }

  #start(): void {
    const worker = new Worker(workerUrl(import.meta.url, './file-threads.worker.ts'), { name: 'files' })
    worker.unref()
    const thread: FileThread = { worker, job: undefined }
    worker.on('message', ({ isThere }: WrittenFile) => {
      worker.unref()
      const { job } = thread
      thread.job = null
      job?.resolve(isThere)
      this.#giveWork()
    })
    worker.on('error', () => this.#lose())
    worker.on('exit', () => this.#lose())
    this.#threads.push(thread)
  }

  #giveWork(): void {
    while (this.#waiting.length > 0) {
      const idle = this.#threads.find(({ job }) => job === null)
      if (idle === undefined) return
      const job = this.#waiting.shift()!
      idle.job = job
      // The process does not end while a file is being written.
      idle.worker.ref()
      idle.worker.postMessage(job.file, job.transferred)
    }
  }

  /** Once a thread is lost everything is written in the other way. */
  #lose(): void {
    this.#hasFailed = true
    for (const thread of this.#threads) {
      thread.job?.resolve(false)
      thread.job = undefined
    }
    for (const { resolve } of this.#waiting.splice(0)) resolve(false)
  }
}

function copiedBytes(body: readonly Uint8Array[]): number {
  return body.reduce((sum, piece) => (isShared(piece) ? sum : sum + piece.byteLength), 0)
}

function isShared({ buffer }: Uint8Array): boolean {
  return buffer instanceof SharedArrayBuffer
}
