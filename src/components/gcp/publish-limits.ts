import { asError } from '../../base/index.ts'

interface LimitsConfig {
  readonly max_outstanding_bytes: number
  readonly max_outstanding_messages: number
  readonly limit_exceeded_behavior: string
}

interface Waiting {
  readonly bytes: number
  readonly start: () => void
}

/** Limits the messages and bytes in flight for a topic, by `flow_control`; numbers below one mean no limit. */
export class PublishLimits {
  readonly #maxBytes: number
  readonly #maxMessages: number
  readonly #fails: boolean
  readonly #waiting: Waiting[] = []
  #bytes = 0
  #messages = 0

  constructor(config?: LimitsConfig) {
    const {
      max_outstanding_bytes: bytes,
      max_outstanding_messages: messages,
      limit_exceeded_behavior: behavior,
    } = {
      ...DEFAULTS,
      ...config,
    }
    const isIgnored = behavior === 'ignore'
    this.#maxBytes = bytes > 0 && !isIgnored ? bytes : Infinity
    this.#maxMessages = messages > 0 && !isIgnored ? messages : Infinity
    this.#fails = behavior === 'signal_error'
  }

  /** Makes room for a message by waiting in turn; throws if configured to fail, or when the signal aborts. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    if (this.#waiting.length === 0 && this.#hasRoom(bytes)) return this.#add(bytes)
    if (this.#fails) {
      const name = this.#messages >= this.#maxMessages ? 'MaxOutstandingMessages' : 'MaxOutstandingBytes'
      throw new Error(`pubsub: ${name} flow controller limit exceeded`)
    }
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiting = { bytes, start: resolve }
    this.#waiting.push(waiting)
    const abort = () => {
      const place = this.#waiting.indexOf(waiting)
      if (place < 0) return
      this.#waiting.splice(place, 1)
      reject(asError(signal.reason))
    }
    signal.addEventListener('abort', abort, { once: true })
    try {
      await promise
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  /** Releases the room that {@link take} made for a message. */
  release(bytes: number): void {
    this.#bytes -= bytes
    this.#messages--
    for (let next = this.#waiting[0]; next !== undefined && this.#hasRoom(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#add(next.bytes)
      next.start()
    }
  }

  /** One message always fits, however large it is. */
  #hasRoom(bytes: number): boolean {
    return this.#messages === 0 || (this.#messages < this.#maxMessages && this.#bytes + bytes <= this.#maxBytes)
  }

  #add(bytes: number): void {
    this.#bytes += bytes
    this.#messages++
  }
}

const DEFAULTS = { max_outstanding_bytes: -1, max_outstanding_messages: 1000, limit_exceeded_behavior: 'block' }
