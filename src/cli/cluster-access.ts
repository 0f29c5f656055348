import { readFileSync } from 'node:fs'
import {
  asError,
  type Clock,
  codeOf,
  FollowingClock,
  isCertificateRefused,
  type Log,
  messageOf,
  systemClock,
  systemRandom,
} from '../base/index.ts'
import { AgentConnection, LinkRefused } from '../control/index.ts'
import { type Metadata, MetadataClient, MetadataError } from '../metadata/index.ts'
import { type ObjectStore, openStore, prefixedStore, probeStore, StorageError } from '../storage/index.ts'
import { allOrNothing, type Closers } from './agent-parts.ts'
import { claimBucket, checkClaim } from './bucket-claim.ts'
import type { clusterFlags } from './commands.ts'
import { FlagError, type FlagValues } from './flags.ts'
import { patiently } from './patience.ts'
import { version } from './version.ts'

type ClusterFlags = FlagValues<typeof clusterFlags>

interface OpenedCluster {
  readonly link: AgentConnection
  readonly metadata: Metadata
  readonly store: ObjectStore
  /** The time of the cluster. */
  readonly clock: Clock
}

/**
 * Opens a cluster's metadata through a control plane, and its bucket, which has to belong to that cluster. Rejects with
 * a FlagError that names what has to be changed.
 * @param isWriter whether the bucket is written to: it is probed, and claimed if it belongs to no cluster yet
 */
export async function openCluster(
  flags: ClusterFlags,
  log: Log,
  closers: Closers,
  isWriter: boolean,
): Promise<OpenedCluster> {
  const [link, bucket] = await allOrNothing([connect(flags, log, closers), openBucket(flags, log, isWriter)])
  const metadata = await blame('metadataURL', () => MetadataClient.open(link.metadata(), { random: systemRandom }))
  closers.push(() => metadata.close())
  const clock = await blame('metadataURL', () =>
    FollowingClock.open({ read: () => metadata.time(), owner: 'the control plane', log }),
  )
  closers.push(() => clock.close())
  const store = prefixedStore(bucket, `warpstream/${flags.defaultVirtualClusterID}`)
  const check = isWriter ? claimBucket : checkClaim
  await withBucket(log, () => check(store, metadata.clusterId))
  return { link, metadata, store, clock }
}

async function connect(flags: ClusterFlags, log: Log, closers: Closers): Promise<AgentConnection> {
  const { defaultVirtualClusterID: clusterId } = flags
  if (clusterId === '') throw new FlagError('-defaultVirtualClusterID is missing')
  const agentKey = agentKeyOf(flags)
  const urls = flags.metadataURL.map(urlOf)
  if (urls.length === 0) throw new FlagError('-metadataURL is missing: the address of a control plane')
  try {
    const options = { urls, agentKey, clusterId, version, clock: systemClock, random: systemRandom, log }
    const link = await AgentConnection.open(options)
    closers.push(() => link.close())
    return link
  } catch (error) {
    const cause = asError(error)
    const hint = isCertificateRefused(error) ? ' (NODE_EXTRA_CA_CERTS=FILE adds the authority in FILE)' : ''
    throw new FlagError(`-${flagOf(error)}: ${messageOf(cause) || String(error)}${hint}`, { cause })
  }
}

/** The flag at fault if the control plane does not accept this agent. */
function flagOf(error: unknown): keyof ClusterFlags {
  switch (error instanceof LinkRefused ? error.code : undefined) {
    case 'invalid_api_key':
    case 'forbidden':
      return 'agentKey'
    case 'virtual_cluster_not_found':
      return 'defaultVirtualClusterID'
    default:
      return 'metadataURL'
  }
}

function urlOf(text: string): URL {
  const url = URL.parse(text)
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  throw new FlagError(`-metadataURL has to be http://HOST:PORT or https://HOST:PORT, not ${JSON.stringify(text)}`)
}

function agentKeyOf({ agentKey, agentKeyPath }: ClusterFlags): string {
  if (agentKeyPath === '' && agentKey === '')
    throw new FlagError('-agentKey is missing: an agent key of the virtual cluster')
  // A path is explicit, whereas the environment may contain an unrelated key (WARPSTREAM_API_KEY).
  if (agentKeyPath === '') return agentKey
  try {
    return readFileSync(agentKeyPath, 'utf8').trim()
  } catch (error) {
    const code = codeOf(error)
    throw new FlagError(`-agentKeyPath: cannot read ${agentKeyPath} (${code})`, { cause: error })
  }
}

async function openBucket({ bucketURL }: ClusterFlags, log: Log, isWriter: boolean): Promise<ObjectStore> {
  if (bucketURL === '')
    throw new FlagError(
      '-bucketURL is missing: s3://BUCKET?region=REGION, gs://BUCKET, azblob://CONTAINER or file:///FOLDER',
    )
  if (isInMemory(bucketURL))
    log.warn(
      'the bucket is the memory of this process: no other agent can read it, and it is gone when the process ends',
    )
  const store = await blame('bucketURL', () => openStore(bucketURL))
  if (isWriter) await withBucket(log, () => probeStore(store))
  return store
}

/** Whether a bucket is for trying things out with one agent: nobody else can read it. */
export function isInMemory(bucketUrl: string): boolean {
  return bucketUrl.startsWith('mem:')
}

/** Waits for a bucket that is not responding. */
function withBucket<Result>(log: Log, work: () => Promise<Result>): Promise<Result> {
  return blame('bucketURL', () => patiently('the bucket', systemClock, log, work))
}

async function blame<Result>(flag: keyof ClusterFlags, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof StorageError || error instanceof MetadataError)) throw error
    throw new FlagError(`-${flag}: ${error.message}`, { cause: error })
  }
}
