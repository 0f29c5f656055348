import { CHUNK_BYTES, type LineReader } from './blobl-io.ts'

/** The memory through which threads share standard input and output. */
export interface SharedMemory {
  readonly state: SharedArrayBuffer
  readonly rest: SharedArrayBuffer
}

export function sharedMemory(): SharedMemory {
  return { state: new SharedArrayBuffer(5 * 4), rest: new SharedArrayBuffer(CHUNK_BYTES) }
}

const NO_LINES = Buffer.alloc(0)

// Indexes into the state.
const LOCK = 0
const ENDED = 1
const REST = 2
const NEXT_NUMBER = 3
const TURN = 4

/**
 * Lets many threads read one standard input. A thread reads lines while it holds a lock, maps them concurrently with
 * the others, and waits for its turn to write the results, so the order is preserved. There is no coordinating thread:
 * the only thing copied between threads is the beginning of a line that a read cut off, and each thread holds only the
 * lines that it maps.
 */
export class SharedInput {
  readonly #reader: LineReader
  readonly #state: Int32Array
  readonly #rest: Uint8Array
  #number = 0

  constructor(reader: LineReader, memory: SharedMemory) {
    this.#reader = reader
    this.#state = new Int32Array(memory.state)
    this.#rest = new Uint8Array(memory.rest)
  }

  /** Whole lines that no other thread gets; empty at the end. Each call takes a number in the order of writing. */
  next(): Buffer {
    const state = this.#state
    while (Atomics.compareExchange(state, LOCK, 0, 1) !== 0) Atomics.wait(state, LOCK, 1)
    this.#number = state[NEXT_NUMBER]!
    state[NEXT_NUMBER] = this.#number + 1
    try {
      return state[ENDED] === 1 ? NO_LINES : this.#read()
    } finally {
      Atomics.store(state, LOCK, 0)
      Atomics.notify(state, LOCK, 1)
    }
  }

  #read(): Buffer {
    const state = this.#state
    this.#reader.resume(this.#rest.subarray(0, state[REST]))
    const lines = this.#reader.next()
    const { rest } = this.#reader
    this.#rest.set(rest)
    state[REST] = rest.length
    state[ENDED] = lines.length === 0 ? 1 : 0
    return lines
  }

  /** Returns once all lines before those last read have been written. */
  waitForTurn(): void {
    for (;;) {
      const turn = Atomics.load(this.#state, TURN)
      if (turn === this.#number) return
      Atomics.wait(this.#state, TURN, turn)
    }
  }

  /** Lets the next thread write. */
  endTurn(): void {
    this.waitForTurn()
    Atomics.store(this.#state, TURN, (this.#number + 1) | 0)
    Atomics.notify(this.#state, TURN)
  }
}
