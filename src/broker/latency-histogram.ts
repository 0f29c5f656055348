/** The upper bounds of the buckets, in seconds. */
export const latencyBoundsSeconds: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
]

/** A histogram of durations, as in Prometheus. */
export class LatencyHistogram {
  /** Number of values in each bucket and in none before it; the last bucket has no bound. */
  readonly #counts = Array.from({ length: latencyBoundsSeconds.length + 1 }, () => 0)
  #sumSeconds = 0
  #count = 0

  observe(ms: number): void {
    const seconds = ms / 1000
    let bucket = 0
    while (bucket < latencyBoundsSeconds.length && seconds > latencyBoundsSeconds[bucket]!) bucket++
    this.#counts[bucket]!++
    this.#sumSeconds += seconds
    this.#count++
  }

  get sumSeconds(): number {
    return this.#sumSeconds
  }

  get count(): number {
    return this.#count
  }

  /** For each bound, the number of values up to it. */
  cumulative(): number[] {
    let total = 0
    return latencyBoundsSeconds.map((_, bucket) => (total += this.#counts[bucket]!))
  }
}
