/** A number that only grows. */
export interface Counter {
  add(count: number): void
}

export interface Gauge {
  set(value: number): void
}

/** Durations in nanoseconds. */
export interface Timer {
  observe(durationNs: number): void
}

/** Typed handles, made once by whoever counts; counting costs an addition. */
export interface Metrics {
  counter(name: string, labels?: Readonly<Record<string, string>>): Counter
  gauge(name: string, labels?: Readonly<Record<string, string>>): Gauge
  timer(name: string, labels?: Readonly<Record<string, string>>): Timer
  /** The same with these labels on every handle. */
  with(labels: Readonly<Record<string, string>>): Metrics
}
