import { messageOf } from '../../base/index.ts'
import { ConfigError, defineProcessor, field, forEachMessage, type Message, recorderOf } from '../../engine/index.ts'

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
    const labelsOf = (view: readonly Message[], index: number) =>
      Object.fromEntries(labels.map(([name, value]) => [name, value.eval(view, index)]))
    const type = config.type.toLowerCase()
    const kind = kinds[type]
    if (kind === undefined) throw new ConfigError(`metric type unrecognised: ${config.type}`)
    // Without labels there is one series, which exists from the start.
    const only = labels.length === 0 ? recorderOf(metrics, kind, config.name, {}) : undefined
    const count = (_: Message, view: readonly Message[], index: number) => {
      try {
        const text = config.value.eval(view, index)
        const record = only ?? recorderOf(metrics, kind, config.name, labelsOf(view, index))
        record(type === 'counter' ? 1 : numberOf(text))
      } catch (error) {
        log.error(`Handler error: ${messageOf(error)}`)
      }
    }
    return forEachMessage(count)
  },
})

/** The kind of series for each type. */
const kinds: Readonly<Record<string, 'counter' | 'gauge' | 'timer'>> = {
  counter: 'counter',
  counter_by: 'counter',
  gauge: 'gauge',
  timing: 'timer',
}

function numberOf(text: string): number {
  const value = /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text) ? Number(text) : NaN
  if (Number.isNaN(value)) throw new Error(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`)
  if (value < 0) throw new Error(`value ${Number.isInteger(value) ? value : value.toFixed(6)} is negative`)
  return value
}
