import type { Receiver } from 'rhea'

/** The most bytes that a message may have, in all of its frames: what RabbitMQ takes unless it is configured otherwise. */
export const maxMessageBytes = 128 * 2 ** 20

/** A message of which the library holds the first frames. */
interface Incomplete {
  readonly frames: readonly { readonly length: number }[]
}

/** Has a receiver fail its connection where a message has more bytes: the library collects its frames without an end. */
export function limitMessages(receiver: Receiver, limitBytes = maxMessageBytes): void {
  let incomplete: Incomplete | undefined
  let bytes = 0
  // The library assigns the message to this after each of its frames, and undefined after the last.
  Object.defineProperty(receiver, '_incomplete', {
    get: () => incomplete,
    set: (current: Incomplete | undefined) => {
      bytes = current === undefined ? 0 : bytes + (current.frames.at(-1)?.length ?? 0)
      incomplete = current
      if (bytes > limitBytes) throw new Error(`a message of more than ${limitBytes} bytes`)
    },
  })
}
