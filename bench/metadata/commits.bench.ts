// Commits per second: how many objects, and how many extent rows, the metadata accepts, and the latency of a commit, in
// an SQLite file and in its own PostgreSQL, both syncing to disk. Each caller waits for its commit before it makes the
// next, as an agent does. `BASELINE=DIR` also measures SQLite with the sources of another working tree, alternating.
// Then: how long until a client in another process is notified of a commit. Last: the same commits over the link of an
// agent to a control plane in another process. The first argument is the duration of a measurement in seconds, 2 by
// default.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { nullLog, systemClock, systemRandom } from '../../src/base/index.ts'
import { AgentConnection } from '../../src/control/index.ts'
import { type Metadata, MetadataClient, openPostgresMetadata } from '../../src/metadata/index.ts'
import { startLocalCluster } from '../../test/servers/local-cluster.ts'
import { hasPostgres, startPostgresServer } from '../../test/servers/postgres-server.ts'
import { newBatch } from './batches.ts'

type Module = Pick<typeof import('../../src/metadata/index.ts'), 'openSqliteMetadata'>

const SECONDS = Number(process.argv[2] ?? 2)
const PARTITIONS = 512

const shapes = [
  [1, 1],
  [1, 16],
  [1, 64],
  [1, 256],
  [8, 1],
  [8, 16],
  [8, 64],
] as const

const trees = { SQLite: join(import.meta.dirname, '../..'), baseline: process.env.BASELINE }
for (const [callers, extents] of shapes) {
  for (const [name, tree] of Object.entries(trees)) {
    if (tree === undefined) continue
    // Only the path is computed; the types are those of this tree.
    const module = (await import(pathToFileURL(join(tree, 'src/metadata/index.ts')).href)) as Module
    const folder = await mkdtemp(join(tmpdir(), 'penstock-bench-'))
    const path = join(folder, 'metadata.db')
    await report(
      name,
      await module.openSqliteMetadata({ path, clock: systemClock, random: systemRandom }),
      callers,
      extents,
    )
    await rm(folder, { recursive: true })
  }
}

if (hasPostgres()) {
  const server = await startPostgresServer({ durable: true })
  const open = (schema: string) => openPostgresMetadata({ url: server.url, schema, random: systemRandom, log: nullLog })
  for (const [callers, extents] of shapes) {
    await report('PostgreSQL', await open(`c${callers}_${extents}`), callers, extents)
  }
  console.log(`PostgreSQL feed: ${await measureFeed(() => open('feed'))}`)
  await server.close()
}

for (const database of ['sqlite', 'postgres'] as const) {
  if (database === 'postgres' && !hasPostgres()) continue
  for (const [callers, extents] of shapes) {
    // Each with its own metadata, as above.
    const cluster = await startLocalCluster({
      ...{ agents: 0, controlPlanes: 1, database, durable: true, store: 'file', auth: 'none' },
      program: [join(import.meta.dirname, '../../bin/penstock')],
    })
    const link = await AgentConnection.open({
      urls: [new URL(cluster.controlPlanes[0]!.address)],
      agentKey: cluster.agentKey,
      clusterId: cluster.virtualClusterId,
      version: '0.0.0',
      clock: systemClock,
      random: systemRandom,
      log: nullLog,
    })
    const metadata = await MetadataClient.open(link.metadata(), { random: systemRandom })
    await report(`link to a control plane over ${database}`, metadata, callers, extents)
    await link.close()
    await cluster.close()
  }
}

async function report(name: string, metadata: Metadata, callers: number, extents: number): Promise<void> {
  const figures = await measure(metadata, callers, extents)
  console.log(`${name.padEnd(10)} ${callers} callers, ${extents} extents: ${figures}`)
  await metadata.close()
}

/** How long after a commit was answered here another connection is notified of it. */
async function measureFeed(open: () => Promise<Metadata>): Promise<string> {
  const [writer, reader] = [await open(), await open()]
  const [created] = await writer.createTopics([{ name: 'bench', partitions: 1, configs: {} }])
  if (!created?.ok) throw new Error('the topic could not be created')
  const epoch = await writer.openEpoch()
  const delays: number[] = []
  for (let index = 0; index < SECONDS * 100; index++) {
    const heard = new Promise<void>(resolve => {
      const stop = reader.onAppend(() => {
        stop()
        resolve()
      })
    })
    await writer.commit([
      {
        key: `${epoch}/${index}`,
        sizeBytes: 1000,
        epoch,
        batches: [newBatch(created.value.partitions[0]!, 0, index, -1)],
      },
    ])
    const start = performance.now()
    await heard
    delays.push(performance.now() - start)
  }
  await writer.close()
  await reader.close()
  return percentiles(delays)
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
    // A client sends the batches of a partition to one broker, so brokers rarely commit to the same one.
    const own = partitions.slice((index % callers) * extents, (index % callers) * extents + extents)
    while (performance.now() < until) {
      const start = performance.now()
      const batches = own.map(
        // Half of the batches are from an idempotent producer.
        (partition, at) => newBatch(partition, at, sequence, at % 2 === 0 ? index : -1),
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
  await run(SECONDS / 4) // warm-up: statements are prepared, code is compiled
  latencies.length = 0
  const start = performance.now()
  const cpu = process.cpuUsage()
  await run(SECONDS)
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const commits = latencies.length / seconds
  const cpuMicros = (user + system) / latencies.length
  const times = `${percentiles(latencies)}, processor ${cpuMicros.toFixed(0)} µs a commit`
  return `${commits.toFixed(0)} commits/s, ${(commits * extents).toFixed(0)} rows/s, ${times}`
}

function percentiles(latencies: number[]): string {
  latencies.sort((left, right) => left - right)
  const at = (share: number) => latencies[Math.floor(latencies.length * share)]!.toFixed(2)
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`
}
