import { crc32 } from 'node:zlib'
import { compilePattern } from '../pattern.ts'

/** A client's values for the selectors of subscriptions. */
export type TelemetryClient = Readonly<Record<TelemetrySelector, string>>

/** The selectors by which a subscription may match clients (KIP-714). */
export const telemetrySelectors = [
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
] as const
export type TelemetrySelector = (typeof telemetrySelectors)[number]

/** What a client should push, and how often. */
export interface TelemetrySubscription {
  /** Equal for equal subscriptions, on every broker. */
  readonly id: number
  /** Prefixes of metric names; `*` alone stands for all, an empty list for none. */
  readonly metrics: readonly string[]
  readonly intervalMs: number
}

const allMetrics = '*'
export const defaultIntervalMs = 300_000

/** Combines all subscriptions for a client: every metric, and the shortest interval. */
export function subscriptionFor(
  client: TelemetryClient,
  subscriptions: Iterable<Readonly<Record<string, string>>>,
): TelemetrySubscription {
  const metrics = new Set<string>()
  const intervals: number[] = []
  for (const settings of subscriptions) {
    if (
      !parseMatch(settings['match'] ?? '').every(([selector, pattern]) =>
        compilePattern(pattern).matches(client[selector]),
      )
    ) {
      continue
    }
    for (const name of items(settings['metrics'] ?? '')) metrics.add(name)
    intervals.push(Number(settings['interval.ms'] ?? defaultIntervalMs))
  }
  const wanted = metrics.has(allMetrics) ? [allMetrics] : [...metrics].toSorted()
  const intervalMs = intervals.length === 0 ? defaultIntervalMs : Math.min(...intervals)
  return { id: crc32(JSON.stringify([wanted, intervalMs])) | 0, metrics: wanted, intervalMs }
}

/** Parses a validated `match` config. */
export function parseMatch(value: string): (readonly [selector: TelemetrySelector, pattern: string])[] {
  return items(value).map(item => {
    const equals = item.indexOf('=')
    // The config was validated when it was set.
    return [item.slice(0, equals).trim() as TelemetrySelector, item.slice(equals + 1).trim()]
  })
}

function items(list: string): string[] {
  return list
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')
}
