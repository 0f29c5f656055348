import { messageOf } from '../../base/index.ts'
import { ConfigError, defineProcessor, field, forEachMessage, type Message } from '../../engine/index.ts'

export default defineProcessor({
  name: 'metric',
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
    const count = (_: Message, view: readonly Message[], index: number) => {
      try {
        const text = config.value.eval(view, index)
        const named = Object.fromEntries(labels.map(([name, value]) => [name, value.eval(view, index)]))
        if (kind === 'counter') return metrics.counter(config.name, named).add(1)
        const value = numberOf(text)
        if (kind === 'counter_by') metrics.counter(config.name, named).add(value)
        else if (kind === 'gauge') metrics.gauge(config.name, named).set(value)
        else metrics.timer(config.name, named).observe(value)
      } catch (error) {
        log.error(`Handler error: ${messageOf(error)}`)
      }
    }
    return forEachMessage(count)
  },
})

function numberOf(text: string): number {
  const value = /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text) ? Number(text) : NaN
  if (Number.isNaN(value)) throw new Error(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`)
  if (value < 0) throw new Error(`value ${text} is negative`)
  return value
}
