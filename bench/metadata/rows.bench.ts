// How large the metadata grows: rows and bytes of each table in an SQLite file and in its own PostgreSQL while BATCHES
// (10,000,000) batches are committed, with the merging and retention that a log does meanwhile. Time is simulated: an
// object of 64 partitions and 4 batches of each is committed every OBJECT_SECONDS (10), the topic keeps a day, and
// housekeeping runs as often as a log runs it. Half of the batches are of idempotent producers that are replaced every
// 100 objects. `DATABASE=sqlite` or `postgres` measures only that one. Prints figures at every tenth of the way.
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { nullLog, systemClock, systemRandom } from '../../src/base/index.ts'
import { type Database, openPostgres, openSqlite } from '../../src/database/index.ts'
import { type Metadata, openPostgresMetadata, openSqliteMetadata } from '../../src/metadata/index.ts'
import { hasPostgres, startPostgresServer } from '../../test/servers/postgres-server.ts'
import { newBatch } from './batches.ts'
import { HousekeptLog } from './housekept-log.ts'

const BATCHES = Number(process.env.BATCHES ?? 10_000_000)
const OBJECT_MS = Number(process.env.OBJECT_SECONDS ?? 10) * 1000
const PARTITIONS = 64
const TOGETHER = 4
const BATCH_BYTES = 1000
const RETENTION_MS = 24 * 60 * 60 * 1000
const OBJECTS_PER_PRODUCER = 100
const OBJECTS = Math.ceil(BATCHES / (PARTITIONS * TOGETHER))
const START = 1_700_000_000_000

const tables = ['partitions', 'objects', 'extents', 'producers', 'epochs'] as const

let now = START
const clock = { ...systemClock, now: () => now }

const only = process.env.DATABASE
if (only !== 'postgres') {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-bench-'))
  const path = join(folder, 'metadata.db')
  const metadata = await openSqliteMetadata({ path, clock, random: systemRandom })
  const database = await openSqlite({ path })
  await fill('SQLite', metadata, database, async () => `${mb(statSync(path).size)} in the file`)
  await database.close()
  rmSync(folder, { recursive: true })
}
if (only !== 'sqlite' && hasPostgres()) {
  const server = await startPostgresServer()
  const metadata = await openPostgresMetadata({ url: server.url, clock, random: systemRandom, log: nullLog })
  const database = await openPostgres({ url: server.url })
  await fill('PostgreSQL', metadata, database, () => sizesInPostgres(database))
  await database.close()
  await server.close()
}

async function fill(name: string, metadata: Metadata, database: Database, sizes: () => Promise<string>): Promise<void> {
  now = START
  const [created] = await metadata.createTopics([{ name: 'bench', partitions: PARTITIONS, configs: {} }])
  if (!created?.ok) throw new Error('the topic could not be created')
  const { partitions } = created.value
  const epoch = await metadata.openEpoch()
  const log = new HousekeptLog({ metadata, partitions, epoch, retentionMs: RETENTION_MS, now: () => now })
  const startAt = performance.now()
  for (let index = 0; index < OBJECTS; index++) {
    await metadata.commit([objectOf(partitions, epoch, index)])
    now += OBJECT_MS
    await log.keep()
    if ((index + 1) % Math.ceil(OBJECTS / 10) === 0 || index === OBJECTS - 1) {
      const batches = ((index + 1) * PARTITIONS * TOGETHER).toLocaleString('en')
      const days = ((now - START) / 86_400_000).toFixed(1)
      const seconds = ((performance.now() - startAt) / 1000).toFixed(0)
      console.log(
        `${name}: ${batches} batches in ${days} days (${seconds} s): ${await rowsOf(database)}; ${await sizes()}`,
      )
    }
  }
  await metadata.close()
}

function objectOf(
  partitions: readonly number[],
  epoch: number,
  index: number,
): Parameters<Metadata['commit']>[0][number] {
  const generation = Math.floor(index / OBJECTS_PER_PRODUCER)
  const batches = partitions.flatMap((partition, at) =>
    Array.from({ length: TOGETHER }, (_, number) => ({
      ...newBatch(
        partition,
        at * TOGETHER + number,
        (index % OBJECTS_PER_PRODUCER) * TOGETHER + number,
        at % 2 === 0 ? generation : -1,
      ),
      maxTimestamp: now,
    })),
  )
  return { key: `data/${epoch}/${index}`, sizeBytes: batches.length * BATCH_BYTES, epoch, batches }
}

async function rowsOf(database: Database): Promise<string> {
  const counts = await database.transaction({ kind: 'read' }, async sql => {
    const found: string[] = []
    for (const table of tables) {
      const [row] = await sql.all<{ count: number }>(`SELECT COUNT(*) AS count FROM ${table}`)
      found.push(`${row!.count.toLocaleString('en')} ${table}`)
    }
    return found
  })
  return counts.join(', ')
}

async function sizesInPostgres(database: Database): Promise<string> {
  const sizes = await database.transaction({ kind: 'read' }, sql =>
    sql.all<{ name: string; bytes: number }>(
      `SELECT relname AS name, pg_total_relation_size(oid)::bigint AS bytes FROM pg_class
       WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 2 DESC LIMIT 4`,
    ),
  )
  return sizes.map(({ name, bytes }) => `${name} ${mb(bytes)}`).join(', ')
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
