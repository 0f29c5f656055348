import { existsSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { type Clock, systemClock, systemRandom } from '../base/index.ts'
import { type BucketFigures, checkBucket } from '../broker/index.ts'
import { type Metadata, openSqliteMetadata } from '../metadata/index.ts'
import { type ObjectStore, openStore } from '../storage/index.ts'
import type { Closers } from './agent-parts.ts'
import { type FindingCounts, runOnBucket } from './bucket-command.ts'
import { openCluster } from './cluster-access.ts'
import type { bucketCheckFlags } from './commands.ts'
import { takeDataFolder } from './data-folder.ts'
import { FlagError, type FlagValues } from './flags.ts'
import { standardErrorLog } from './serving.ts'

type BucketCheckFlags = FlagValues<typeof bucketCheckFlags>

/** Reports everything in a bucket that disagrees with the metadata. Resolves to 1 if anything is damaged. */
export function runBucketCheck(flags: BucketCheckFlags): Promise<number> {
  const texts = { stopped: 'stopped before everything was checked', failed: 'not everything could be checked' }
  return runOnBucket('bucket check', texts, async ({ closers, onFinding, counts, signal }) => {
    const { metadata, store, clock } = await (flags.dataDir === ''
      ? openRemote(flags, closers)
      : openFolder(flags, closers))
    return summary(await checkBucket({ metadata, store, clock, onFinding, signal }), counts)
  })
}

/** Explains that a subcommand is required. Returns the exit code. */
export function refuseBucketCommand([word]: readonly string[]): number {
  const found = word === undefined ? '' : `, not ${JSON.stringify(word)}`
  process.stderr.write(`The bucket command has commands of its own, check and rebuild${found}\n`)
  return 1
}

interface Opened {
  readonly metadata: Metadata
  readonly store: ObjectStore
  readonly clock: Clock
}

function openRemote(flags: BucketCheckFlags, closers: Closers): Promise<Opened> {
  return openCluster(flags, standardErrorLog(flags.logLevel), closers, false)
}

async function openFolder({ dataDir }: BucketCheckFlags, closers: Closers): Promise<Opened> {
  // Taking the folder would create one.
  if (!existsSync(join(dataDir, 'metadata.sqlite')))
    throw new FlagError(`-dataDir: ${dataDir} is not the data folder of a standalone server: it has no metadata.sqlite`)
  const folder = takeDataFolder(dataDir)
  closers.push(() => folder.release())
  const metadata = await openSqliteMetadata({ path: folder.metadata, clock: systemClock, random: systemRandom })
  closers.push(() => metadata.close())
  return { metadata, store: await openStore(pathToFileURL(folder.bucket).href), clock: systemClock }
}

function summary({ partitions, offsets, extents, bytesRead, objects }: BucketFigures, counts: FindingCounts): string {
  const megabytes = (bytesRead / 1e6).toFixed(1)
  return `${partitions} partitions, ${offsets} offsets in ${extents} extents, ${megabytes} MB read, ${objects} objects listed: ${counts.damage} damaged, ${counts.note} notes\n`
}
