/**
 * Says up to where a partition was handled, though its batches are acknowledged in any order: the position of the last
 * batch before which nothing is pending.
 */
export class Checkpointer {
  readonly #pending: Entry[] = []
  #pendingMessages = 0

  /** Messages that were handed on and not yet acknowledged. */
  get pendingMessages(): number {
    return this.#pendingMessages
  }

  /** Notes a batch that ends before `nextOffset`. Call what it returns when the batch was handled. */
  track(nextOffset: bigint, messages: number): () => bigint | undefined {
    const entry: Entry = { nextOffset, done: false }
    this.#pending.push(entry)
    this.#pendingMessages += messages
    return () => {
      if (entry.done) return undefined
      entry.done = true
      this.#pendingMessages -= messages
      return this.#advance()
    }
  }

  /** The offset to commit now, or undefined where an older batch is still pending. */
  #advance(): bigint | undefined {
    let done = 0
    while (done < this.#pending.length && this.#pending[done]!.done) done++
    if (done === 0) return undefined
    const removed = this.#pending.splice(0, done)
    return removed.at(-1)!.nextOffset
  }
}

interface Entry {
  readonly nextOffset: bigint
  done: boolean
}
