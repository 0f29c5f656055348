import { rmSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { LintThread } from '../agent/index.ts'
import { systemClock, systemRandom } from '../base/index.ts'
import { localLogConfig } from '../broker/index.ts'
import { cacheBytes } from './cache-bytes.ts'
import { ControlPlane, ControlServer, sealingKeyBytes } from '../control/index.ts'
import { openSqlite } from '../database/index.ts'
import type { HostPolicy } from '../host/index.ts'
import { type Metadata, openSqliteMetadata } from '../metadata/index.ts'
import { openStore } from '../storage/index.ts'
import {
  type AgentCore,
  type AgentOptions,
  allOrNothing,
  closeAll,
  type Closers,
  joinCluster,
  startAgentServers,
} from './agent-parts.ts'
import type { DataFolder } from './data-folder.ts'
import { listen } from './listen.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { version } from './version.ts'

/** Next to the bundle, or where the build puts it if the program runs from its sources. */
export const consoleFolder = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../dist/console' : './console', import.meta.url),
)

export interface StackOptions extends AgentOptions {
  /** Where everything is stored; null keeps it in memory. */
  readonly folder: DataFolder | null
  readonly consolePort: number
  /** Called when an essential component failed. Acknowledged records are kept. */
  readonly onLost: (reason: Error) => void
}

/** A control plane and an agent in one process. */
export interface Stack {
  /** The console's address with the sign-in token. */
  readonly consoleUrl: string
  readonly apiUrl: string
  /** An application key. */
  readonly apiKey: string
  readonly kafkaAddress: string
  readonly agentUrl: string
  /** Absent without managed pipelines. */
  readonly pipelinesUrl: string | undefined
  /** Stops everything in order: pipelines first, so that what they have read is still delivered. */
  close(): Promise<void>
}

/**
 * Starts everything concurrently; when it resolves, the console and the Kafka port accept connections. On failure, what
 * was started is stopped.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const closers: Closers = []
  const refusers: (() => void)[] = []
  const close = async () => {
    for (const refuse of refusers) refuse()
    await closeAll(closers)
  }
  try {
    return await start(options, closers, refusers, close)
  } catch (error) {
    await close().catch((problem: unknown) =>
      options.log.error('clean-up after a failed start failed', { error: String(problem) }),
    )
    throw error
  }
}

async function start(
  options: StackOptions,
  closers: Closers,
  refusers: (() => void)[],
  close: () => Promise<void>,
): Promise<Stack> {
  const { consolePort, httpPort, pipelinesPort } = options
  // The ports that pipelines must not reach: as requested until all listen, then the actual ones.
  const ownPorts = [consolePort, httpPort, pipelinesPort].filter(port => port !== 0)
  const policy = { grants: options.pipelineGrants, ownPorts }
  // Both start concurrently: until the metadata is open, requests that need it are refused.
  let metadata: Metadata | undefined
  const core = openCore(options, closers).then(opened => {
    metadata = opened.metadata
    return opened
  })
  const [plane, servers, opened] = await allOrNothing([
    startControlPlane(options, policy, closers, () => metadata),
    startAgentServers(options, core, ownPorts, closers),
    core,
  ])
  ownPorts.push(Number(new URL(plane.url).port))
  // Pipelines take a while to stop; changes saved in the meantime would seem to be accepted but would not run.
  refusers.push(plane.refuseChanges)
  // A stack has one agent, which resumes what it ran before.
  joinCluster(options, servers, opened, plane.link, 'local', closers)
  return {
    consoleUrl: `${plane.url}/?token=${plane.signInToken}`,
    apiUrl: plane.apiUrl,
    apiKey: plane.apiKey,
    kafkaAddress: servers.kafka.address,
    agentUrl: `http://${servers.statusAddress}`,
    pipelinesUrl: servers.pipelines && `http://${servers.pipelines.address}`,
    close,
  }
}

/** Opens metadata and bucket. */
async function openCore({ folder, onLost }: StackOptions, closers: Closers): Promise<AgentCore> {
  const metadata = await openSqliteMetadata({
    path: folder?.metadata ?? ':memory:',
    clock: systemClock,
    random: systemRandom,
  })
  closers.push(() => metadata.close())
  metadata.onLost(onLost)
  const bucket = folder?.bucket ?? temporaryBucket(closers)
  return {
    metadata,
    // Data that ends with the process need not survive the machine.
    store: await openStore(pathToFileURL(bucket).href, { fsync: folder !== null }),
    clock: systemClock,
    logConfig: folder === null ? localLogConfig : { ...localLogConfig, cacheBytes: cacheBytes(1) },
    nodeId: 1,
    // The data folder is locked, so no two brokers use it.
    instanceId: 'standalone',
    // Consumers that are started one by one by hand should not wait three seconds each.
    groupInitialRebalanceDelayMs: 0,
  }
}

function temporaryBucket(closers: Closers): string {
  const folder = temporaryFolder('playground')
  closers.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function startControlPlane(
  options: StackOptions,
  policy: HostPolicy,
  closers: Closers,
  metadataOf: () => Metadata | undefined,
) {
  const { folder, host, log } = options
  const linter = new LintThread({ policy })
  closers.push(() => linter.close())
  const database = await openSqlite({ path: folder?.control ?? ':memory:' })
  closers.push(() => database.close())
  database.onLost(options.onLost)
  const plane = await ControlPlane.open({
    database,
    sealingKey: folder?.sealingKey ?? systemRandom.bytes(sealingKeyBytes),
    lint: yaml => linter.lint(yaml),
    jsonSchema: () => linter.jsonSchema(),
    metadataOf: async () => metadataOf(),
    version,
    isEphemeral: folder === null,
    clock: systemClock,
    random: systemRandom,
    log,
  })
  closers.push(() => plane.close())
  const { cluster, applicationKey } = await plane.ensureDefaultCluster()
  const server = await listen('consolePort', host, options.consolePort, port =>
    ControlServer.listen(plane, { consoleFolder, host, port }),
  )
  closers.push(() => server.close())
  return {
    link: plane.link(cluster.id),
    url: server.url,
    apiUrl: plane.apiUrl,
    signInToken: plane.sessions.signInToken,
    apiKey: applicationKey.secret,
    refuseChanges: () => plane.refuseChanges(),
  }
}
