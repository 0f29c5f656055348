import type { Clock, Log } from '../base/index.ts'
import { messageOf, waitOrAbort } from '../base/index.ts'
import { DELETED, type Mapping, MetadataDraft, NOTHING, textOfMetadata } from '../bloblang/index.ts'
import { type AnySpec, type ComponentConfig, ConfigError, type MaybePromise } from './component.ts'
import { unsupportedText } from './config/lint.ts'
import type { Field } from './fields.ts'
import type { ComponentHost } from './host.ts'
import { Message } from './message.ts'
import { type Metrics, type MetricsMapping, MetricsStore, type Sample } from './metrics.ts'
import { declaredHost } from './needs.ts'

/** The body of `/metrics` and its content type. */
export interface MetricsPage {
  readonly type: string
  readonly text: string
}

/** Exports the series of a program; the engine keeps the series and calls this. */
export interface MetricsExporter {
  /** Upper bounds of the buckets for durations, in ascending seconds. If absent, there are no buckets. */
  readonly boundsSeconds?: readonly number[]
  /** The content of `/metrics` and `/stats`. If absent, those endpoints do not exist. */
  page?(samples: readonly Sample[]): MetricsPage
  /** Interval between calls of `send`, in milliseconds. If absent, it is called only at the end. */
  readonly periodMs?: number
  /** Exports the series. Errors are logged, and the next call follows on schedule. `isLast`: the program is ending. */
  send?(samples: readonly Sample[], isLast: boolean): MaybePromise<void>
  close?(): MaybePromise<void>
}

/** Resource usage of the process. */
export interface ProcessFigures {
  readonly cpuSeconds: number
  readonly residentBytes: number
  readonly virtualBytes: number
  /** Seconds since 1970. */
  readonly startedAtSeconds: number
  readonly openFiles: number
}

/** The environment of an exporter. */
export interface MetricsResources {
  readonly log: Log
  readonly clock: Clock
  readonly host: ComponentHost
  /** Absent if the program does not measure itself. */
  readonly processFigures: (() => ProcessFigures) | undefined
}

export type MetricsSpec<F extends Field<unknown>> = Omit<AnySpec, 'kind' | 'config' | 'create'> & {
  readonly kind: 'metrics'
  readonly config: F
  readonly create: (
    config: F extends Field<infer T> ? T : never,
    resources: MetricsResources,
  ) => MaybePromise<MetricsExporter>
}

/** The default export of `metrics.<name>.ts`. */
export function defineMetrics<const F extends Field<unknown>>(spec: Omit<MetricsSpec<F>, 'kind'>): MetricsSpec<F> {
  return { ...spec, kind: 'metrics' }
}

/** The series of a program and the exporter chosen by its configuration. */
export class MetricsService {
  readonly #store: MetricsStore
  readonly #exporter: MetricsExporter
  readonly #log: Log
  readonly #stop = new AbortController()
  readonly #loop: Promise<void>

  private constructor(store: MetricsStore, exporter: MetricsExporter, { log, clock }: MetricsResources) {
    this.#store = store
    this.#exporter = exporter
    this.#log = log
    this.#loop = this.#run(clock)
  }

  /** Creates the exporter of a `metrics` block and starts it. Throws {@link ConfigError}. */
  static async open(config: ComponentConfig, resources: MetricsResources): Promise<MetricsService> {
    const { spec } = config
    if (spec.create === undefined) throw new ConfigError(unsupportedText(config.kind, config.name))
    const own = { ...resources, host: declaredHost(resources.host, spec) }
    // The spec's own fields parsed its config.
    const exporter = (await spec.create(config.config as never, own as never)) as MetricsExporter
    const { boundsSeconds } = exporter
    const store = new MetricsStore({
      ...(config.mapping === undefined ? {} : { map: metricsMapping(config.mapping, resources.log) }),
      ...(boundsSeconds === undefined ? {} : { boundsSeconds }),
    })
    return new MetricsService(store, exporter, resources)
  }

  /** Handles that count for this exporter. */
  get metrics(): Metrics {
    return this.#store.metrics
  }

  /** The content of `/metrics`; undefined if this exporter has none. */
  get page(): (() => MetricsPage) | undefined {
    const { page } = this.#exporter
    return page === undefined ? undefined : () => page.call(this.#exporter, this.#store.samples())
  }

  /** Sends the final values and stops. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#loop
    await this.#send(true)
    try {
      await this.#exporter.close?.()
    } catch (error) {
      this.#log.error(`Failed to close metrics: ${messageOf(error)}`)
    }
  }

  async #run(clock: Clock): Promise<void> {
    const { periodMs } = this.#exporter
    if (periodMs === undefined) return
    for (;;) {
      await waitOrAbort(clock, Math.max(1, periodMs), this.#stop.signal)
      if (this.#stop.signal.aborted) return
      await this.#send(false)
    }
  }

  async #send(isLast: boolean): Promise<void> {
    try {
      await this.#exporter.send?.(this.#store.samples(), isLast)
    } catch (error) {
      this.#log.error(`Failed to send metrics: ${messageOf(error)}`)
    }
  }
}

/**
 * The `mapping` of a metrics exporter: `this` is the name, metadata holds the labels. Deleting the name drops the
 * series; a mapping that fails or does not yield text leaves the series unchanged.
 */
function metricsMapping(mapping: Mapping, log: Log): MetricsMapping {
  const draft = new MetadataDraft()
  return (name, labels) => {
    const metadata = new Map(Object.entries(labels))
    draft.reset(metadata)
    try {
      const mapped = mapping.run([Message.fromText(JSON.stringify(name), metadata)], 0, draft)
      if (mapped === DELETED) return null
      if (mapped !== NOTHING && typeof mapped !== 'string') {
        log.error(`Path mapping of the metric '${name}' returned an invalid result, expected a string`)
        return { name, labels }
      }
      const current = [...draft.current].map(([label, value]) => [label, textOfMetadata(value)] as const)
      return { name: mapped === NOTHING ? name : mapped, labels: Object.fromEntries(current) }
    } catch (error) {
      log.error(`Failed to apply path mapping on '${name}': ${messageOf(error)}`)
      return { name, labels }
    }
  }
}
