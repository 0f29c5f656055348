import { rmSync } from 'node:fs'
import { availableParallelism, hostname } from 'node:os'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import {
  Agent,
  type KafkaAccess,
  KafkaClient,
  LintThread,
  Logins,
  PipelineHttpServer,
  StatusServer,
  Supervisor,
  type SupervisorEvents,
} from '../agent/index.ts'
import { hostPort, type Log, reachableHost, systemClock, systemRandom } from '../base/index.ts'
import { ControlPlane, ControlServer, sealingKeyBytes } from '../control/index.ts'
import { openSqlite } from '../database/index.ts'
import type { Grant, HostPolicy } from '../host/index.ts'
import type { Metadata } from '../metadata/index.ts'
import type { DataFolder } from './data-folder.ts'
import type { KafkaSecurityFlags } from './kafka-security-flags.ts'
import { listen } from './listen.ts'
import { type KafkaPort, startKafka } from './stack-kafka.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { version } from './version.ts'

/** Beside the bundle, or where the build puts it when the program runs from its sources. */
const consoleFolder = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../dist/console' : './console', import.meta.url),
)

export interface StackOptions {
  /** Where everything is kept; null keeps it in memory. */
  readonly folder: DataFolder | null
  /** Where all ports listen. */
  readonly host: string
  /** The host name given to Kafka clients; empty for one that fits `host`. */
  readonly advertisedHost: string
  readonly kafkaPort: number
  readonly kafkaSecurity: KafkaSecurityFlags
  readonly httpPort: number
  readonly pipelinesPort: number
  readonly consolePort: number
  readonly enableManagedPipelines: boolean
  /** What pipelines may reach on this host beside the network. */
  readonly pipelineGrants: readonly Grant[]
  readonly managedPipelinesGroupName: string
  readonly availabilityZone: string
  readonly pipelineMemoryMb: number
  readonly log: Log
  /** Called when an essential component failed. What was acknowledged is kept. */
  readonly onLost: (reason: Error) => void
}

/** A control plane and an agent in one process. */
export interface Stack {
  /** The console's address with the token that signs in. */
  readonly consoleUrl: string
  readonly apiUrl: string
  /** An application key. */
  readonly apiKey: string
  readonly kafkaAddress: string
  readonly agentUrl: string
  /** Absent without managed pipelines. */
  readonly pipelinesUrl: string | undefined
  /** Stops everything in order: pipelines first, so that what they have read still arrives. */
  close(): Promise<void>
}

/** What is to be done at the end, in reverse order. */
export type Closers = (() => Promise<void> | void)[]

/** Starts everything side by side; when it resolves, the console answers and Kafka accepts. What was started before a failure is stopped. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const closers: Closers = []
  const refusers: (() => void)[] = []
  const close = async () => {
    for (const refuse of refusers) refuse()
    const problems: unknown[] = []
    // What fails to close does not keep the rest from closing.
    for (const closer of closers.splice(0).toReversed()) {
      try {
        await closer()
      } catch (error) {
        problems.push(error)
      }
    }
    if (problems.length > 0) throw new AggregateError(problems, `could not close everything: ${problems.join('; ')}`)
  }
  try {
    return await start(options, closers, refusers, close)
  } catch (error) {
    await close().catch((problem: unknown) => options.log.error('after a failed start', { error: String(problem) }))
    throw error
  }
}

async function start(
  options: StackOptions,
  closers: Closers,
  refusers: (() => void)[],
  close: () => Promise<void>,
): Promise<Stack> {
  const { log } = options
  let agent: Agent | undefined
  // Both start side by side: until the metadata are open, what needs them is refused.
  let metadata: Metadata | undefined
  const ports = new OwnPorts(options)
  const policy = { grants: options.pipelineGrants, ownPorts: ports.list }
  const [plane, kafka, status, pipelines] = await allOrNothing([
    startControlPlane(options, policy, closers, () => metadata),
    startKafka(options, closers),
    startStatusServer(options, closers, () => agent),
    options.enableManagedPipelines ? startPipelineServer(options, closers) : undefined,
  ])
  metadata = kafka.metadata
  ports.replace(plane.url, `http://${status.address}`, pipelines && `http://${pipelines.address}`)
  // Pipelines take a while to stop, and what is saved meanwhile would seem to be accepted and never run.
  refusers.push(plane.refuseChanges)
  const { requireSASLAuthentication, kafkaTLS, requireMTLSAuthentication } = options.kafkaSecurity
  const logins = new Logins({ metadata: kafka.metadata, clock: systemClock, random: systemRandom, log })
  closers.push(() => logins.close())
  const access: KafkaAccess = {
    isEncrypted: kafkaTLS || requireMTLSAuthentication,
    logins: requireSASLAuthentication ? logins : undefined,
  }
  const running = new Agent({
    link: plane.link,
    hello: {
      // There is one agent to a stack, and it comes back to what it ran before.
      identity: 'local',
      name: `${hostname()}:${process.pid}`,
      version,
      roles: ['proxy', 'jobs', ...(pipelines === undefined ? [] : (['pipelines'] as const))],
      pipelineGroup: options.managedPipelinesGroupName,
      availabilityZone: options.availabilityZone,
      kafkaAddress: kafka.address,
      httpAddress: status.address,
      startedAt: systemClock.now(),
    },
    view: {
      client: new KafkaClient(kafka.connectHost, kafka.port, access),
      metadata: kafka.metadata,
      clock: systemClock,
      random: systemRandom,
    },
    figures: kafka.figures,
    clock: systemClock,
    log,
    supervisor: pipelines && (events => newSupervisor(options, policy, kafka, access, pipelines, events)),
  })
  agent = running
  closers.push(() => running.close())
  return {
    consoleUrl: `${plane.url}/?token=${plane.signInToken}`,
    apiUrl: plane.apiUrl,
    apiKey: plane.apiKey,
    kafkaAddress: kafka.address,
    agentUrl: `http://${status.address}`,
    pipelinesUrl: pipelines && `http://${pipelines.address}`,
    close,
  }
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
    metadataOf,
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

async function startStatusServer({ host, httpPort }: StackOptions, closers: Closers, agent: () => Agent | undefined) {
  const status = new StatusServer(version, agent)
  const port = await listen('httpPort', host, httpPort, wanted => status.listen(host, wanted))
  closers.push(() => status.close())
  return { address: hostPort(reachableHost(host), port) }
}

async function startPipelineServer({ host, pipelinesPort }: StackOptions, closers: Closers) {
  const server = new PipelineHttpServer()
  const port = await listen('pipelinesPort', host, pipelinesPort, wanted => server.listen(host, wanted))
  closers.push(() => server.close())
  const socketFolder = temporaryFolder('sockets')
  closers.push(() => rmSync(socketFolder, { recursive: true, force: true }))
  return { server, socketFolder, address: hostPort(reachableHost(host), port) }
}

function newSupervisor(
  options: StackOptions,
  policy: HostPolicy,
  kafka: KafkaPort,
  kafkaAccess: KafkaAccess,
  { server, socketFolder }: Awaited<ReturnType<typeof startPipelineServer>>,
  events: SupervisorEvents,
): Supervisor {
  const zone = options.availabilityZone
  return new Supervisor({
    seedBroker: hostPort(kafka.connectHost, kafka.port),
    kafkaAccess,
    // The original's way of telling the cluster in which zone a client is.
    clientId: zone === '' ? 'penstock-pipeline' : `warpstream_az=${zone},penstock-pipeline`,
    policy,
    limits: { memoryMb: options.pipelineMemoryMb, silentMs: 10_000, graceMs: 5_000 },
    startsAtOnce: availableParallelism(),
    socketFolder,
    http: server,
    clock: systemClock,
    ...events,
  })
}

/** The ports that pipelines must not reach: as they were asked for until all listen, then as they are. */
class OwnPorts {
  readonly list: number[]

  constructor({ consolePort, httpPort, pipelinesPort }: StackOptions) {
    this.list = [consolePort, httpPort, pipelinesPort].filter(port => port !== 0)
  }

  replace(...urls: readonly (string | undefined)[]): void {
    const ports = urls.flatMap(url => (url === undefined ? [] : Number(new URL(url).port)))
    this.list.splice(0, this.list.length, ...ports)
  }
}

/** Like `Promise.all`, but rejects only once all of them have settled, so that everything started can be stopped. */
async function allOrNothing<const Work extends readonly unknown[]>(
  work: Work,
): Promise<{ -readonly [Index in keyof Work]: Awaited<Work[Index]> }> {
  await Promise.allSettled(work)
  return Promise.all(work)
}
