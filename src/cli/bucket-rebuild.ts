import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { systemClock, systemRandom } from '../base/index.ts'
import {
  abortOpenTransactions,
  type BucketFinding,
  type RebuildFigures,
  type Rebuilt,
  rebuildMetadata,
} from '../broker/index.ts'
import { type Database, openPostgres, openSqlite } from '../database/index.ts'
import { type Metadata, openPostgresMetadata, openSqliteMetadata, restoreSnapshot } from '../metadata/index.ts'
import { type ObjectStore, openStore, prefixedStore } from '../storage/index.ts'
import type { Closers } from './agent-parts.ts'
import { ownerOf } from './bucket-claim.ts'
import { type FindingCounts, runOnBucket } from './bucket-command.ts'
import type { bucketRebuildFlags } from './commands.ts'
import { placeOf } from './cluster-metadata.ts'
import { takeDataFolder } from './data-folder.ts'
import { FlagError, type FlagValues } from './flags.ts'
import { standardErrorLog } from './serving.ts'

type BucketRebuildFlags = FlagValues<typeof bucketRebuildFlags>

/** The location of the records and of their future metadata. */
interface Target {
  readonly store: ObjectStore
  readonly openDatabase: () => Promise<Database>
  readonly openMetadata: () => Promise<Metadata>
}

/** Rebuilds lost metadata from a bucket. Resolves to 1 if records are missing or nothing could be rebuilt. */
export function runBucketRebuild(flags: BucketRebuildFlags): Promise<number> {
  const texts = { stopped: 'stopped; nothing was made', failed: 'the metadata could not be made' }
  return runOnBucket('bucket rebuild', texts, async ({ closers, onFinding, counts, signal }) => {
    const target = await (flags.dataDir === '' ? remoteTarget(flags) : folderTarget(flags.dataDir, closers))
    const { store } = target
    closers.push(() => store.close())
    const clusterId = (await ownerOf(store)) ?? Buffer.from(systemRandom.bytes(16)).toString('base64url')
    const rebuilt = await rebuildMetadata({ store, clusterId, now: systemClock.now(), onFinding, signal })
    await keep(rebuilt, target, flags, onFinding)
    return summary(rebuilt.figures, rebuilt.open.length, counts)
  })
}

async function keep(
  { rows, open }: Rebuilt,
  { store, openDatabase, openMetadata }: Target,
  { logLevel }: BucketRebuildFlags,
  onFinding: (finding: BucketFinding) => void,
): Promise<void> {
  const database = await openDatabase()
  try {
    await restoreSnapshot(database, rows)
  } finally {
    await database.close()
  }
  const metadata = await openMetadata()
  try {
    const log = standardErrorLog(logLevel)
    const failed = await abortOpenTransactions(open, { metadata, store, clock: systemClock, random: systemRandom, log })
    if (failed > 0) {
      const message = `${failed} transactions that were open could not be aborted; kafka-transactions.sh abort ends them`
      onFinding({ severity: 'damage', where: store.url, message })
    }
  } finally {
    await metadata.close()
  }
}

async function folderTarget(dataDir: string, closers: Closers): Promise<Target> {
  // Taking the folder would create one.
  if (!existsSync(join(dataDir, 'bucket')))
    throw new FlagError(`-dataDir: ${dataDir} is not the data folder of a standalone server: it has no bucket`)
  if (existsSync(join(dataDir, 'metadata.sqlite')))
    throw new FlagError(`-dataDir: ${dataDir} has metadata; move metadata.sqlite away to have them rebuilt`)
  const folder = takeDataFolder(dataDir)
  closers.push(() => folder.release())
  return {
    store: await openStore(pathToFileURL(folder.bucket).href),
    openDatabase: () => openSqlite({ path: folder.metadata }),
    openMetadata: () => openSqliteMetadata({ path: folder.metadata, clock: systemClock, random: systemRandom }),
  }
}

async function remoteTarget({
  bucketURL,
  databaseURL,
  defaultVirtualClusterID: cluster,
  logLevel,
}: BucketRebuildFlags): Promise<Target> {
  if (bucketURL === '') throw new FlagError('-dataDir or -bucketURL is missing')
  if (cluster === '') throw new FlagError('-defaultVirtualClusterID is missing')
  const place = placeOf(databaseURL)
  const store = prefixedStore(await openStore(bucketURL), `warpstream/${cluster}`)
  if (place.kind === 'sqlite') {
    const path = `${place.file}.${cluster}`
    return {
      store,
      openDatabase: () => openSqlite({ path }),
      openMetadata: () => openSqliteMetadata({ path, clock: systemClock, random: systemRandom }),
    }
  }
  const { url } = place
  return {
    store,
    openDatabase: () => openPostgres({ url, schema: cluster }),
    openMetadata: () =>
      openPostgresMetadata({ url, schema: cluster, random: systemRandom, log: standardErrorLog(logLevel) }),
  }
}

function summary(figures: RebuildFigures, aborted: number, { damage, note }: FindingCounts): string {
  const { manifestAt, topics, partitions, offsets, objects, guessedOffsets, groups } = figures
  const basis = manifestAt === null ? 'without a manifest' : `on the manifest of ${new Date(manifestAt).toISOString()}`
  return [
    `${topics} topics with ${partitions} partitions and ${offsets} offsets from ${objects} objects, ${basis}`,
    `${guessedOffsets} offsets were put in the order of writing, because their commit was not noted yet`,
    `${aborted} parts of open transactions were aborted`,
    `${groups} groups have their offsets of the time of the manifest; what they committed later is lost`,
    'users of the Kafka port are not kept in the bucket and have to be created again',
    `${damage} damaged, ${note} notes; penstock bucket check reads every record`,
    '',
  ].join('\n')
}
