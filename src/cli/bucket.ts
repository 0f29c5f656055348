import { existsSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { type Clock, systemClock, systemRandom } from '../base/index.ts'
import { type BucketFigures, type BucketFinding, checkBucket } from '../broker/index.ts'
import { type Metadata, MetadataError, openSqliteMetadata } from '../metadata/index.ts'
import { type ObjectStore, openStore, StorageError } from '../storage/index.ts'
import { closeAll, type Closers } from './agent-parts.ts'
import { openCluster } from './cluster-access.ts'
import type { bucketCheckFlags } from './commands.ts'
import { takeDataFolder } from './data-folder.ts'
import { FlagError, type FlagValues } from './flags.ts'
import { serve, standardErrorLog } from './serving.ts'

type BucketCheckFlags = FlagValues<typeof bucketCheckFlags>

/** Reports everything in a bucket that disagrees with the metadata. Resolves to 1 when something is damaged. */
export function runBucketCheck(flags: BucketCheckFlags): Promise<number> {
  return serve('bucket check', async () => {
    const closers: Closers = []
    const stop = new AbortController()
    const onSignal = () => stop.abort()
    process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
    const counts = { damage: 0, note: 0 }
    const onFinding = (finding: BucketFinding) => {
      counts[finding.severity]++
      process.stdout.write(`${finding.severity}: ${finding.where}: ${finding.message}\n`)
    }
    try {
      const { metadata, store, clock } = await (flags.dataDir === ''
        ? openRemote(flags, closers)
        : openFolder(flags, closers))
      const figures = await checkBucket({ metadata, store, clock, onFinding, signal: stop.signal })
      process.stdout.write(summary(figures, counts))
      return counts.damage === 0 ? 0 : 1
    } catch (error) {
      if (stop.signal.aborted) process.stderr.write('penstock bucket check: stopped before everything was checked\n')
      else if (error instanceof StorageError || error instanceof MetadataError)
        process.stderr.write(`penstock bucket check: not everything could be checked: ${error.message}\n`)
      else throw error
      return 1
    } finally {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
      await closeAll(closers)
    }
  })
}

/** Explains that the command needs one of its own. Returns the exit code. */
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
  // Taking a folder would make one.
  if (!existsSync(join(dataDir, 'metadata.sqlite')))
    throw new FlagError(`-dataDir: ${dataDir} is not the data folder of a standalone server: it has no metadata.sqlite`)
  const folder = takeDataFolder(dataDir)
  closers.push(() => folder.release())
  const metadata = await openSqliteMetadata({ path: folder.metadata, clock: systemClock, random: systemRandom })
  closers.push(() => metadata.close())
  return { metadata, store: await openStore(pathToFileURL(folder.bucket).href), clock: systemClock }
}

function summary({ partitions, offsets, extents, bytesRead, objects }: BucketFigures, counts: Counts): string {
  const megabytes = (bytesRead / 1e6).toFixed(1)
  return `${partitions} partitions, ${offsets} offsets in ${extents} extents, ${megabytes} MB read, ${objects} objects listed: ${counts.damage} damaged, ${counts.note} notes\n`
}

type Counts = Readonly<Record<BucketFinding['severity'], number>>
