import { type Clock, type Log, messageOf, waitOrAbort } from '../base/index.ts'

/**
 * Agents join and leave in bursts. The first change is reconciled immediately; later ones wait for a pause of twice the
 * time that took, within these bounds in milliseconds.
 */
const [minRestMs, maxRestMs] = [100, 1000] as const

export interface ReconcilePaceOptions {
  readonly clock: Clock
  readonly log: Log
  readonly reconcile: () => Promise<void>
}

/** When reconciliations run: one at a time, and with pauses between those that follow news from agents. */
export class ReconcilePace {
  readonly #options: ReconcilePaceOptions
  readonly #stop = new AbortController()
  #running: Promise<unknown> = Promise.resolve()
  #queued: Promise<void> | undefined
  /** A pause is in progress, after which a reconciliation follows. */
  #isResting = false
  #restsUntil = Number.NEGATIVE_INFINITY

  constructor(options: ReconcilePaceOptions) {
    this.#options = options
  }

  /**
   * Runs the next reconciliation; rejects with its error. Calls made while a reconciliation is running share the next
   * one.
   */
  next(): Promise<void> {
    if (this.#queued !== undefined) return this.#queued
    const next = this.#running.then(() => {
      this.#queued = undefined
      return this.#run()
    })
    this.#queued = next
    this.#running = next.catch(() => undefined) // the caller gets the error
    return next
  }

  /**
   * Reconciles after news from agents. During a pause it resolves immediately, and the reconciliation follows the
   * pause.
   */
  async afterNews(): Promise<void> {
    const { clock, log } = this.#options
    const restMs = this.#restsUntil - clock.monotonic()
    if (restMs <= 0) return this.next()
    if (this.#isResting) return
    this.#isResting = true
    void waitOrAbort(clock, restMs, this.#stop.signal).then(async () => {
      this.#isResting = false
      if (this.#stop.signal.aborted) return
      await this.next().catch((error: unknown) =>
        log.error('reconciliation failed and will be retried', { error: messageOf(error) }),
      )
    })
  }

  /** Ends a pause without the reconciliation after it. */
  close(): void {
    this.#stop.abort()
  }

  async #run(): Promise<void> {
    const { clock, reconcile } = this.#options
    const startedAt = clock.monotonic()
    await reconcile()
    const tookMs = clock.monotonic() - startedAt
    this.#restsUntil = clock.monotonic() + Math.min(maxRestMs, Math.max(minRestMs, 2 * tookMs))
  }
}
