import { messageOf } from '../../base/index.ts'
import { ConfigError, defineProcessor, field, forEachMessage, type Message, type Metrics } from '../../engine/index.ts'

export default defineProcessor({
  name: 'metric',
  unmeasured: true,
  categories: ['Utility'],
  summary: 'Records a custom metric for each message.',
  config: field.object({
    type: field.string('The type of the metric.').options({
      counter: 'Incremented by one for each message.',
      counter_by: 'Incremented by the value.',
      gauge: 'Set to the value.',
      timing: 'Records the value as a duration in nanoseconds.',
    }),
    name: field.string('The name of the metric.'),
    labels: field.interpolated('The labels of the metric.').map().optional(),
    value: field.interpolated('The value, for types that use one.').default(''),
  }),
  create(config, resources) {
    if (config.name === '') throw new ConfigError('metric name must not be empty')
    const { log, metrics } = resources
    const labels = Object.entries(config.labels ?? {})
    const kind = config.type.toLowerCase()
    // Without labels the series exists from the start.
    if (labels.length === 0) recorder(metrics, kind, config.name, {})
    const count = (_: Message, view: readonly Message[], index: number) => {
      try {
        const text = config.value.eval(view, index)
        const named = Object.fromEntries(labels.map(([name, value]) => [name, value.eval(view, index)]))
        const record = recorder(metrics, kind, config.name, named)
        record(kind === 'counter' ? 1 : numberOf(text))
      } catch (error) {
        log.error(`Handler error: ${messageOf(error)}`)
      }
    }
    return forEachMessage(count)
  },
})

/** Records values in a series, which exists from now on. */
function recorder(
  metrics: Metrics,
  kind: string,
  name: string,
  labels: Readonly<Record<string, string>>,
): (value: number) => void {
  if (kind === 'gauge') {
    const gauge = metrics.gauge(name, labels)
    return value => gauge.set(value)
  }
  if (kind === 'timing') {
    const timer = metrics.timer(name, labels)
    return value => timer.observe(value)
  }
  const counter = metrics.counter(name, labels)
  return value => counter.add(value)
}

function numberOf(text: string): number {
  const value = /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text) ? Number(text) : NaN
  if (Number.isNaN(value)) throw new Error(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`)
  if (value < 0) throw new Error(`value ${Number.isInteger(value) ? value : value.toFixed(6)} is negative`)
  return value
}
