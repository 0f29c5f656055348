/**
 * Tracks the offset that may be committed for a partition whose messages are acknowledged in any order: the one after
 * the last message before which nothing is pending.
 */
export class Checkpointer {
  readonly #pending: Entry[] = []
  #pendingMessages = 0

  /** Messages handed on but not yet acknowledged. */
  get pendingMessages(): number {
    return this.#pendingMessages
  }

  /**
   * Records a batch of `messages` messages that ends before `nextOffset`. Call the returned function once the batch is
   * handled.
   */
  track(nextOffset: bigint, messages: number): () => bigint | undefined {
    const done = this.#add([nextOffset], messages)
    return () => done([0])
  }

  /**
   * Records messages in order, each with the offset after it. Call the returned function with the indexes of the
   * messages that were handled; it returns the offset to commit now, or undefined if an older message is still pending.
   */
  trackEach(nextOffsets: readonly bigint[]): (places: Iterable<number>) => bigint | undefined {
    return this.#add(nextOffsets, 1)
  }

  #add(nextOffsets: readonly bigint[], weight: number): (places: Iterable<number>) => bigint | undefined {
    const entry: Entry = { nextOffsets, isDone: new Uint8Array(nextOffsets.length), first: 0 }
    this.#pending.push(entry)
    this.#pendingMessages += nextOffsets.length * weight
    return places => {
      for (const place of places) {
        if (entry.isDone[place] === 1) continue
        entry.isDone[place] = 1
        this.#pendingMessages -= weight
      }
      return this.#advance()
    }
  }

  #advance(): bigint | undefined {
    let offset: bigint | undefined
    let complete = 0
    for (const entry of this.#pending) {
      const { nextOffsets, isDone } = entry
      const before = entry.first
      while (isDone[entry.first] === 1) entry.first++
      if (entry.first > before) offset = nextOffsets[entry.first - 1]
      if (entry.first < nextOffsets.length) break
      complete++
    }
    this.#pending.splice(0, complete)
    return offset
  }
}

interface Entry {
  readonly nextOffsets: readonly bigint[]
  readonly isDone: Uint8Array
  /** Index of the first message that is not done. */
  first: number
}
