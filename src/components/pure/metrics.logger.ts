import {
  defineMetrics,
  field,
  type MetricsExporter,
  type MetricsResources,
  interpolatedQuantiles,
  type SampleChange,
  SampleChanges,
} from '../../engine/index.ts'

export default defineMetrics({
  name: 'logger',
  summary: 'Logs every metric when the program ends and, if configured, periodically.',
  description:
    'Useful when only the logs of a program are available. Each series is logged as a line with its `name`, its labels, and its `value` or the quantiles `p50`, `p90` and `p99` in nanoseconds.',
  config: field.object({
    push_interval: field.duration('How often metrics are logged; by default only at the end.').optional(),
    flush_metrics: field.bool('Whether counters and timings are reset each time they are logged.').default(false),
  }),
  create({ push_interval: periodMs, flush_metrics: flushes }, { log }): MetricsExporter {
    const changes = new SampleChanges()
    return {
      ...(periodMs === undefined ? {} : { periodMs }),
      send(samples) {
        for (const change of changes.next(samples)) logSample(log, change, flushes)
      },
    }
  },
})

function logSample(log: MetricsResources['log'], { sample, count, observedNs }: SampleChange, flushes: boolean): void {
  const { name, kind, labels, value, recentNs } = sample
  if (kind === 'timer') {
    const [p50, p90, p99] = interpolatedQuantiles(flushes ? observedNs : recentNs, [0.5, 0.9, 0.99])
    log.info('Timing metric', { ...labels, name, p50, p90, p99 })
  } else {
    log.info('Counter metric', { ...labels, name, value: flushes && kind === 'counter' ? count : value })
  }
}
