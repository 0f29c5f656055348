import { type Clock, prometheusFamily, prometheusSample } from '../../base/index.ts'
import { decompress, type ErrorName, ProtocolError } from '../../kafka/index.ts'
import type { ClusterSettings } from '../settings.ts'
import { type MetricPoint, readMetrics } from './otlp.ts'
import { subscriptionFor, type TelemetryClient, type TelemetrySubscription } from './subscriptions.ts'

/** Maximum size of a push as sent, compressed, in bytes. */
export const telemetryMaxBytes = 1024 * 1024
/** Maximum decompressed size of a push, in bytes. */
const MAX_DECOMPRESSED_BYTES = 16 * telemetryMaxBytes
/** The codecs that clients may use, best first: zstd, lz4, gzip, snappy. Without one is always allowed, as in Kafka. */
export const acceptedCompressionTypes: readonly number[] = [4, 3, 1, 2]
const UNCOMPRESSED = 0
/** Maximum number of clients; beyond it the least recently heard from is forgotten. */
const MAX_CLIENTS = 2_000
/** Maximum number of series shown per client. */
const MAX_SERIES = 1_000
/** A client that misses this many pushes is forgotten. */
const MISSED_PUSHES = 3

interface Series {
  readonly name: string
  readonly kind: MetricPoint['kind']
  readonly labels: Readonly<Record<string, string>>
  value: number
}

interface Instance {
  /** In monotonic milliseconds; undefined before the first request. */
  askedAt: number | undefined
  pushedAt: number | undefined
  intervalMs: number
  /** Whether the client was told to ask again early. */
  mayAskAgain: boolean
  isTerminating: boolean
  readonly series: Map<string, Series>
}

export type Subscribed =
  | { readonly ok: true; readonly subscription: TelemetrySubscription }
  | { readonly ok: false; readonly error: ErrorName }

export interface Push {
  readonly subscriptionId: number
  readonly compressionType: number
  readonly isTerminating: boolean
  readonly metrics: Buffer
}

/**
 * The metrics that clients push (KIP-714): tells each client its subscription, and exposes what it pushed with the
 * agent's own metrics. The state of a client is lost with the process, and the client pushes it again.
 */
export class ClientMetrics {
  readonly #settings: ClusterSettings
  readonly #clock: Clock
  /** By client instance id, least recently heard from first. */
  readonly #instances = new Map<string, Instance>()

  constructor(settings: ClusterSettings, clock: Clock) {
    this.#settings = settings
    this.#clock = clock
  }

  /** What a client should push. THROTTLING_QUOTA_EXCEEDED if it asks more often than it has reason to. */
  subscribe(client: TelemetryClient): Subscribed {
    const subscription = this.#subscriptionOf(client)
    const instance = this.#instanceOf(client)
    const now = this.#clock.monotonic()
    const lastAt = Math.max(instance.askedAt ?? -Infinity, instance.pushedAt ?? -Infinity)
    if (!instance.mayAskAgain && now - lastAt < instance.intervalMs) {
      return { ok: false, error: 'THROTTLING_QUOTA_EXCEEDED' }
    }
    Object.assign(instance, { askedAt: now, mayAskAgain: false, intervalMs: subscription.intervalMs })
    return { ok: true, subscription }
  }

  /** Accepts the metrics that a client pushes. Returns NONE or the error. */
  push(client: TelemetryClient, { subscriptionId, compressionType, isTerminating, metrics }: Push): ErrorName {
    const subscription = this.#subscriptionOf(client)
    const instance = this.#instanceOf(client)
    const now = this.#clock.monotonic()
    // The last push may come at any time, since it is sent when the client closes.
    if (instance.isTerminating) return 'INVALID_REQUEST'
    const hasPushed = instance.pushedAt !== undefined && instance.pushedAt >= (instance.askedAt ?? -Infinity)
    // The first push after a request comes at a random moment in the interval, so that clients do not push in step.
    if (!isTerminating && hasPushed && now - instance.pushedAt! < instance.intervalMs)
      return 'THROTTLING_QUOTA_EXCEEDED'
    instance.pushedAt = now
    instance.isTerminating = isTerminating
    if (subscriptionId !== subscription.id) return this.#askAgain(instance, 'UNKNOWN_SUBSCRIPTION_ID')
    if (compressionType !== UNCOMPRESSED && !acceptedCompressionTypes.includes(compressionType)) {
      return this.#askAgain(instance, 'UNSUPPORTED_COMPRESSION_TYPE')
    }
    if (metrics.length > telemetryMaxBytes) return 'TELEMETRY_TOO_LARGE'
    try {
      for (const point of readMetrics(decompress(compressionType, metrics, MAX_DECOMPRESSED_BYTES))) {
        addPoint(instance, client, point)
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      return 'INVALID_RECORD'
    }
    return 'NONE'
  }

  /** All pushed metrics, in the Prometheus text format. */
  text(): string {
    this.#forgetLost()
    const series = [...this.#instances.values()].flatMap(instance => [...instance.series.values()])
    const families = Map.groupBy(series, ({ name, kind }) => `${kind} ${name}`)
    return Array.from(families.values(), some => {
      const { name, kind } = some[0]!
      const help = 'Pushed by Kafka clients.'
      return prometheusFamily(
        name,
        kind,
        help,
        some.map(({ labels, value }) => prometheusSample(name, labels, value)),
      )
    }).join('')
  }

  #subscriptionOf(client: TelemetryClient): TelemetrySubscription {
    return subscriptionFor(client, this.#settings.all('client_metrics').values())
  }

  #askAgain(instance: Instance, error: ErrorName): ErrorName {
    instance.mayAskAgain = true
    return error
  }

  #instanceOf(client: TelemetryClient): Instance {
    const id = client.client_instance_id
    const known = this.#instances.get(id)
    const instance = known ?? {
      askedAt: undefined,
      pushedAt: undefined,
      intervalMs: 0,
      mayAskAgain: true,
      isTerminating: false,
      series: new Map<string, Series>(),
    }
    this.#instances.delete(id)
    this.#instances.set(id, instance)
    if (this.#instances.size > MAX_CLIENTS) this.#instances.delete(this.#instances.keys().next().value!)
    return instance
  }

  #forgetLost(): void {
    const now = this.#clock.monotonic()
    for (const [id, { askedAt, pushedAt, intervalMs }] of this.#instances) {
      const heardAt = Math.max(askedAt ?? -Infinity, pushedAt ?? -Infinity)
      if (now - heardAt > MISSED_PUSHES * intervalMs) this.#instances.delete(id)
    }
  }
}

function addPoint(instance: Instance, client: TelemetryClient, point: MetricPoint): void {
  const labels = labelsOf(client, point)
  const name = prometheusName(point.name)
  const key = JSON.stringify([name, point.kind, labels])
  const known = instance.series.get(key)
  if (known !== undefined) known.value = point.isDelta ? known.value + point.value : point.value
  else if (instance.series.size < MAX_SERIES)
    instance.series.set(key, { name, kind: point.kind, labels, value: point.value })
}

function labelsOf(client: TelemetryClient, { attributes }: MetricPoint): Record<string, string> {
  const own = Object.entries(attributes).map(([name, value]) => [prometheusName(name), value] as const)
  return {
    ...Object.fromEntries(own),
    client_instance_id: client.client_instance_id,
    client_id: client.client_id,
    client_software_name: client.client_software_name,
  }
}

/** Replaces everything except letters, digits and underscores, and avoids a leading digit. */
function prometheusName(name: string): string {
  return name.replaceAll(/\W/g, '_').replace(/^(?=\d)/, '_')
}
