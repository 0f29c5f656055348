import { crc32 } from 'node:zlib'
import { compilePattern } from '../pattern.ts'

/** A client as subscriptions select it, by the names of the selectors. */
export type TelemetryClient = Readonly<Record<TelemetrySelector, string>>

/** What a subscription may match clients by (KIP-714). */
export const telemetrySelectors = [
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
] as const
export type TelemetrySelector = (typeof telemetrySelectors)[number]

/** What a client is to push, and how often. */
export interface TelemetrySubscription {
  /** The same for the same subscription, on every broker. */
  readonly id: number
  /** Prefixes of the names of metrics; `*` alone stands for all, none for no metrics. */
  readonly metrics: readonly string[]
  readonly intervalMs: number
}

const allMetrics = '*'
export const defaultIntervalMs = 300_000

/** All that is subscribed for a client together: every metric, and the shortest interval. */
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

/** The patterns of a `match` setting that was checked. */
export function parseMatch(value: string): (readonly [selector: TelemetrySelector, pattern: string])[] {
  return items(value).map(item => {
    const equals = item.indexOf('=')
    // The setting was checked when it was made.
    return [item.slice(0, equals).trim() as TelemetrySelector, item.slice(equals + 1).trim()]
  })
}

function items(list: string): string[] {
  return list
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')
}
