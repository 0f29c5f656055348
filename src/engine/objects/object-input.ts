import { asError, type Log } from '../../base/index.ts'
import { type ByteSource, ClosedError, type Input, type ScannerFactory } from '../component.ts'
import type { Delivery } from '../delivery.ts'
import { ScannedSource } from '../scanned-source.ts'

/** An object to be read. */
export interface ObjectTarget {
  readonly key: string
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

/** Reads the objects of a store and cuts them into messages. */
export class ObjectInput<T extends ObjectTarget> implements Input {
  readonly #source: ObjectSource<T>
  readonly #factory: ScannerFactory
  readonly #log: Log
  /** An object still to be read: opening it failed because of the connection, or the stream ended in the meantime. */
  #waiting: T | null = null
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
    await this.#waiting?.settled(new ClosedError())
    await this.#source.close()
  }

  async #open(signal: AbortSignal) {
    const target = this.#waiting ?? (await this.#source.next(signal))
    if (target === null) return null
    this.#waiting = target
    let source: ByteSource
    try {
      source = await this.#source.open(target, signal)
    } catch (error) {
      if (signal.aborted) return null
      if (!this.#source.mayOpenLater(error)) {
        this.#waiting = null
        await target.settled(asError(error))
      }
      throw error
    }
    this.#waiting = null
    const scanned = new ScannedSource(this.#factory, source, error => target.settled(error))
    return { key: target.key, scanned }
  }

  async #endObject(): Promise<void> {
    const current = this.#current
    this.#current = null
    await current?.scanned.close()
  }
}
