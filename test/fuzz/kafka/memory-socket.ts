import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'

/** What the broker uses of a socket, without a network: what it writes goes to a function. */
export class MemorySocket extends EventEmitter {
  readonly remoteAddress = '127.0.0.1'
  readonly remotePort = 1
  readonly writableNeedDrain = false
  destroyed = false
  readonly #onBytes: (bytes: Buffer) => void

  constructor(onBytes: (bytes: Buffer) => void) {
    super()
    this.#onBytes = onBytes
  }

  /** This as the class that the broker expects. */
  asSocket(): Socket {
    // It has all members of a socket that the broker uses.
    return this as unknown as Socket
  }

  write(bytes: Buffer, onWritten?: () => void): boolean {
    this.#onBytes(bytes)
    onWritten?.()
    return true
  }

  destroy(): this {
    if (this.destroyed) return this
    this.destroyed = true
    this.emit('close')
    return this
  }

  destroySoon(): void {
    this.destroy()
  }

  end(): void {
    this.destroy()
  }

  cork(): void {}
  uncork(): void {}
  pause(): this {
    return this
  }
  resume(): this {
    return this
  }
  setNoDelay(): this {
    return this
  }
  setTimeout(): this {
    return this
  }
}
