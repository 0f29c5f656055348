// Commits a second: how many objects, and rows of extents in them, the metadata take, and how long a commit lasts. Each
// caller waits for its commit before it makes the next, as an agent does. `BASELINE=DIR` measures the same with the
// sources of another working tree in turns. Seconds a measurement: the first argument, 2 by default.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { systemClock, systemRandom } from '../../src/base/index.ts'
import type { Metadata, NewBatch } from '../../src/metadata/index.ts'

type Module = Pick<typeof import('../../src/metadata/index.ts'), 'openSqliteMetadata'>

const SECONDS = Number(process.argv[2] ?? 2)
const PARTITIONS = 256

const trees = { now: join(import.meta.dirname, '../..'), baseline: process.env.BASELINE }
for (const [callers, extents] of [
  [1, 1],
  [1, 16],
  [1, 64],
  [1, 256],
  [8, 1],
  [8, 16],
  [8, 64],
] as const) {
  for (const [name, tree] of Object.entries(trees)) {
    if (tree === undefined) continue
    // Only the path is computed; the types are those of this tree.
    const module = (await import(pathToFileURL(join(tree, 'src/metadata/index.ts')).href)) as Module
    const folder = await mkdtemp(join(tmpdir(), 'penstock-bench-'))
    const metadata = await module.openSqliteMetadata({
      path: join(folder, 'metadata.db'),
      clock: systemClock,
      random: systemRandom,
    })
    console.log(
      `${name.padEnd(8)} ${callers} callers, ${extents} extents: ${await measure(metadata, callers, extents)}`,
    )
    await metadata.close()
    await rm(folder, { recursive: true })
  }
}

async function measure(metadata: Metadata, callers: number, extents: number): Promise<string> {
  const [created] = await metadata.createTopics([{ name: 'bench', partitions: PARTITIONS, configs: {} }])
  if (!created?.ok) throw new Error('the topic could not be created')
  const { partitions } = created.value
  const epoch = await metadata.openEpoch()
  const latencies: number[] = []
  let key = 0
  const caller = async (index: number, until: number) => {
    let sequence = 0
    while (performance.now() < until) {
      const start = performance.now()
      const batches = partitions.slice(0, extents).map(
        (partition, at): NewBatch => ({
          partition,
          position: at * 1000,
          sizeBytes: 1000,
          records: 1,
          maxTimestamp: 1_700_000_000_000,
          appendTime: false,
          // Half of the batches are of an idempotent producer.
          producerId: at % 2 === 0 ? index : -1,
          producerEpoch: 0,
          baseSequence: sequence,
          transactional: false,
        }),
      )
      sequence++
      await metadata.commit([{ key: `data/${epoch}/${key++}`, sizeBytes: 1000 * extents, epoch, batches }])
      latencies.push(performance.now() - start)
    }
  }
  const run = (seconds: number) => {
    const until = performance.now() + seconds * 1000
    return Promise.all(Array.from({ length: callers }, (_, index) => caller(index + key * callers, until)))
  }
  await run(SECONDS / 4) // statements are prepared, code is compiled
  latencies.length = 0
  const start = performance.now()
  const cpu = process.cpuUsage()
  await run(SECONDS)
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpu)
  latencies.sort((left, right) => left - right)
  const at = (share: number) => latencies[Math.floor(latencies.length * share)]!.toFixed(2)
  const commits = latencies.length / seconds
  const cpuMicros = (user + system) / latencies.length
  const times = `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, processor ${cpuMicros.toFixed(0)} µs a commit`
  return `${commits.toFixed(0)} commits/s, ${(commits * extents).toFixed(0)} rows/s, ${times}`
}
