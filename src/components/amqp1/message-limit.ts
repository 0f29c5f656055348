import type { Receiver } from 'rhea'

/** Maximum size of a message in bytes, over all of its frames: RabbitMQ's default limit. */
export const maxMessageBytes = 128 * 2 ** 20

/** A message whose first frames the library has buffered. */
interface Incomplete {
  readonly frames: readonly { readonly length: number }[]
}

/**
 * Makes a receiver fail its connection when a message exceeds the limit: the library would buffer frames without bound.
 */
export function limitMessages(receiver: Receiver, limitBytes = maxMessageBytes): void {
  let incomplete: Incomplete | undefined
  let bytes = 0
  // The library assigns the message to this property after each of its frames, and undefined after the last.
  Object.defineProperty(receiver, '_incomplete', {
    get: () => incomplete,
    set: (current: Incomplete | undefined) => {
      bytes = current === undefined ? 0 : bytes + (current.frames.at(-1)?.length ?? 0)
      incomplete = current
      if (bytes > limitBytes) throw new Error(`a message of more than ${limitBytes} bytes`)
    },
  })
}
