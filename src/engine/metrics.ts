import { prometheusFamily, prometheusSample } from '../base/index.ts'

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

const nothing = { add() {}, set() {}, observe() {} }

/** Counts nothing. */
export const nullMetrics: Metrics = {
  counter: () => nothing,
  gauge: () => nothing,
  timer: () => nothing,
  with: () => nullMetrics,
}

type Labels = Readonly<Record<string, string>>

/** One series as it stands. */
export interface Sample {
  readonly name: string
  readonly kind: 'counter' | 'gauge' | 'timer'
  readonly labels: Labels
  /** The count of a counter, the value of a gauge, the number of observations of a timer. */
  readonly value: number
  /** Nanoseconds in total; timers only. */
  readonly sumNs: number
  /** Nanoseconds of the recent observations at the quantiles ½, 0.9 and 0.99; timers only. */
  readonly quantilesNs: readonly [number, number, number]
}

/** Decides about a series when it is first used: another name, other labels, or null to drop it. */
export type MetricsMapping = (name: string, labels: Labels) => { readonly name: string; readonly labels: Labels } | null

/** Keeps every series in memory; exporters read it. */
export class MetricsStore {
  readonly #series = new Map<string, Series>()
  readonly #map: MetricsMapping

  constructor(map: MetricsMapping = (name, labels) => ({ name, labels })) {
    this.#map = map
  }

  /** Handles of this store. */
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
    const mapped = this.#map(name, labels)
    if (mapped === null) return new Series(kind, name, labels)
    const key = `${kind} ${mapped.name} ${JSON.stringify(Object.entries(mapped.labels).toSorted(byKey))}`
    let series = this.#series.get(key)
    if (series === undefined) {
      series = new Series(kind, mapped.name, mapped.labels)
      this.#series.set(key, series)
    }
    return series
  }
}

const RECENT = 512

class Series implements Counter, Gauge, Timer {
  readonly #kind: Sample['kind']
  readonly #name: string
  readonly #labels: Labels
  #value = 0
  #sumNs = 0
  readonly #recent: number[] = []

  constructor(kind: Sample['kind'], name: string, labels: Labels) {
    this.#kind = kind
    this.#name = name
    this.#labels = labels
  }

  add(count: number): void {
    this.#value += count
  }

  set(value: number): void {
    this.#value = value
  }

  observe(durationNs: number): void {
    this.#recent[this.#value % RECENT] = durationNs
    this.#value++
    this.#sumNs += durationNs
  }

  sample(): Sample {
    const sorted = this.#recent.toSorted((left, right) => left - right)
    const at = (quantile: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))] ?? 0
    return {
      name: this.#name,
      kind: this.#kind,
      labels: this.#labels,
      value: this.#value,
      sumNs: this.#sumNs,
      quantilesNs: [at(0.5), at(0.9), at(0.99)],
    }
  }
}

function byKey([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return left < right ? -1 : 1
}

/** The samples in the text format of Prometheus: timers as summaries in nanoseconds. */
export function prometheusText(samples: readonly Sample[]): string {
  const byName = [...Map.groupBy(samples, sample => sample.name)].toSorted(byKey)
  return byName
    .map(([name, family]) => {
      const [type, title] = prometheusTypes[family[0]!.kind]
      return prometheusFamily(name, type, `Benthos ${title} metric`, family.flatMap(sampleLines))
    })
    .join('')
}

const prometheusTypes = {
  counter: ['counter', 'Counter'],
  gauge: ['gauge', 'Gauge'],
  timer: ['summary', 'Timing'],
} as const

function sampleLines({ name, kind, labels, value, sumNs, quantilesNs }: Sample): readonly string[] {
  if (kind !== 'timer') return [prometheusSample(name, labels, value)]
  const [half, nine, last] = value === 0 ? ['NaN', 'NaN', 'NaN'] : quantilesNs
  return [
    prometheusSample(name, { ...labels, quantile: '0.5' }, half),
    prometheusSample(name, { ...labels, quantile: '0.9' }, nine),
    prometheusSample(name, { ...labels, quantile: '0.99' }, last),
    prometheusSample(`${name}_sum`, labels, sumNs),
    prometheusSample(`${name}_count`, labels, value),
  ]
}
