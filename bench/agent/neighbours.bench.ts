// Are pipelines affected by a loop and a leak next to them? 98 small pipelines send the time to one topic; a consumer
// prints the age of the records on arrival, first undisturbed, then while a looping and a leaking pipeline are stopped
// and restarted.
import { Consumer, stringDeserializers } from '@platformatic/kafka'
import { Api, freePorts, type PipelineUnderTest, startProgram } from '../../test/e2e/support.ts'

const neighbours = 98
const windowMs = 30_000
const topic = 'ticks'

const program = await startProgram(['playground', ...freePorts])
try {
  const api = await Api.connect(program)
  const pipelines: PipelineUnderTest[] = []
  for (let index = 0; index < neighbours; index++)
    pipelines.push(await api.createPipeline(`small-${index}`, small(), 'running'))
  for (const pipeline of pipelines) await pipeline.until('it sends', ({ counters }) => counters.output_sent > 0)
  const ages: number[] = []
  const consumer = await consume(ages)
  await window(ages)
  console.log(`undisturbed              ${quantiles(await window(ages))}`)
  const loop = await api.createPipeline(
    'loop',
    once(`while: { check: "true", processors: [ { mapping: root = content().string() } ] }`),
  )
  const leak = await api.createPipeline(
    'leak',
    once(`mapping: 'root = range(0, 4000000).map_each(i -> {"n": i, "t": "%v at %v".format(i, now())})'`),
  )
  console.log(`beside a loop and a leak ${quantiles(await window(ages))}`)
  for (const pipeline of [loop, leak]) {
    const { instances } = await pipeline.until('it was stopped', status => status.instances[0]?.error != null)
    console.log(`${instances[0]!.error!.code}, ${instances[0]!.restarts} restarts`)
  }
  const statuses = await Promise.all(pipelines.map(pipeline => pipeline.status()))
  const restarts = statuses.flatMap(({ instances }) => instances).reduce((sum, instance) => sum + instance.restarts, 0)
  console.log(`${restarts} restarts of neighbours`)
  await consumer.close(true)
} finally {
  await program.stop()
}

async function consume(ages: number[]): Promise<Consumer<string, string, string, string>> {
  const consumer = new Consumer({
    clientId: 'bench',
    groupId: 'bench',
    bootstrapBrokers: [program.kafkaAddress],
    deserializers: stringDeserializers,
    maxWaitTime: 100,
  })
  const stream = await consumer.consume({ topics: [topic], mode: 'latest' })
  stream.on('data', message => ages.push(Date.now() - Number(message.value)))
  return consumer
}

/** The ages of all records of the next half minute, in milliseconds. */
async function window(ages: number[]): Promise<readonly number[]> {
  ages.length = 0
  await new Promise(resolve => setTimeout(resolve, windowMs))
  return [...ages]
}

function quantiles(ages: readonly number[]): string {
  const sorted = ages.toSorted((left, right) => left - right)
  const at = (share: number) =>
    `${sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]} ms`.padStart(8)
  return `p50 ${at(0.5)}  p99 ${at(0.99)}  p99.9 ${at(0.999)}  (${sorted.length} records)`
}

function small(): string {
  return `input:
  generate:
    interval: 1s
    mapping: root = timestamp_unix_milli()
output:
  kafka_franz_warpstream:
    topic: ${topic}
`
}

function once(processor: string): string {
  return `input:\n  generate:\n    count: 1\n    interval: ""\n    mapping: root = "x"\npipeline:\n  processors:\n    - ${processor}\noutput:\n  drop: {}\n`
}
