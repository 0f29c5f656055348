// The latency of commits at a constant rate, from the moment at which an object should have been ready to its commit,
// in an SQLite file and in its own PostgreSQL, both syncing to disk. AGENTS (8) agents share the rate. Each commits as
// an agent does: one commit at a time, of all objects that are ready by then. A late commit delays those behind it, and
// their latency includes that. The arguments are the seconds of a measurement (10) and the extent rows per second
// (20000). SHARED=1: all agents write to the same partitions. SYNC=off leaves out the disk, whose own time is printed
// with each figure. BASELINE=DIR also measures the sources of another working tree, in turns, ROUNDS (1) times.
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { nullLog, systemClock, systemRandom } from '../../src/base/index.ts'
import { openPostgres } from '../../src/database/index.ts'
import type { Metadata } from '../../src/metadata/index.ts'
import { hasPostgres, startPostgresServer } from '../../test/servers/postgres-server.ts'
import { SimulatedAgent } from './simulated-agent.ts'

type Module = Pick<typeof import('../../src/metadata/index.ts'), 'openSqliteMetadata' | 'openPostgresMetadata'>

const SECONDS = Number(process.argv[2] ?? 10)
const ROWS = Number(process.argv[3] ?? 20_000)
const AGENTS = Number(process.env.AGENTS ?? 8)
const ROUNDS = Number(process.env.ROUNDS ?? 1)
const isShared = process.env.SHARED === '1'
const isDurable = process.env.SYNC !== 'off'
const shapes = (process.env.EXTENTS ?? '16,64,256').split(',').map(Number)

const trees = { now: join(import.meta.dirname, '../..'), baseline: process.env.BASELINE }
const folder = mkdtempSync(join(tmpdir(), 'penstock-bench-'))
try {
  for (const extents of shapes) {
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, tree] of Object.entries(trees)) if (tree !== undefined) await compare(name, tree, extents)
    }
  }
} finally {
  rmSync(folder, { recursive: true })
}

async function compare(name: string, tree: string, extents: number): Promise<void> {
  // Only the path is computed; the types are those of this tree.
  const module = (await import(pathToFileURL(join(tree, 'src/metadata/index.ts')).href)) as Module
  if (isDurable) {
    const path = join(folder, `${name}-${extents}-${performance.now()}.db`)
    const sqlite = await module.openSqliteMetadata({ path, clock: systemClock, random: systemRandom })
    await report(`SQLite, ${name}`, sqlite, extents)
  }
  if (!hasPostgres()) return
  // A new server each time, because checkpoints and vacuum of an earlier measurement would disturb this one.
  const server = await startPostgresServer({ durable: isDurable })
  await fillLog(server.url)
  const postgres = await module.openPostgresMetadata({ url: server.url, random: systemRandom, log: nullLog })
  await report(`PostgreSQL, ${name}`, postgres, extents, server.cpuMs)
  await server.close()
}

/** A server that has been in use reuses the 16 MB files of its write-ahead log; a new one makes and syncs each of them. */
async function fillLog(url: string): Promise<void> {
  const database = await openPostgres({ url })
  const run = (statement: string) => database.transaction({ kind: 'write', durable: false }, sql => sql.run(statement))
  await run('CREATE TABLE filler (id integer)')
  for (let count = 0; count < 30; count++) {
    await run('INSERT INTO filler VALUES (1)')
    await run('SELECT pg_switch_wal()')
  }
  await run('CHECKPOINT')
  await database.close()
}

/** `databaseCpuMs` is the processor time of a database in other processes. */
async function report(name: string, metadata: Metadata, extents: number, databaseCpuMs = () => 0): Promise<void> {
  const [created] = await metadata.createTopics([
    { name: 'bench', partitions: isShared ? extents : extents * AGENTS, configs: {} },
  ])
  if (!created?.ok) throw new Error('the topic could not be created')
  const { partitions } = created.value
  const perSecond = ROWS / extents
  const epoch = await metadata.openEpoch()
  const agents = Array.from({ length: AGENTS }, (_, index) => {
    // A client sends the batches of a partition to one agent, so unless asked for agents do not write to the same ones.
    const own = isShared ? partitions : partitions.slice(index * extents, (index + 1) * extents)
    return new SimulatedAgent({ metadata, epoch, index, partitions: own })
  })
  const run = async (seconds: number) => {
    const startAt = performance.now()
    await Promise.all(
      agents.map((agent, index) => agent.run(startAt + (index * 1000) / perSecond, seconds, perSecond / AGENTS)),
    )
    return (performance.now() - startAt) / 1000
  }
  await run(SECONDS / 4) // warm-up: statements are prepared, code is compiled
  for (const agent of agents) agent.latencies.length = 0
  const syncs: number[] = []
  measureDisk(syncs)
  const [cpu, databaseMsBefore] = [process.cpuUsage(), databaseCpuMs()]
  const seconds = await run(SECONDS)
  const { user, system } = process.cpuUsage(cpu)
  const databaseMs = databaseCpuMs() - databaseMsBefore
  measureDisk(syncs)
  const latencies = agents.flatMap(agent => agent.latencies)
  const perObject = (ms: number) => `${(ms / latencies.length).toFixed(2)} ms`
  const processor = `processor ${perObject((user + system) / 1000)} here, ${perObject(databaseMs)} in the database`
  console.log(
    `${name}, ${extents} extents: ${(latencies.length / seconds).toFixed(0)} objects/s, ${((latencies.length * extents) / seconds).toFixed(0)} rows/s, ${percentiles(latencies)}, ${processor}; sync of the disk ${percentiles(syncs)}`,
  )
  await metadata.close()
}

/** Appends how long the disk takes to sync 8 KiB, a few times: no commit can be faster. */
function measureDisk(times: number[]): void {
  const file = openSync(join(folder, 'disk'), 'w')
  const block = Buffer.alloc(8192)
  for (let count = 0; count < 50; count++) {
    const startAt = performance.now()
    writeSync(file, block, 0, block.length, 0)
    fdatasyncSync(file)
    times.push(performance.now() - startAt)
  }
  closeSync(file)
}

function percentiles(times: readonly number[]): string {
  const sorted = times.toSorted((left, right) => left - right)
  const at = (share: number) => sorted[Math.floor(sorted.length * share)]!.toFixed(1)
  return `p50 ${at(0.5)} / p99 ${at(0.99)} ms`
}
