import { type Clock, waitOrAbort } from '../base/index.ts'

/** How long a poll without news waits, in milliseconds. */
export const pollMs = 3000

/** The polls of agents that wait for news: new orders, a question, another list of peers. */
export class WaitingPolls {
  readonly #clock: Clock
  readonly #waiting = new Map<string, Set<() => void>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether the agent has a waiting poll in this process. */
  has(agentId: string): boolean {
    return this.#waiting.has(agentId)
  }

  /**
   * Resolves `woken` when the agent is woken, after `pollMs`, or when the signal is aborted. The caller calls `end` once
   * it no longer waits.
   */
  wait(agentId: string, signal: AbortSignal): { readonly woken: Promise<void>; readonly end: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>()
    const waiting = this.#waiting.get(agentId) ?? new Set()
    this.#waiting.set(agentId, waiting.add(resolve))
    const over = new AbortController()
    void waitOrAbort(this.#clock, pollMs, over.signal).then(resolve)
    const wake = () => resolve()
    signal.addEventListener('abort', wake)
    if (signal.aborted) resolve()
    const end = () => {
      over.abort()
      signal.removeEventListener('abort', wake)
      waiting.delete(resolve)
      if (waiting.size === 0 && this.#waiting.get(agentId) === waiting) this.#waiting.delete(agentId)
    }
    return { woken: promise, end }
  }

  wake(agentId: string): void {
    for (const wake of this.#waiting.get(agentId) ?? []) wake()
  }

  wakeAll(): void {
    for (const agentId of this.#waiting.keys()) this.wake(agentId)
  }
}
