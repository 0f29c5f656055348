import { availableParallelism } from 'node:os'
import process from 'node:process'
import type { Agent } from '../agent/index.ts'
import { systemRandom } from '../base/index.ts'
import { localLogConfig, type LogConfig, remoteLogConfig } from '../broker/index.ts'
import type { AgentHello } from '../control/index.ts'
import { MetadataError } from '../metadata/index.ts'
import {
  type AgentCore,
  type AgentOptions,
  type AgentServers,
  closeAll,
  type Closers,
  joinCluster,
  startAgentServers,
} from './agent-parts.ts'
import { type ProcessReady, runProcesses } from './agent-processes.ts'
import { cacheBytes } from './cache-bytes.ts'
import { isInMemory, openCluster } from './cluster-access.ts'
import type { agentFlags } from './commands.ts'
import { FlagError, type FlagValues } from './flags.ts'
import { addressOf, closeTimeoutMs, externalHost, grantsOf, serve, standardErrorLog, untilStopped } from './serving.ts'
const minBatchMs = 1
const maxProcesses = 64

type AgentFlags = FlagValues<typeof agentFlags>

/**
 * Runs an agent until it is asked to stop. Resolves to the exit code.
 * @param args the command line, for further processes of the same agent
 */
export function runAgent(flags: AgentFlags, args: readonly string[]): Promise<number> {
  const startedAt = performance.now()
  return serve('agent', async () => {
    const options = optionsOf(flags)
    const graceMs = durationMs('gracefulShutdownDuration', flags.gracefulShutdownDuration)
    const count = processesOf(flags)
    if (count > 1) {
      const { host, advertisedHost, kafkaPort, log } = options
      const closeMs = graceMs + 2 * closeTimeoutMs
      return runProcesses({ count, args, host, advertisedHost, kafkaPort, closeTimeoutMs: closeMs, log })
    }
    const closers: Closers = []
    let running: Running
    try {
      running = await start(flags, options, closers)
    } catch (error) {
      await closeAll(closers).catch((problem: unknown) =>
        options.log.error('clean-up after a failed start failed', { error: String(problem) }),
      )
      throw error
    }
    process.stdout.write(welcome(running, Math.round(performance.now() - startedAt)))
    tellParent(running)
    const stop = async () => {
      await running.agent.drain(AbortSignal.timeout(graceMs))
      await closeAll(closers)
    }
    const code = await untilStopped(stop, graceMs + closeTimeoutMs)
    // The channel to a parent process would keep the process alive.
    process.removeAllListeners('disconnect')
    process.disconnect?.()
    return code
  })
}

interface Running {
  readonly agent: Agent
  readonly servers: AgentServers
  readonly nodeId: number
}

async function start(flags: AgentFlags, options: AgentOptions, closers: Closers): Promise<Running> {
  const { log } = options
  const { link, metadata, store, clock } = await openCluster(flags, log, closers, true)
  const core: AgentCore = {
    metadata,
    store,
    clock,
    logConfig: logConfigOf(flags),
    // 31 random bits, so that no two agents of a cluster have the same id.
    nodeId: Buffer.from(systemRandom.bytes(4)).readUInt32BE(0) >>> 1 || 1,
    instanceId: undefined,
    groupInitialRebalanceDelayMs: flags.groupInitialRebalanceDelayMs,
  }
  const ownPorts = [flags.httpPort, flags.pipelinesPort].filter(port => port !== 0)
  const servers = await startAgentServers(options, core, ownPorts, closers).catch((error: unknown) => {
    if (!(error instanceof MetadataError)) throw error
    // The control plane was reachable a moment ago, but did not respond for as long as calls are retried.
    throw new FlagError(`-metadataURL: ${error.message}`, { cause: error })
  })
  const agent = joinCluster(options, servers, core, link.control, null, closers)
  return { agent, servers, nodeId: core.nodeId }
}

function optionsOf(flags: AgentFlags): AgentOptions {
  const host = addressOf(flags.bindAddress)
  return {
    host,
    advertisedHost: flags.discoveryKafkaHostnameOverride || externalHost(host),
    advertisedPort: flags.discoveryKafkaPortOverride,
    kafkaPort: flags.kafkaPort,
    sharedKafkaPort: flags.sharedKafkaPort,
    kafkaSecurity: flags,
    httpPort: flags.httpPort,
    pipelinesPort: flags.pipelinesPort,
    roles: rolesOf(flags),
    agentGroup: flags.agentGroup,
    pipelineGrants: grantsOf(flags),
    managedPipelinesGroupName: flags.managedPipelinesGroupName,
    availabilityZone: flags.availabilityZone,
    objectDeletionDryRun: flags.objectDeletionDryRun,
    pipelineMemoryMb: 512,
    log: standardErrorLog(flags.logLevel),
  }
}

const knownRoles: readonly string[] = ['proxy', 'proxy-produce', 'proxy-consume', 'jobs', 'pipelines']

/** All roles by default, and `pipelines` only if managed pipelines are enabled; naming the role enables them. */
function rolesOf({ roles, enableManagedPipelines, runPipelines }: AgentFlags): AgentHello['roles'] {
  const unknown = roles.find(role => !knownRoles.includes(role))
  if (unknown !== undefined)
    throw new FlagError(`-roles: there is no role ${JSON.stringify(unknown)}, only ${knownRoles.join(', ')}`)
  const named = roles.length === 0 ? ['proxy', 'jobs'] : roles
  const all = enableManagedPipelines ? new Set([...named, 'pipelines']) : new Set(named)
  if (!runPipelines) all.delete('pipelines')
  return [...all] as AgentHello['roles'] // checked just before
}

/** Batching to suit the store: a local store needs none, a remote one charges for each put. */
function logConfigOf({ bucketURL, batchTimeout, memoryShare }: AgentFlags): LogConfig {
  const isLocal = bucketURL.startsWith('file:') || isInMemory(bucketURL)
  if (memoryShare < 1) throw new FlagError('-memoryShare has to be at least 1')
  const base = { ...(isLocal ? localLogConfig : remoteLogConfig), cacheBytes: cacheBytes(memoryShare) }
  if (batchTimeout === '') return base
  const lingerMs = durationMs('batchTimeout', batchTimeout)
  if (lingerMs < minBatchMs) throw new FlagError(`-batchTimeout has to be at least ${minBatchMs}ms`)
  return { ...base, lingerMs, maxLingerMs: Math.max(lingerMs, base.maxLingerMs) }
}

/** A duration in Go's syntax: `250ms`, `1m30s`. */
function durationMs(flag: string, text: string): number {
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)]
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text)
    throw new FlagError(`-${flag} has to be a duration like 250ms or 1m30s, not ${JSON.stringify(text)}`)
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * units[unit!]!, 0)
}

/** One per core, unless specified otherwise. */
function processesOf({ processes, discoveryKafkaPortOverride, bucketURL }: AgentFlags): number {
  if (processes < 0 || processes > maxProcesses)
    throw new FlagError(`-processes has to be from 1 to ${maxProcesses}, or 0 for one for each core`)
  // A bucket in memory belongs to one process.
  const byDefault = isInMemory(bucketURL) ? 1 : Math.min(availableParallelism(), maxProcesses)
  const count = processes === 0 ? byDefault : processes
  if (count > 1 && isInMemory(bucketURL))
    throw new FlagError('-bucketURL: mem:// is the memory of one process, so it needs -processes 1')
  if (count > 1 && discoveryKafkaPortOverride !== 0)
    throw new FlagError('-discoveryKafkaPortOverride needs -processes 1: each process has a port of its own')
  return count
}

/** Tells the parent that this process is ready; if the parent goes away, the process stops as usual. */
function tellParent({ servers, nodeId }: Running): void {
  if (process.send === undefined) return
  const { statusAddress, pipelines } = servers
  const ready: ProcessReady = { nodeId, statusAddress, pipelinesAddress: pipelines?.address ?? null }
  process.send(ready)
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
}

function welcome({ servers, nodeId }: Running, readyMs: number): string {
  const { kafka, statusAddress, pipelines } = servers
  return [
    `Penstock agent is ready (${readyMs} ms).`,
    '',
    `  Kafka       ${kafka.address} (node ${nodeId})`,
    `  Agent       http://${statusAddress}/v1/status`,
    ...(pipelines === undefined ? [] : [`  Pipelines   http://${pipelines.address}`]),
    '',
    'Press Ctrl-C to stop.',
    '',
  ].join('\n')
}
