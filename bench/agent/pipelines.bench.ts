// How many small pipelines can one agent run? Starts N of them (each producing one message per second to Kafka) on its
// own playground, and prints the time until all run, the number of restarts, memory, idle processor time, and how long
// adding one more takes. PIPELINES=1,20,100 sets the numbers; PAUSED=1000 adds as many defined but paused pipelines;
// ALONE=1 uses pipelines that do not share threads.
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { Api, freePorts, type PipelineUnderTest, startProgram } from '../../test/e2e/support.ts'

const counts = (process.env['PIPELINES'] ?? '1,20,100').split(',').map(Number)
const paused = Number(process.env['PAUSED'] ?? 0)
const mapping = process.env['ALONE'] === '1' ? 'root = count("n")' : 'root = {"id": uuid_v4(), "at": now()}'
const restMs = 10_000

console.log('pipelines  all run  restarts     RSS  a pipeline  at rest  one more')
for (const count of counts) console.log(await measure(count))

async function measure(count: number): Promise<string> {
  const program = await startProgram(['playground', ...freePorts])
  try {
    const api = await Api.connect(program)
    const pid = program.child.pid!
    const emptyMb = rssMb(pid)
    const pipelines: PipelineUnderTest[] = []
    for (let index = 0; index < count; index++)
      pipelines.push(await api.createPipeline(`small-${index}`, yaml(`small-${index}`), 'paused'))
    for (let index = 0; index < paused; index++) await api.createPipeline(`paused-${index}`, yaml('never'), 'paused')
    const startedAt = performance.now()
    await Promise.all(pipelines.map(pipeline => pipeline.change({ desired_state: 'running' })))
    for (const pipeline of pipelines) await untilItSends(pipeline)
    const allMs = performance.now() - startedAt

    // The aftermath of starting is not the idle state.
    await sleep(5000)
    const cpuBefore = cpuMs(pid)
    const restAt = performance.now()
    await sleep(restMs)
    const cores = (cpuMs(pid) - cpuBefore) / (performance.now() - restAt)
    const usedMb = rssMb(pid)
    const statuses = await Promise.all(pipelines.map(pipeline => pipeline.status()))
    const restarts = statuses.flatMap(({ instances }) => instances).reduce((sum, { restarts }) => sum + restarts, 0)

    const moreAt = performance.now()
    await untilItSends(await api.createPipeline('one-more', yaml('one-more')))
    const moreMs = performance.now() - moreAt
    return [
      String(count).padStart(9),
      `${(allMs / 1000).toFixed(1)} s`.padStart(8),
      String(restarts).padStart(9),
      `${usedMb.toFixed(0)} MB`.padStart(8),
      `${((usedMb - emptyMb) / count).toFixed(1)} MB`.padStart(11),
      `${(cores * 100).toFixed(1)} %`.padStart(8),
      `${(moreMs / 1000).toFixed(2)} s`.padStart(9),
    ].join(' ')
  } finally {
    await program.stop()
  }
}

async function untilItSends(pipeline: PipelineUnderTest): Promise<void> {
  const deadline = performance.now() + 300_000
  for (;;) {
    const { counters } = await pipeline.status()
    if (counters.output_sent > 0) return
    if (performance.now() > deadline) throw new Error('a pipeline does not run after five minutes')
    await sleep(50)
  }
}

function yaml(topic: string): string {
  return `input:
  generate:
    interval: 1s
    mapping: '${mapping}'
output:
  kafka_franz_warpstream:
    topic: ${topic}
`
}

function rssMb(pid: number): number {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!
  return Number(kilobytes) / 1024
}

/** Processor time of all threads of a process, in milliseconds; the clock ticks of /proc are hundredths of a second. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
