import { defineMetrics, field, quantilesOf, type Sample } from '../../engine/index.ts'

export default defineMetrics({
  name: 'json_api',
  summary: 'Serves metrics as a JSON object on `/metrics` and `/stats`.',
  description:
    'A key is the name of a series with its labels: `input_received{label="",path="root.input"}`. Counters and gauges are numbers; timings are objects of the quantiles `p50`, `p90` and `p99` in nanoseconds.',
  config: field.anyObject('Has no fields.').default({}),
  create: () => ({
    page: samples => ({ type: 'application/json', text: JSON.stringify(documentOf(samples)) }),
  }),
})

function documentOf(samples: readonly Sample[]): Record<string, unknown> {
  const entries = samples.map(sample => [labelledName(sample), valueOf(sample)] as const)
  return Object.fromEntries(entries.toSorted(([left], [right]) => (left < right ? -1 : 1)))
}

function labelledName({ name, labels }: Sample): string {
  const written = Object.entries(labels)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([label, value]) => `${label}=${JSON.stringify(value)}`)
  return written.length === 0 ? name : `${name}{${written.join(',')}}`
}

function valueOf({ kind, value, recentNs }: Sample): unknown {
  if (kind !== 'timer') return value
  const [p50 = 0, p90 = 0, p99 = 0] = quantilesOf(recentNs.length === 0 ? [0] : recentNs, [0.5, 0.9, 0.99])
  return { p50, p90, p99 }
}
