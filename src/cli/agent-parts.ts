import { rmSync } from 'node:fs'
import { availableParallelism, hostname } from 'node:os'
import process from 'node:process'
import {
  Agent,
  AgentCluster,
  SharedAddress,
  type KafkaAccess,
  KafkaClient,
  Logins,
  PipelineHttpServer,
  StatusServer,
  Supervisor,
  type SupervisorEvents,
  ZoneReader,
} from '../agent/index.ts'
import { type Clock, hostPort, type Log, reachableHost, systemClock, systemRandom } from '../base/index.ts'
import type { LogConfig } from '../broker/index.ts'
import type { AgentHello, AgentLink } from '../control/index.ts'
import type { Grant, HostPolicy } from '../host/index.ts'
import type { Metadata } from '../metadata/index.ts'
import type { ObjectStore } from '../storage/index.ts'
import { type KafkaPort, startKafka } from './kafka-port.ts'
import type { KafkaSecurityFlags } from './kafka-security-flags.ts'
import { listen } from './listen.ts'
import { externalHost } from './serving.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { version } from './version.ts'

/** The options of an agent, whether it has its own process or not. */
export interface AgentOptions {
  /** The address on which all ports listen. */
  readonly host: string
  /** The host name given to Kafka clients. */
  readonly advertisedHost: string
  /** The port given to Kafka clients; 0 for the one it listens on. */
  readonly advertisedPort: number
  readonly kafkaPort: number
  /** A further port on which other processes of this agent listen as well; 0 for none. */
  readonly sharedKafkaPort: number
  readonly kafkaSecurity: KafkaSecurityFlags
  readonly httpPort: number
  readonly pipelinesPort: number
  readonly roles: AgentHello['roles']
  readonly agentGroup: string
  /** What pipelines may access on this host in addition to the network. */
  readonly pipelineGrants: readonly Grant[]
  readonly managedPipelinesGroupName: string
  readonly availabilityZone: string
  /** Unreferenced objects are logged and kept. */
  readonly objectDeletionDryRun: boolean
  readonly pipelineMemoryMb: number
  readonly log: Log
}

/** What to close at the end, in reverse order. */
export type Closers = (() => Promise<void> | void)[]

/** The cluster that an agent serves. */
export interface AgentCore {
  readonly metadata: Metadata
  readonly store: ObjectStore
  /** The time of the cluster, whatever the clock of this machine shows. */
  readonly clock: Clock
  readonly logConfig: LogConfig
  readonly nodeId: number
  /** Fixed if no two of them can run concurrently; random otherwise. */
  readonly instanceId: string | undefined
  /** How long the first members of a group wait for more. */
  readonly groupInitialRebalanceDelayMs: number
}

/** The servers of an agent, before it has a control plane. */
export interface AgentServers {
  readonly kafka: KafkaPort
  readonly cluster: AgentCluster
  readonly zone: ZoneReader
  /** `host:port` for this machine. */
  readonly statusAddress: string
  readonly pipelines: PipelinePort | undefined
  /** What pipelines must not access. */
  readonly policy: HostPolicy
  /** Until this is called, the status is that of a starting agent. */
  setAgent(agent: Agent): void
}

/** Listens on all ports. Kafka clients are accepted when this resolves. */
export async function startAgentServers(
  options: AgentOptions,
  core: Promise<AgentCore> | AgentCore,
  ownPorts: number[],
  closers: Closers,
): Promise<AgentServers> {
  let agent: Agent | undefined
  const known = Promise.resolve(core).then(opened => ({ core: opened, zone: zoneReaderOf(options, opened) }))
  let zone: ZoneReader | undefined
  const [[kafka, cluster], statusAddress, pipelines] = await allOrNothing([
    known.then(opened => startBroker(options, opened.core, (zone = opened.zone), closers)),
    startStatusServer(
      options,
      closers,
      () => agent,
      () => zone,
    ),
    options.roles.includes('pipelines') ? startPipelineServer(options, closers) : undefined,
  ])
  ownPorts.push(...[statusAddress, pipelines?.address].flatMap(address => (address ? [portOf(address)] : [])))
  const policy = { grants: options.pipelineGrants, ownPorts }
  const { zone: reader } = await known
  return { kafka, cluster, zone: reader, statusAddress, pipelines, policy, setAgent: started => (agent = started) }
}

function zoneReaderOf({ agentGroup: group, availabilityZone: zone, log }: AgentOptions, core: AgentCore): ZoneReader {
  const { store, nodeId, clock } = core
  return new ZoneReader({ store, nodeId, group, zone, clock, log })
}

async function startBroker(
  options: AgentOptions,
  core: AgentCore,
  zone: ZoneReader,
  closers: Closers,
): Promise<readonly [KafkaPort, AgentCluster]> {
  let cluster: AgentCluster | undefined
  const kafka = await startKafka(options, core, closers, zone, config => {
    cluster = new AgentCluster({
      nodeId: config.nodeId,
      host: config.advertisedHost,
      port: config.advertisedPort,
      roles: options.roles,
      group: options.agentGroup,
      zone: options.availabilityZone,
      isDraining: false,
    })
    return cluster
  })
  return [kafka, cluster!] // set before the broker serves
}

/** Joins a cluster: registers with its control plane and then follows its orders. */
export function joinCluster(
  options: AgentOptions,
  { kafka, cluster, zone, statusAddress, pipelines, policy, setAgent }: AgentServers,
  { metadata, nodeId, clock }: AgentCore,
  link: AgentLink,
  identity: string | null,
  closers: Closers,
): Agent {
  const { log } = options
  const { requireSASLAuthentication, kafkaTLS, requireMTLSAuthentication } = options.kafkaSecurity
  const logins = new Logins({ metadata, clock, random: systemRandom, log })
  closers.push(() => logins.close())
  const sharedAddress = new SharedAddress(cluster.self, clock, log)
  const access: KafkaAccess = {
    isEncrypted: kafkaTLS || requireMTLSAuthentication,
    logins: requireSASLAuthentication ? logins : undefined,
  }
  const agent = new Agent({
    link,
    hello: {
      identity,
      name: `${hostname()}:${process.pid}`,
      version,
      roles: options.roles,
      pipelineGroup: options.managedPipelinesGroupName,
      agentGroup: options.agentGroup,
      availabilityZone: options.availabilityZone,
      nodeId,
      isDraining: false,
      kafkaAddress: options.roles.some(role => role.startsWith('proxy')) ? kafka.address : null,
      httpAddress: hostPort(externalHost(options.host), portOf(statusAddress)),
      startedAt: clock.now(),
    },
    view: {
      client: new KafkaClient(kafka.connectHost, kafka.port, access),
      metadata,
      clock,
      random: systemRandom,
    },
    figures: kafka.figures,
    clock,
    log,
    onPeers: (peers, secret) => {
      cluster.follow(peers)
      sharedAddress.follow(peers)
      zone.follow(peers, secret)
    },
    supervisor: pipelines && (events => newSupervisor(options, policy, kafka, metadata, access, pipelines, events)),
  })
  setAgent(agent)
  closers.push(() => agent.close())
  return agent
}

async function startStatusServer(
  { host, httpPort }: AgentOptions,
  closers: Closers,
  agent: () => Agent | undefined,
  zone: () => ZoneReader | undefined,
) {
  const status = new StatusServer(version, agent, zone)
  const port = await listen('httpPort', host, httpPort, wanted => status.listen(host, wanted))
  closers.push(() => status.close())
  return hostPort(reachableHost(host), port)
}

type PipelinePort = Awaited<ReturnType<typeof startPipelineServer>>

async function startPipelineServer({ host, pipelinesPort }: AgentOptions, closers: Closers) {
  const server = new PipelineHttpServer()
  const port = await listen('pipelinesPort', host, pipelinesPort, wanted => server.listen(host, wanted))
  closers.push(() => server.close())
  const socketFolder = temporaryFolder('sockets')
  closers.push(() => rmSync(socketFolder, { recursive: true, force: true }))
  return { server, socketFolder, address: hostPort(reachableHost(host), port) }
}

function newSupervisor(
  options: AgentOptions,
  policy: HostPolicy,
  kafka: KafkaPort,
  metadata: Metadata,
  kafkaAccess: KafkaAccess,
  { server, socketFolder }: PipelinePort,
  events: SupervisorEvents,
): Supervisor {
  const zone = options.availabilityZone
  return new Supervisor({
    seedBroker: hostPort(kafka.connectHost, kafka.port),
    kafkaAccess,
    raiseFence: fence => metadata.raiseFence(fence),
    // The original's way for a client to name its zone.
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

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1))
}

/** Like `Promise.all`, but rejects only once all of them have settled, so that everything started can be stopped. */
export async function allOrNothing<const Work extends readonly unknown[]>(
  work: Work,
): Promise<{ -readonly [Index in keyof Work]: Awaited<Work[Index]> }> {
  await Promise.allSettled(work)
  return Promise.all(work)
}

/** Closes everything in reverse order. A failure does not prevent the rest from closing. */
export async function closeAll(closers: Closers): Promise<void> {
  const problems: unknown[] = []
  for (const closer of closers.splice(0).toReversed()) {
    try {
      await closer()
    } catch (error) {
      problems.push(error)
    }
  }
  if (problems.length > 0) throw new AggregateError(problems, `could not close everything: ${problems.join('; ')}`)
}
