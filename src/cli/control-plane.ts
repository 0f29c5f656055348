import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { LintThread } from '../agent/index.ts'
import {
  codeOf,
  FollowingClock,
  hostPort,
  isCertificateRefused,
  type Log,
  systemClock,
  systemRandom,
} from '../base/index.ts'
import {
  ControlPlane,
  ControlServer,
  type DefaultCluster,
  LinkServer,
  sealingKeyBytes,
  SealingKeyError,
} from '../control/index.ts'
import { type Database, DatabaseError, databaseTime, openPostgres, openSqlite } from '../database/index.ts'
import { MetadataError } from '../metadata/index.ts'
import { closeAll, type Closers } from './agent-parts.ts'
import { ClusterMetadata, type MetadataPlace, placeOf } from './cluster-metadata.ts'
import type { controlPlaneFlags } from './commands.ts'
import { FlagError, type FlagValues } from './flags.ts'
import { listen } from './listen.ts'
import { patiently } from './patience.ts'
import {
  addressOf,
  closeTimeoutMs,
  endOnLoss,
  externalHost,
  grantsOf,
  serve,
  standardErrorLog,
  untilStopped,
} from './serving.ts'
import { consoleFolder } from './stack.ts'
import { version } from './version.ts'

type ControlPlaneFlags = FlagValues<typeof controlPlaneFlags>

/** Runs a control plane until it is asked to stop. Resolves to the exit code. */
export function runControlPlane(flags: ControlPlaneFlags): Promise<number> {
  const startedAt = performance.now()
  return serve('control-plane', async () => {
    const log = standardErrorLog(flags.logLevel)
    const { running, closers } = await patiently('the database', systemClock, log, () => attempt(flags, log))
    process.stdout.write(welcome(running, Math.round(performance.now() - startedAt)))
    return untilStopped(() => closeAll(closers), closeTimeoutMs)
  })
}

/** Starts, or cleans up on failure. */
async function attempt(
  flags: ControlPlaneFlags,
  log: Log,
): Promise<{ readonly running: Running; readonly closers: Closers }> {
  const closers: Closers = []
  try {
    return { running: await start(flags, log, closers), closers }
  } catch (error) {
    await closeAll(closers).catch((problem: unknown) =>
      log.error('clean-up after a failed start failed', { error: String(problem) }),
    )
    if (error instanceof SealingKeyError)
      throw new FlagError(`-sealingKey does not belong to this database: ${error.message}`, { cause: error })
    if (!(error instanceof DatabaseError || error instanceof MetadataError)) throw error
    const hint = isCertificateRefused(error) ? ' (?sslrootcert=FILE in the URL trusts the authority in FILE)' : ''
    throw new FlagError(`-databaseURL: ${error.message}${hint}`, { cause: error })
  }
}

interface Running {
  readonly consoleUrl: string
  readonly apiUrl: string
  /** The default cluster, if this control plane has just created it. */
  readonly created: DefaultCluster | undefined
}

async function start(flags: ControlPlaneFlags, log: Log, closers: Closers): Promise<Running> {
  const host = addressOf(flags.bindAddress)
  const place = placeOf(flags.databaseURL)
  const sealingKey = sealingKeyOf(flags, place)
  const policy = { grants: grantsOf(flags), ownPorts: [] }
  const linter = new LintThread({ policy })
  closers.push(() => linter.close())
  const database = await openDatabase(place)
  closers.push(() => database.close())
  database.onLost(endOnLoss(log))
  const clock = await FollowingClock.open({ read: () => timeOf(database), owner: 'the database', log })
  closers.push(() => clock.close())
  const metadata = new ClusterMetadata(place, log, endOnLoss(log))
  closers.push(() => metadata.close())
  const plane = await ControlPlane.open({
    database,
    sealingKey,
    lint: yaml => linter.lint(yaml),
    jsonSchema: () => linter.jsonSchema(),
    metadataOf: clusterId => metadata.of(clusterId),
    hasManyClusters: true,
    version,
    isEphemeral: false,
    clock,
    random: systemRandom,
    log,
  })
  closers.push(() => plane.close())
  const isNew = (await plane.clusters()).length === 0
  const defaults = await plane.ensureDefaultCluster({
    clusterId: optional(flags.bootstrapVirtualClusterID),
    applicationKey: optional(flags.bootstrapKey),
    agentKey: optional(flags.bootstrapAgentKey),
  })
  for (const { id } of await plane.clusters()) await metadata.hub(id)
  const links = await LinkServer.open({ plane, metadataOf: id => metadata.hub(id), clock, log })
  const server = await listen('consolePort', host, flags.consolePort, port =>
    ControlServer.listen(plane, { consoleFolder, host, port, links }),
  )
  // Registered before anything else can fail: a retried start needs the port.
  closers.push(async () => {
    plane.refuseChanges()
    await links.close()
    await server.close()
  })
  await plane.peers.join(flags.peerURL === '' ? peerUrl(host, server.url) : flags.peerURL)
  return {
    consoleUrl: `${server.url}/?token=${plane.sessions.signInToken}`,
    apiUrl: plane.apiUrl,
    created: isNew ? defaults : undefined,
  }
}

function timeOf(database: Database): Promise<number> {
  return database.transaction({ kind: 'read' }, sql => databaseTime(database, sql))
}

/** The address of a server for other machines. */
function peerUrl(host: string, url: string): string {
  const reached = new URL(url)
  reached.host = hostPort(externalHost(host), Number(reached.port))
  return reached.origin
}

function welcome({ consoleUrl, apiUrl, created }: Running, readyMs: number): string {
  const keys = created && [
    '',
    'The database was empty. These keys are shown once; the console creates more:',
    '',
    `  export WARPSTREAM_API_KEY=${created.applicationKey.secret}`,
    `  export WARPSTREAM_AGENT_KEY=${created.agentKey.secret}`,
    `  export WARPSTREAM_DEFAULT_VIRTUAL_CLUSTER_ID=${created.cluster.id}`,
  ]
  return [
    `Penstock control-plane is ready (${readyMs} ms).`,
    '',
    `  Console     ${consoleUrl}`,
    '',
    `  export WARPSTREAM_API_URL=${apiUrl}`,
    ...(keys ?? []),
    '',
    'Press Ctrl-C to stop.',
    '',
  ].join('\n')
}

function openDatabase(place: MetadataPlace): Promise<Database> {
  return place.kind === 'sqlite'
    ? openSqlite({ path: place.file })
    : openPostgres({ url: place.url, schema: 'penstock' })
}

/** The key that encrypts secrets in the database; all control planes of a database have the same. */
function sealingKeyOf({ sealingKey, sealingKeyPath }: ControlPlaneFlags, place: MetadataPlace): Uint8Array {
  if (sealingKey !== '') return keyBytes('sealingKey', sealingKey)
  if (sealingKeyPath === '' && place.kind === 'postgres')
    throw new FlagError(
      `-sealingKey is missing: ${2 * sealingKeyBytes} hexadecimal digits, the same for all control planes of this database, as from openssl rand -hex ${sealingKeyBytes}`,
    )
  const file = sealingKeyPath !== '' ? sealingKeyPath : `${place.kind === 'sqlite' ? place.file : ''}.key`
  try {
    if (sealingKeyPath === '' && !existsSync(file))
      writeFileSync(file, `${Buffer.from(systemRandom.bytes(sealingKeyBytes)).toString('hex')}\n`, { mode: 0o600 })
    return keyBytes('sealingKeyPath', readFileSync(file, 'utf8').trim())
  } catch (error) {
    if (error instanceof FlagError) throw error
    throw new FlagError(`-sealingKeyPath: cannot use ${file} (${codeOf(error)})`, {
      cause: error,
    })
  }
}

function keyBytes(name: string, text: string): Uint8Array {
  const key = Buffer.from(text, 'hex')
  if (key.length === sealingKeyBytes && text.length === 2 * sealingKeyBytes) return key
  throw new FlagError(`-${name} has to be ${2 * sealingKeyBytes} hexadecimal digits`)
}

function optional(text: string): string | undefined {
  return text === '' ? undefined : text
}
