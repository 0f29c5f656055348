import { Worker } from 'node:worker_threads'
import { workerUrl } from '../base/index.ts'
import { DIRECT_BYTES, isDirectMemory } from './direct-memory.ts'

/** A file to be written beside, synced if asked, and moved to its place. */
export interface FileToWrite {
  readonly kind: 'write'
  readonly temporary: string
  readonly path: string
  /** One after the other. */
  readonly body: readonly Uint8Array[]
  readonly fsync: boolean
}

/** A range to be read from a file into shared memory, which has its length. */
export interface RangeToRead {
  readonly kind: 'read'
  readonly path: string
  readonly position: number
  readonly into: Uint8Array
}

export type FileTask = FileToWrite | RangeToRead

/** What a thread says: at first that it is ready, then for each task whether it was done. */
export type FileAnswer = 'ready' | 'done' | 'failed'

/** How many files are written, and how many ranges read, at the same time. */
const WRITERS = 3
const READERS = 4
/** How much of a file is copied to a thread. What lies in shared memory need not be. */
const MAX_COPIED_BYTES = 128 * 1024

/**
 * Writes and reads files in threads of its own, where all steps of one take a single message there and back, and in the order
 * in which they came. In the pool of Node each of some eight steps, and each of the writes of a large file, waits for this
 * thread's next turn, which on a busy machine is most of the time of a put; a read of a megabyte costs three times as much.
 */
export class FileThreads {
  readonly #writers = new TaskThreads(WRITERS)
  readonly #readers = new TaskThreads(READERS)

  /**
   * Resolves to whether the file is in its place. False when it is to be written in another way: until the first thread has
   * started, when too much of it would have to be copied, or because something went wrong, which the other way will report.
   */
  write(file: Omit<FileToWrite, 'kind' | 'body'>, body: readonly Uint8Array[]): Promise<boolean> {
    const copiedBytes = body.reduce((sum, piece) => (isShared(piece) ? sum : sum + piece.byteLength), 0)
    if (copiedBytes > MAX_COPIED_BYTES || !this.#writers.areReady()) return Promise.resolve(false)
    const pieces = body.map(piece => (isShared(piece) ? piece : Uint8Array.from(piece)))
    const copies = pieces.flatMap(({ buffer }) => (buffer instanceof ArrayBuffer ? [buffer] : []))
    return this.#writers.run({ kind: 'write', ...file, body: pieces }, copies)
  }

  /** Resolves to whether all of the range was read. It is only tried where that goes past the system's own memory. */
  read(path: string, position: number, into: Uint8Array): Promise<boolean> {
    const isWorthwhile = into.byteLength >= DIRECT_BYTES && isDirectMemory(into, -position)
    if (!isWorthwhile || !this.#readers.areReady()) return Promise.resolve(false)
    return this.#readers.run({ kind: 'read', path, position, into }, [])
  }

  async close(): Promise<void> {
    await Promise.all([this.#writers.close(), this.#readers.close()])
  }
}

interface Job {
  readonly task: FileTask
  readonly transferred: readonly ArrayBuffer[]
  readonly resolve: (isDone: boolean) => void
}

interface FileThread {
  readonly worker: Worker
  /** Undefined while it starts, null while it waits for work. */
  job: Job | null | undefined
}

/** A queue and the threads that take from it. They start when they are needed. */
class TaskThreads {
  readonly #maxThreads: number
  readonly #threads: FileThread[] = []
  readonly #waiting: Job[] = []
  #hasFailed = false

  constructor(maxThreads: number) {
    this.#maxThreads = maxThreads
  }

  /** Whether there is a thread that has started; makes sure that there will be. */
  areReady(): boolean {
    if (this.#hasFailed) return false
    if (!this.#threads.some(({ job }) => job === null) && this.#threads.length < this.#maxThreads) this.#start()
    return this.#threads.some(({ job }) => job !== undefined)
  }

  run(task: FileTask, transferred: readonly ArrayBuffer[]): Promise<boolean> {
    return new Promise(resolve => {
      this.#waiting.push({ task, transferred, resolve })
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
    worker.on('message', (answer: FileAnswer) => {
      worker.unref()
      const { job } = thread
      thread.job = null
      job?.resolve(answer === 'done')
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
      idle.worker.postMessage(job.task, job.transferred)
    }
  }

  /** Once a thread is lost everything is done in the other way. */
  #lose(): void {
    this.#hasFailed = true
    for (const thread of this.#threads) {
      thread.job?.resolve(false)
      thread.job = undefined
    }
    for (const { resolve } of this.#waiting.splice(0)) resolve(false)
  }
}

function isShared({ buffer }: Uint8Array): boolean {
  return buffer instanceof SharedArrayBuffer
}
