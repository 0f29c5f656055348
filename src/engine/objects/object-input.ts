import { asError, type Log } from '../../base/index.ts'
import { type ByteSource, ClosedError, type Input, type ScannerFactory } from '../component.ts'
import type { Delivery } from '../delivery.ts'
import { ScannedSource } from '../scanned-source.ts'

/** An object to be read. */
export interface ObjectTarget {
  readonly key: string
  /** Whether its bytes are few, so that it may be opened while earlier objects are read. Defaults to false. */
  readonly isSmall?: boolean
  /**
   * Called once: with null when all messages of the object were delivered, otherwise with the reason, which is a
   * `ClosedError` if the stream ended first.
   */
  settled(error: Error | null): void | Promise<void>
}

/** A store whose objects an input reads in sequence. */
export interface ObjectSource<T extends ObjectTarget> {
  connect(signal: AbortSignal): Promise<void>
  /** The next object; null at the end, or when the signal aborts. */
  next(signal: AbortSignal): Promise<T | null>
  /** Opens the object, whose bytes are read until the signal aborts. */
  open(target: T, signal: AbortSignal): Promise<ByteSource>
  /** Whether to retry an object that could not be opened, because the cause does not lie with the object. */
  mayOpenLater(error: unknown): boolean
  close(): Promise<void>
}

/** The next object, and how opening it ended; null if that has not started. */
interface Opening<T extends ObjectTarget> {
  readonly target: T
  opened: Promise<Opened> | null
}

type Opened = { readonly source: ByteSource } | { readonly error: unknown }

/**
 * How many small objects are opened at a time, in the order in which they are read: otherwise an input would wait for
 * the response of its store once per object.
 */
const openedAhead = 8

/** Reads the objects of a store and cuts them into messages. */
export class ObjectInput<T extends ObjectTarget> implements Input {
  readonly #source: ObjectSource<T>
  readonly #factory: ScannerFactory
  readonly #log: Log
  /** Objects still to be read, in order. An object whose opening failed because of the connection stays the first. */
  #waiting: Opening<T>[] = []
  #current: { readonly key: string; readonly scanned: ScannedSource } | null = null

  constructor(source: ObjectSource<T>, factory: ScannerFactory, log: Log) {
    this.#source = source
    this.#factory = factory
    this.#log = log
  }

  connect(signal: AbortSignal): Promise<void> {
    return this.#source.connect(signal)
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    for (;;) {
      this.#current ??= await this.#open(signal)
      if (this.#current === null) return null
      const { key, scanned } = this.#current
      let delivery
      try {
        delivery = await scanned.next()
      } catch (error) {
        await this.#endObject()
        throw error
      }
      if (delivery !== null) return delivery
      if (scanned.messages === 0) this.#log.debug(`Extracted zero messages from key ${key}`)
      await this.#endObject()
    }
  }

  async close(): Promise<void> {
    await this.#endObject()
    for (const { target, opened } of this.#waiting.splice(0)) {
      const outcome = await opened
      if (outcome !== null && 'source' in outcome) await outcome.source.close()
      await target.settled(new ClosedError())
    }
    await this.#source.close()
  }

  async #open(signal: AbortSignal) {
    await this.#openAhead(signal)
    const first = this.#waiting[0]
    if (first === undefined) return null
    const { target } = first
    const outcome = await (first.opened ??= this.#opened(target, signal))
    if ('error' in outcome) {
      const { error } = outcome
      first.opened = null
      if (signal.aborted) return null
      if (!this.#source.mayOpenLater(error)) {
        this.#waiting.shift()
        await target.settled(asError(error))
      }
      throw error
    }
    this.#waiting.shift()
    const scanned = new ScannedSource(this.#factory, outcome.source, error => target.settled(error))
    return { key: target.key, scanned }
  }

  /** Finds the next object, and starts to open small ones. */
  async #openAhead(signal: AbortSignal): Promise<void> {
    for (;;) {
      for (const opening of this.#waiting) {
        if (opening.target.isSmall === true) opening.opened ??= this.#opened(opening.target, signal)
      }
      const last = this.#waiting.at(-1)
      if (last !== undefined && (last.target.isSmall !== true || this.#waiting.length >= openedAhead)) return
      const target = await this.#source.next(signal)
      if (target === null) return
      this.#waiting.push({ target, opened: null })
    }
  }

  /** Never rejects, because it may fail before anybody waits for it. */
  async #opened(target: T, signal: AbortSignal): Promise<Opened> {
    try {
      return { source: await this.#source.open(target, signal) }
    } catch (error) {
      return { error }
    }
  }

  async #endObject(): Promise<void> {
    const current = this.#current
    this.#current = null
    await current?.scanned.close()
  }
}
