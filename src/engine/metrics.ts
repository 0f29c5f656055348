import { prometheusFamily, prometheusSample, unreachable } from '../base/index.ts'

/** A number that only increases. */
export interface Counter {
  add(count: number): void
}

export interface Gauge {
  set(value: number): void
}

/** Records durations in nanoseconds. */
export interface Timer {
  /** `times`: how many times the same duration was measured, by default once. */
  observe(durationNs: number, times?: number): void
}

/** Typed handles, created once by the code that counts; an update costs one addition. */
export interface Metrics {
  counter(name: string, labels?: Readonly<Record<string, string>>): Counter
  gauge(name: string, labels?: Readonly<Record<string, string>>): Gauge
  timer(name: string, labels?: Readonly<Record<string, string>>): Timer
  /** The same metrics with these labels on every handle. */
  with(labels: Readonly<Record<string, string>>): Metrics
}

const nothing = { add() {}, set() {}, observe() {} }

/** Discards everything. */
export const nullMetrics: Metrics = {
  counter: () => nothing,
  gauge: () => nothing,
  timer: () => nothing,
  with: () => nullMetrics,
}

type Labels = Readonly<Record<string, string>>

/**
 * Returns a function that adds to a counter, sets a gauge or records a duration of a timer, a number of times. The
 * series exists from now on.
 */
export function recorderOf(
  metrics: Metrics,
  kind: Sample['kind'],
  name: string,
  labels: Labels,
): (value: number, times?: number) => void {
  switch (kind) {
    case 'counter': {
      const counter = metrics.counter(name, labels)
      return value => counter.add(value)
    }
    case 'gauge': {
      const gauge = metrics.gauge(name, labels)
      return value => gauge.set(value)
    }
    case 'timer': {
      const timer = metrics.timer(name, labels)
      return (value, times) => timer.observe(value, times)
    }
    default:
      return unreachable(kind)
  }
}

/** A snapshot of one series. */
export interface Sample {
  /** Identifies the series in its store. */
  readonly key: string
  readonly name: string
  readonly kind: 'counter' | 'gauge' | 'timer'
  readonly labels: Labels
  /** The count of a counter, the value of a gauge, or the number of observations of a timer. */
  readonly value: number
  /** Total in nanoseconds; timers only. */
  readonly sumNs: number
  /** The latest observations in nanoseconds, up to 512, oldest first; timers only. */
  readonly recentNs: readonly number[]
  /** Number of observations in each bucket of the store's bounds; empty if there are none. */
  readonly buckets: readonly number[]
}

/** Maps a series when it is first used: to another name, to other labels, or to null to drop it. */
export type MetricsMapping = (name: string, labels: Labels) => { readonly name: string; readonly labels: Labels } | null

/** How a store maps and buckets its series. */
interface StoreOptions {
  readonly map?: MetricsMapping
  /** Upper bounds, in ascending seconds, of the buckets of timers. */
  readonly boundsSeconds?: readonly number[]
}

/** Keeps every series in memory; exporters read it. */
export class MetricsStore {
  readonly #series = new Map<string, Series>()
  /** By name and labels before the mapping, which runs once for each combination. */
  readonly #handles = new Map<string, Series>()
  readonly #map: MetricsMapping
  readonly #boundsNs: readonly number[]

  constructor({ map = (name, labels) => ({ name, labels }), boundsSeconds = [] }: StoreOptions = {}) {
    this.#map = map
    this.#boundsNs = boundsSeconds.map(seconds => seconds * 1e9)
  }

  /** Handles that count in this store. */
  get metrics(): Metrics {
    return this.#scoped({})
  }

  samples(): readonly Sample[] {
    return [...this.#series.values()].map(series => series.sample())
  }

  #scoped(base: Labels): Metrics {
    const find = (kind: Sample['kind'], name: string, labels: Labels | undefined) =>
      this.#find(kind, name, labels === undefined ? base : { ...base, ...labels })
    return {
      counter: (name, labels) => find('counter', name, labels),
      gauge: (name, labels) => find('gauge', name, labels),
      timer: (name, labels) => find('timer', name, labels),
      with: labels => this.#scoped({ ...base, ...labels }),
    }
  }

  #find(kind: Sample['kind'], name: string, labels: Labels): Series {
    const key = keyOf(kind, name, labels)
    let series = this.#handles.get(key)
    if (series === undefined) {
      series = this.#make(kind, name, labels)
      this.#handles.set(key, series)
    }
    return series
  }

  #make(kind: Sample['kind'], name: string, labels: Labels): Series {
    const mapped = this.#map(name, labels)
    if (mapped === null) return new Series('', kind, name, labels, [])
    const key = keyOf(kind, mapped.name, mapped.labels)
    const existing = this.#series.get(key)
    if (existing !== undefined) return existing
    const series = new Series(key, kind, mapped.name, mapped.labels, kind === 'timer' ? this.#boundsNs : [])
    this.#series.set(key, series)
    return series
  }
}

function keyOf(kind: Sample['kind'], name: string, labels: Labels): string {
  return `${kind} ${name} ${JSON.stringify(Object.entries(labels).toSorted(byKey))}`
}

const RECENT = 512

class Series implements Counter, Gauge, Timer {
  readonly #key: string
  readonly #kind: Sample['kind']
  readonly #name: string
  readonly #labels: Labels
  readonly #boundsNs: readonly number[]
  readonly #buckets: number[]
  #value = 0
  #sumNs = 0
  readonly #recent: number[] = []

  constructor(key: string, kind: Sample['kind'], name: string, labels: Labels, boundsNs: readonly number[]) {
    this.#key = key
    this.#kind = kind
    this.#name = name
    this.#labels = labels
    this.#boundsNs = boundsNs
    this.#buckets = boundsNs.map(() => 0)
  }

  add(count: number): void {
    this.#value += count
  }

  set(value: number): void {
    this.#value = value
  }

  observe(durationNs: number, times = 1): void {
    const rounded = Math.round(durationNs)
    for (let i = 0; i < Math.min(times, RECENT); i++) this.#recent[(this.#value + i) % RECENT] = rounded
    this.#value += times
    this.#sumNs += durationNs * times
    if (this.#buckets.length === 0) return
    const bucket = this.#boundsNs.findIndex(boundNs => durationNs <= boundNs)
    if (bucket >= 0) this.#buckets[bucket]! += times
  }

  sample(): Sample {
    const oldest = this.#value % RECENT
    return {
      key: this.#key,
      name: this.#name,
      kind: this.#kind,
      labels: this.#labels,
      value: this.#value,
      sumNs: this.#sumNs,
      recentNs:
        this.#value > RECENT ? [...this.#recent.slice(oldest), ...this.#recent.slice(0, oldest)] : [...this.#recent],
      buckets: [...this.#buckets],
    }
  }
}

function byKey([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return left < right ? -1 : 1
}

/** The smallest observations that are not exceeded by the given shares of all (0.5 is the median); NaN without any. */
function quantilesOf(observations: readonly number[], quantiles: readonly number[]): readonly number[] {
  const sorted = observations.toSorted((left, right) => left - right)
  return quantiles.map(quantile => sorted[Math.max(0, Math.ceil(sorted.length * quantile) - 1)] ?? NaN)
}

/** Quantiles of observations, interpolated between neighbours as the original's exporters do, except for Prometheus; 0 without any. */
export function interpolatedQuantiles(
  observations: readonly number[],
  quantiles: readonly number[],
): readonly number[] {
  const sorted = observations.toSorted((left, right) => left - right)
  if (sorted.length === 0) return quantiles.map(() => 0)
  return quantiles.map(quantile => {
    const position = quantile * (sorted.length + 1)
    const upper = sorted[Math.floor(position)] ?? sorted.at(-1)!
    const lower = sorted[Math.floor(position) - 1] ?? upper
    return lower + (position % 1) * (upper - lower)
  })
}

/** The change of one series over an interval. */
export interface SampleChange {
  readonly sample: Sample
  /** The increase of a counter, or the number of observations of a timer. */
  readonly count: number
  /** The observations of the interval in nanoseconds; only the latest 512 if there were more. */
  readonly observedNs: readonly number[]
}

/** Turns totals into deltas, for exporters whose destination does the adding up. */
export class SampleChanges {
  readonly #counts = new Map<string, number>()

  /** The change of every series since the last call, including unchanged ones. */
  next(samples: readonly Sample[]): readonly SampleChange[] {
    return samples.map(sample => {
      const count = sample.value - (this.#counts.get(sample.key) ?? 0)
      this.#counts.set(sample.key, sample.value)
      return { sample, count, observedNs: count > 0 ? sample.recentNs.slice(-count) : [] }
    })
  }
}

/** Handles that update two metrics at once. */
export function bothMetrics(first: Metrics, second: Metrics): Metrics {
  return {
    counter(name, labels) {
      const [one, other] = [first.counter(name, labels), second.counter(name, labels)]
      return {
        add(count) {
          one.add(count)
          other.add(count)
        },
      }
    },
    gauge(name, labels) {
      const [one, other] = [first.gauge(name, labels), second.gauge(name, labels)]
      return {
        set(value) {
          one.set(value)
          other.set(value)
        },
      }
    },
    timer(name, labels) {
      const [one, other] = [first.timer(name, labels), second.timer(name, labels)]
      return {
        observe(durationNs, times) {
          one.observe(durationNs, times)
          other.observe(durationNs, times)
        },
      }
    },
    with: labels => bothMetrics(first.with(labels), second.with(labels)),
  }
}

/** The samples as one document: `input_received{label="",path="root.input"}` → a number or the quantiles of a timer. */
export function metricsDocument(samples: readonly Sample[]): Record<string, unknown> {
  const entries = samples.map(sample => [labelledName(sample), documentValue(sample)] as const)
  return Object.fromEntries(entries.toSorted(byKey))
}

function labelledName({ name, labels }: Sample): string {
  const written = Object.entries(labels)
    .toSorted(byKey)
    .map(([label, value]) => `${label}=${JSON.stringify(value)}`)
  return written.length === 0 ? name : `${name}{${written.join(',')}}`
}

function documentValue({ kind, value, recentNs }: Sample): unknown {
  if (kind !== 'timer') return value
  const [p50, p90, p99] = interpolatedQuantiles(recentNs, [0.5, 0.9, 0.99])
  return { p50, p90, p99 }
}

/** How timers are exported. */
type TimerFormat = { readonly quantiles: readonly number[] } | { readonly boundsSeconds: readonly number[] }

/**
 * The samples in the Prometheus text format, with timers as summaries in nanoseconds or histograms in seconds.
 * Characters that Prometheus does not allow in names become underscores. If a name occurs with several kinds, only the
 * first kind is written.
 */
export function prometheusText(samples: readonly Sample[], timers: TimerFormat): string {
  const byName = [...Map.groupBy(samples, sample => prometheusName(sample.name))].toSorted(byKey)
  return byName
    .map(([name, all]) => {
      const { kind } = all[0]!
      const family = all.filter(sample => sample.kind === kind)
      const [type, title] = prometheusTypes[kind]
      return prometheusFamily(
        name,
        type === 'summary' && 'boundsSeconds' in timers ? 'histogram' : type,
        `Bento ${title} metric`,
        family.flatMap(sample => sampleLines(name, sample, timers)),
      )
    })
    .join('')
}

const prometheusTypes = {
  counter: ['counter', 'Counter'],
  gauge: ['gauge', 'Gauge'],
  timer: ['summary', 'Timing'],
} as const

function prometheusName(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9_:]/g, '_').replace(/^\d/, '_$&')
}

function sampleLines(name: string, sample: Sample, timers: TimerFormat): readonly string[] {
  const labels = Object.fromEntries(
    Object.entries(sample.labels).map(([label, value]) => [prometheusName(label).replaceAll(':', '_'), value]),
  )
  if (sample.kind !== 'timer') return [prometheusSample(name, labels, sample.value)]
  return 'boundsSeconds' in timers
    ? histogramLines(name, labels, sample, timers.boundsSeconds)
    : summaryLines(name, labels, sample, timers.quantiles)
}

function summaryLines(
  name: string,
  labels: Labels,
  { value, sumNs, recentNs }: Sample,
  quantiles: readonly number[],
): readonly string[] {
  const values = quantilesOf(recentNs, quantiles)
  return [
    ...quantiles.map((quantile, index) =>
      prometheusSample(name, labels, values[index]!, { quantile: String(quantile) }),
    ),
    prometheusSample(`${name}_sum`, labels, sumNs),
    prometheusSample(`${name}_count`, labels, value),
  ]
}

function histogramLines(
  name: string,
  labels: Labels,
  { value, sumNs, buckets }: Sample,
  boundsSeconds: readonly number[],
): readonly string[] {
  let below = 0
  return [
    ...boundsSeconds.map((bound, index) => {
      below += buckets[index] ?? 0
      return prometheusSample(`${name}_bucket`, labels, below, { le: String(bound) })
    }),
    prometheusSample(`${name}_bucket`, labels, value, { le: '+Inf' }),
    prometheusSample(`${name}_sum`, labels, sumNs / 1e9),
    prometheusSample(`${name}_count`, labels, value),
  ]
}
