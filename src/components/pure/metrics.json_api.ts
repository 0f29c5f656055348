import { defineMetrics, field, metricsDocument } from '../../engine/index.ts'

export default defineMetrics({
  name: 'json_api',
  summary: 'Serves metrics as a JSON object on `/metrics` and `/stats`.',
  description:
    'A key is the name of a series with its labels: `input_received{label="",path="root.input"}`. Counters and gauges are numbers; timings are objects with the quantiles `p50`, `p90` and `p99` in nanoseconds.',
  config: field.anyObject('Has no fields.').default({}),
  create: () => ({
    page: samples => ({ type: 'application/json', text: JSON.stringify(metricsDocument(samples)) }),
  }),
})
