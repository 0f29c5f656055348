import { messageOf, type Log } from '../../base/index.ts'
import type { Readable } from 'node:stream'
import type { ByteSource } from '../component.ts'
import type { Metadata } from '../message.ts'
import { Backoff, pause } from '../runtime/backoff.ts'

/** How to read the bytes of an object. */
export interface ResumedObject {
  readonly name: string
  readonly metadata: Metadata
  /** The bytes from the beginning. */
  readonly body: Readable
  /** Opens the same object at `position`; null at its end. Throws if the object was deleted or replaced. */
  reopen(position: number): Promise<Readable | null>
  /** Whether the same request may succeed later. */
  isTransient(error: unknown): boolean
}

interface Surroundings {
  readonly log: Log
  readonly random: () => number
  /** Ends the wait for an unavailable server. */
  readonly signal: AbortSignal
}

/** How long a connection may be silent before it counts as lost. */
const STALLED_MS = 60_000
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5000

/**
 * The bytes of a stored object. If the connection is lost midway, it is reopened at the same position for as long as
 * the stream runs, because the preceding messages are already delivered and no other read would start after them.
 */
export class ResumedSource implements ByteSource {
  readonly name: string
  readonly metadata: Metadata
  readonly #object: ResumedObject
  readonly #surroundings: Surroundings
  #body: Readable
  #chunks: AsyncIterator<Uint8Array>
  #position = 0

  constructor(object: ResumedObject, surroundings: Surroundings) {
    this.name = object.name
    this.metadata = object.metadata
    this.#object = object
    this.#surroundings = surroundings
    this.#body = object.body
    this.#chunks = chunksOf(object.body)
  }

  async read(): Promise<Uint8Array | null> {
    for (;;) {
      try {
        const { done, value } = await this.#next()
        if (done === true) return null
        this.#position += value.byteLength
        return value
      } catch (error) {
        if (!this.#mayResume(error)) throw error
        if (!(await this.#resume(error))) return null
      }
    }
  }

  async close(): Promise<void> {
    if (this.#body.closed) return
    // Destroying a body before its end emits an error, which is intended here.
    this.#body.on('error', () => undefined)
    this.#body.destroy()
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    const body = this.#body
    const timer = setTimeout(() => body.destroy(new StalledError()), STALLED_MS)
    try {
      return await this.#chunks.next()
    } finally {
      clearTimeout(timer)
    }
  }

  #mayResume(error: unknown): boolean {
    if (this.#surroundings.signal.aborted) return false
    return error instanceof StalledError || this.#object.isTransient(error)
  }

  /** Reopens the object after a failure; false at its end. */
  async #resume(reason: unknown): Promise<boolean> {
    const { log, random, signal } = this.#surroundings
    const backoff = new Backoff({ initialMs: FIRST_PAUSE_MS, maxMs: LONGEST_PAUSE_MS }, random)
    log.warn(
      `Reading '${this.name}' was interrupted at byte ${this.#position} and will resume there: ${messageOf(reason)}`,
    )
    for (;;) {
      await pause(backoff.next() ?? LONGEST_PAUSE_MS, signal)
      signal.throwIfAborted()
      try {
        const rest = await this.#object.reopen(this.#position)
        if (rest === null) return false
        this.#body = rest
        this.#chunks = chunksOf(rest)
        return true
      } catch (error) {
        if (!this.#mayResume(error)) throw error
        log.debug(`Failed to reopen '${this.name}': ${messageOf(error)}`)
      }
    }
  }
}

class StalledError extends Error {
  constructor() {
    super(`no data arrived for ${STALLED_MS / 1000} seconds`)
    this.name = 'StalledError'
  }
}

function chunksOf(body: Readable): AsyncIterator<Uint8Array> {
  // HTTP bodies yield bytes, which their type does not express.
  return body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
}
