import { Worker } from 'node:worker_threads'
import { workerUrl } from '../base/index.ts'

/** A file to be written to `temporary`, synced if requested, and moved into place. */
export interface FileToWrite {
  readonly kind: 'write'
  readonly temporary: string
  readonly path: string
  /** Pieces, written in order. */
  readonly body: readonly Uint8Array[]
  readonly fsync: boolean
}

/** A range of a file to be read into shared memory, or the part of it that the file has. */
export interface RangeToRead {
  readonly kind: 'read'
  readonly path: string
  readonly position: number
  readonly into: Uint8Array
}

export type FileTask = FileToWrite | RangeToRead

/** A message from a thread: `ready` once at the start, then for each task the number of bytes read or written. */
export type FileAnswer = 'ready' | 'failed' | number

/** Number of files written, and of ranges read, concurrently. */
const WRITERS = 3
const READERS = 4
/** Maximum bytes of a file that are copied to a thread. Shared memory is not copied. */
const MAX_COPIED_BYTES = 128 * 1024

/**
 * Writes and reads files in dedicated threads, in order of arrival, with one message to the thread and one back for all
 * steps. In Node's thread pool each of four to eight steps, and each write of a large file, waits for the main thread's
 * next turn, which on a busy machine is most of the time of a put or a read.
 */
export class FileThreads {
  readonly #writers = new TaskThreads(WRITERS)
  readonly #readers = new TaskThreads(READERS)

  /**
   * Resolves to whether the file is in place. False if the caller must write it another way: the first thread has not
   * started yet, too much would have to be copied, or something failed, which the other way will report.
   */
  async write(file: Omit<FileToWrite, 'kind' | 'body'>, body: readonly Uint8Array[]): Promise<boolean> {
    const copiedBytes = body.reduce((sum, piece) => (isShared(piece) ? sum : sum + piece.byteLength), 0)
    if (copiedBytes > MAX_COPIED_BYTES || !this.#writers.areReady()) return false
    const pieces = body.map(piece => (isShared(piece) ? piece : Uint8Array.from(piece)))
    const copies = pieces.flatMap(({ buffer }) => (buffer instanceof ArrayBuffer ? [buffer] : []))
    return (await this.#writers.run({ kind: 'write', ...file, body: pieces }, copies)) !== undefined
  }

  /**
   * Resolves to the number of bytes read: the whole range, or less if the file ends before. Undefined if the caller must read
   * it another way: the first thread has not started yet, `into` is not shared memory, or something failed.
   */
  async read(path: string, position: number, into: Uint8Array): Promise<number | undefined> {
    if (!isShared(into) || !this.#readers.areReady()) return undefined
    return this.#readers.run({ kind: 'read', path, position, into }, [])
  }

  async close(): Promise<void> {
    await Promise.all([this.#writers.close(), this.#readers.close()])
  }
}

interface Job {
  readonly task: FileTask
  readonly transferred: readonly ArrayBuffer[]
  readonly resolve: (bytes: number | undefined) => void
}

interface FileThread {
  readonly worker: Worker
  /** Undefined while the thread starts, null while it is idle. */
  job: Job | null | undefined
}

/** A queue and the threads that serve it, which start on demand. */
class TaskThreads {
  readonly #maxThreads: number
  readonly #threads: FileThread[] = []
  readonly #waiting: Job[] = []
  #hasFailed = false

  constructor(maxThreads: number) {
    this.#maxThreads = maxThreads
  }

  /** Whether a thread has started; starts one if none is idle. */
  areReady(): boolean {
    if (this.#hasFailed) return false
    if (!this.#threads.some(({ job }) => job === null) && this.#threads.length < this.#maxThreads) this.#start()
    return this.#threads.some(({ job }) => job !== undefined)
  }

  /** Resolves to the number of bytes read or written, or to undefined if that failed. */
  run(task: FileTask, transferred: readonly ArrayBuffer[]): Promise<number | undefined> {
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
      job?.resolve(typeof answer === 'number' ? answer : undefined)
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
      // Keeps the process alive while a file is being written.
      idle.worker.ref()
      idle.worker.postMessage(job.task, job.transferred)
    }
  }

  /** Once any thread is lost, all further work falls back to the caller's other way. */
  #lose(): void {
    this.#hasFailed = true
    for (const thread of this.#threads) {
      thread.job?.resolve(undefined)
      thread.job = undefined
    }
    for (const { resolve } of this.#waiting.splice(0)) resolve(undefined)
  }
}

function isShared({ buffer }: Uint8Array): boolean {
  return buffer instanceof SharedArrayBuffer
}
