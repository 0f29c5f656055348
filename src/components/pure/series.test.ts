// The series of components: their names, labels and counts, on which dashboards depend.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nullLog, systemClock } from '../../base/index.ts'
import { MetricsStore, startStream } from '../../engine/index.ts'
import { systemHost } from '../../host/index.ts'
import { createRegistry } from '../index.ts'

/** Runs a stream of 6 messages with `id` 1 to 6 to its end; returns the series whose names start with `prefix`. */
async function seriesOf(prefix: string, yaml: string): Promise<Record<string, number>> {
  const store = new MetricsStore()
  const input = `input: { generate: { mapping: root.id = counter(), count: 6, interval: '' } }\n`
  const surroundings = { registry: createRegistry(), host: systemHost, clock: systemClock, log: nullLog }
  const output = /^output:/m.test(yaml) ? '' : '\noutput: { drop: {} }'
  const stream = await startStream(`${input}${yaml}${output}`, {
    ...surroundings,
    metrics: store.metrics,
  })
  await stream.done
  const shown = store.samples().filter(({ name }) => name.startsWith(prefix))
  return Object.fromEntries(
    shown.map(({ name, labels: { path, label: _, ...labels }, value }) => [
      [name, path, ...Object.values(labels)].join(' '),
      value,
    ]),
  )
}

test('a cache counts each operation and its outcome', async () => {
  const series = await seriesOf(
    'cache_',
    `
pipeline:
  processors:
    - cache: { resource: c, operator: set, key: '\${! this.id }', value: x }
    - cache: { resource: c, operator: exists, key: '\${! this.id }' }
    - cache: { resource: c, operator: exists, key: none }
    - cache: { resource: c, operator: get, key: none }
    - cache: { resource: c, operator: get, key: '1' }
    - cache: { resource: c, operator: add, key: same, value: x }
    - cache: { resource: c, operator: delete, key: '1' }
cache_resources: [ { label: c, memory: {} } ]
`,
  )
  const path = 'root.cache_resources'
  assert.deepEqual(series, {
    [`cache_success ${path} get`]: 1,
    [`cache_error ${path} get`]: 0,
    [`cache_latency_ns ${path} get`]: 12,
    [`cache_not_found ${path} get`]: 11,
    [`cache_success ${path} exists`]: 12,
    [`cache_error ${path} exists`]: 0,
    [`cache_latency_ns ${path} exists`]: 12,
    [`cache_success ${path} set`]: 6,
    [`cache_error ${path} set`]: 0,
    [`cache_latency_ns ${path} set`]: 6,
    [`cache_success ${path} add`]: 1,
    [`cache_error ${path} add`]: 0,
    [`cache_latency_ns ${path} add`]: 6,
    [`cache_duplicate ${path} add`]: 5,
    [`cache_success ${path} delete`]: 6,
    [`cache_error ${path} delete`]: 0,
    [`cache_latency_ns ${path} delete`]: 6,
  })
})

test('processors without work of their own have no series; a resource is counted where it is defined', async () => {
  const series = await seriesOf(
    'processor_',
    `
pipeline:
  processors:
    - noop: {}
    - sync_response: {}
    - metric: { type: counter, name: seen }
    - resource: r
    - try: [ { resource: r } ]
processor_resources: [ { label: r, mapping: root = this } ]
`,
  )
  assert.deepEqual(Object.keys(series).toSorted(), [
    'processor_batch_received root.pipeline.processors.4',
    'processor_batch_received root.processor_resources',
    'processor_batch_sent root.pipeline.processors.4',
    'processor_batch_sent root.processor_resources',
    'processor_error root.pipeline.processors.4',
    'processor_error root.processor_resources',
    'processor_latency_ns root.pipeline.processors.4',
    'processor_latency_ns root.processor_resources',
    'processor_received root.pipeline.processors.4',
    'processor_received root.processor_resources',
    'processor_sent root.pipeline.processors.4',
    'processor_sent root.processor_resources',
  ])
  assert.equal(series['processor_received root.processor_resources'], 12)
})

test('a metric without labels exists before its first message', async () => {
  const series = await seriesOf(
    'late',
    'pipeline: { processors: [ { mapping: root = deleted() }, { metric: { type: counter, name: late } } ] }',
  )
  assert.deepEqual(series, { 'late root.pipeline.processors.1': 0 })
})

test('each branch of a workflow counts its results and errors', async () => {
  const series = await seriesOf(
    'processor_',
    `
pipeline:
  processors:
    - workflow:
        branches:
          odd:
            request_map: 'root = if this.id == 2 { deleted() } else { this }'
            processors: [ { noop: {} } ]
            result_map: 'root.odd = if this.id == 4 { throw("no") }'
`,
  )
  const [whole, branch] = ['root.pipeline.processors.0', 'root.pipeline.processors.0.workflow.branches.odd']
  assert.deepEqual(series, {
    [`processor_received ${whole}`]: 6,
    [`processor_batch_received ${whole}`]: 6,
    [`processor_sent ${whole}`]: 6,
    [`processor_batch_sent ${whole}`]: 6,
    [`processor_error ${whole}`]: 0,
    [`processor_latency_ns ${whole}`]: 6,
    [`processor_received ${branch}`]: 0,
    [`processor_batch_received ${branch}`]: 0,
    [`processor_sent ${branch}`]: 6,
    [`processor_batch_sent ${branch}`]: 6,
    [`processor_error ${branch}`]: 1,
    [`processor_latency_ns ${branch}`]: 0,
  })
})

test('processors of a branch that fail as a whole count as one error', async () => {
  const series = await seriesOf(
    'processor_error',
    'pipeline: { processors: [ { branch: { processors: [ { mapping: root = deleted() } ] } } ] }',
  )
  assert.equal(series['processor_error root.pipeline.processors.0'], 6)
})

test('a rejected message is received again, and each message has its latency', async () => {
  const series = await seriesOf(
    '',
    `
output:
  switch:
    cases:
      - check: count("rejected once") <= 2
        output: { reject: no }
      - output: { drop: {} }
`,
  )
  assert.equal(series['input_received root.input'], 8)
  assert.equal(series['input_latency_ns root.input'], 8)
  const drop = 'root.output.switch.output'
  assert.deepEqual([series[`output_sent ${drop}`], series[`output_latency_ns ${drop}`]], [6, 6])
})

test('processors measure each batch of a run', async () => {
  const series = await seriesOf('processor_', 'pipeline: { threads: 1, processors: [ { mapping: root = this } ] }')
  assert.equal(series['processor_latency_ns root.pipeline.processors.0'], 6)
})

test('an output counts the messages inside an archive', async () => {
  const series = await seriesOf(
    'output_',
    `
output:
  broker:
    outputs: [ { drop: {} } ]
    batching: { count: 3, processors: [ { archive: { format: lines } } ] }
`,
  )
  const path = 'root.output.broker.outputs.0'
  assert.deepEqual([series[`output_sent ${path}`], series[`output_batch_sent ${path}`]], [6, 2])
})
