// Many pipelines on one agent: all run, and those that misbehave are stopped while the others continue.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Api, eventually, freePorts, type PipelineUnderTest, type Started, startProgram } from './support.ts'

const small = 30

let playground: Started
let api: Api

before(async () => {
  playground = await startProgram(['playground', ...freePorts])
  api = await Api.connect(playground)
})

after(async () => {
  assert.equal(await playground.stop(), 0)
})

const generator = (topic: string) => `input:
  generate:
    interval: 500ms
    mapping: 'root = {"id": uuid_v4()}'
output:
  kafka_franz_warpstream:
    topic: ${topic}
`

const once = (processor: string) => `input:
  generate:
    count: 1
    interval: ""
    mapping: root = "x"
pipeline:
  processors:
    - ${processor}
output:
  drop: {}
`

const loop = once('while: { check: "true", processors: [ { mapping: root = content().string() } ] }')
/** Fills its memory long before it has used the processor time of a loop, even on a busy machine. */
const leak = once(`mapping: 'root = range(0, 100000).map_each(i -> ("x".repeat(100000) + i.string()).uppercase())'`)

test('small pipelines started together all run; only the loop and the leak among them are stopped', async () => {
  const pipelines: PipelineUnderTest[] = []
  for (let index = 0; index < small; index++)
    pipelines.push(await api.createPipeline(`small-${index}`, generator(`small-${index}`), 'paused'))
  const looping = await api.createPipeline('loop', loop, 'paused')
  const leaking = await api.createPipeline('leak', leak, 'paused')
  const everyone = [...pipelines.slice(0, small / 2), looping, leaking, ...pipelines.slice(small / 2)]
  await Promise.all(everyone.map(pipeline => pipeline.change({ desired_state: 'running' })))
  for (const pipeline of pipelines) await pipeline.until('it sends', ({ counters }) => counters.output_sent > 0)

  for (const [pipeline, code] of [
    [looping, 'unresponsive'],
    [leaking, 'out_of_memory'],
  ] as const) {
    const failed = await pipeline.until('it is stopped', ({ instances }) => instances[0]?.error != null)
    assert.equal(failed.instances[0]!.error!.code, code)
    await pipeline.change({ desired_state: 'paused' })
  }

  for (const pipeline of pipelines) {
    // The loop and the leak may have displaced it to another thread, where it may still be starting.
    const before = await pipeline.until('it runs', ({ instances }) => instances[0]?.state === 'running')
    const [instance] = before.instances
    assert.deepEqual([instance?.restarts, instance?.error], [0, null])
    await pipeline.until('it goes on', ({ counters }) => counters.output_sent > before.counters.output_sent)
  }
})

test('another pipeline still starts, and all can be stopped', async () => {
  const one = await api.createPipeline('one-more', generator('one-more'))
  await one.until('it sends', ({ counters }) => counters.output_sent > 0)
  const { pipelines } = await api.call('list_pipelines', { virtual_cluster_id: api.clusterId })
  await Promise.all(
    pipelines.map(({ id }) =>
      api.call('change_pipeline_state', {
        virtual_cluster_id: api.clusterId,
        pipeline_id: id,
        desired_state: 'paused',
      }),
    ),
  )
  for (const { id } of pipelines)
    await eventually(
      'nothing of it runs',
      () => api.call('describe_pipeline_status', { virtual_cluster_id: api.clusterId, pipeline_id: id }),
      ({ instances }) => instances.length === 0,
    )
})
