import type {
  Agent,
  ApiRequest,
  ApiResponse,
  PipelineHealth,
  PipelineInstance,
  PipelineStatus,
  Problem,
  RelayedName,
} from '../api-types.ts'
import type { InstanceReport } from '../agent-link.ts'
import { ControlError } from '../errors.ts'
import type { Fleet } from '../fleet.ts'
import { healthOf } from '../health.ts'
import type { PipelineSummary } from '../model.ts'
import { zeroRates } from '../status-board.ts'
import { virtualCluster } from './clusters.ts'
import type { ClusterCall, Handlers } from './endpoint.ts'

/** How often the log lines of other control planes are polled during a long poll, in milliseconds. */
const logPollMs = 500

export const statusHandlers: Handlers<
  'list_agents' | 'list_pipeline_statuses' | 'describe_pipeline_status' | 'read_pipeline_logs' | 'describe_overview'
> = {
  async list_agents(call) {
    const pipelines = await call.plane.pipelines.list(call.cluster.id)
    return { agents: await agents(call.fleet, new Map(pipelines.map(({ id, name }) => [id, name]))) }
  },

  async list_pipeline_statuses(call) {
    return { pipelines: await statuses(call) }
  },

  async describe_pipeline_status(call, { pipeline_id }) {
    const { plane, fleet, cluster } = call
    const { summary, versions } = await plane.pipelines.summarize(cluster.id, pipeline_id)
    const names = new Map((await fleet.agents()).map(({ agent }) => [agent.id, agent.hello.name]))
    return {
      ...statusOf(call, summary),
      instances: fleet.board
        .instances(pipeline_id)
        .map(({ agentId, instance }) => pipelineInstance(agentId, names.get(agentId) ?? agentId, instance)),
      versions: versions.toReversed().map(({ id, version, createdAt }) => ({
        configuration_id: id,
        version,
        created_at: new Date(createdAt).toISOString(),
        is_deployed: id === summary.deployedConfigurationId,
      })),
      history: fleet.board.history(pipeline_id),
    }
  },

  async read_pipeline_logs(call, { pipeline_id, after_cursor, limit = 200, wait_ms = 0 }) {
    const { plane, fleet, cluster } = call
    await plane.pipelines.find(cluster.id, pipeline_id)
    const { clock } = plane.options
    const giveUpAt = clock.monotonic() + wait_ms
    // The cursor from before the first read, so that lines that arrive during the read are not skipped.
    const cursor = after_cursor ?? fleet.board.cursor
    for (;;) {
      const lines = await fleet.logs(pipeline_id, after_cursor, limit)
      const leftMs = giveUpAt - clock.monotonic()
      if (lines.length > 0 || leftMs <= 0) return { lines, next_cursor: lines.at(-1)?.cursor ?? cursor }
      await plane.changes.next(
        // There is no notification of lines that reach another control plane.
        plane.peers.hasOthers ? Math.min(leftMs, logPollMs) : leftMs,
        ({ subject, pipelineId }) => subject === 'pipeline_logs' && pipelineId === pipeline_id,
      )
    }
  },

  async describe_overview(call) {
    const { plane, fleet, cluster } = call
    const pipelines = await statuses(call)
    const names = new Map(pipelines.map(({ pipeline_id, pipeline_name }) => [pipeline_id, pipeline_name]))
    const all = await agents(fleet, names)
    const alive = all.filter(({ is_alive }) => is_alive)
    const request = { virtual_cluster_id: cluster.id }
    const [{ topics }, groups] = await Promise.all([
      askOr(fleet, 'list_topics', request, { topics: [] }),
      askOr(fleet, 'list_consumer_groups', request, { consumer_groups: [] }),
    ])
    const described = await virtualCluster(call, cluster)
    return {
      virtual_cluster: { ...described, agent_keys: null },
      version: plane.options.version,
      kafka_address: described.bootstrap_url,
      api_url: plane.apiUrl,
      is_ephemeral: plane.options.isEphemeral,
      counts: {
        agents_alive: alive.length,
        agents_lost: all.length - alive.length,
        topics: topics.length,
        partitions: topics.reduce((sum, { partition_count }) => sum + partition_count, 0),
        consumer_groups: groups.consumer_groups.length,
        pipelines: countByHealth(pipelines),
      },
      history: fleet.board.overviewHistory,
      problems: problems(call, pipelines, all),
    }
  },
}

/** The overview is shown even if no agent can describe the cluster; its problems say why. */
async function askOr<Name extends RelayedName>(
  fleet: Fleet,
  name: Name,
  request: ApiRequest<Name>,
  otherwise: ApiResponse<Name>,
): Promise<ApiResponse<Name>> {
  try {
    return await fleet.ask(name, request)
  } catch (error) {
    if (error instanceof ControlError) return otherwise
    throw error
  }
}

async function statuses(call: ClusterCall): Promise<PipelineStatus[]> {
  const summaries = await call.plane.pipelines.summaries(call.cluster.id)
  return summaries.map(summary => statusOf(call, summary))
}

function statusOf({ plane, fleet }: ClusterCall, summary: PipelineSummary): PipelineStatus {
  const { id, state, deployedConfigurationId, deployedVersion, latestVersion, pipelineGroup } = summary
  const instances = fleet.board.instances(id).map(({ instance }) => instance)
  const placed = fleet.placed(id) ?? { wanted: 0, completed: 0 }
  const now = plane.options.clock.now()
  const recent = fleet.board.recent(id)
  const health = healthOf({ state, deployedConfigurationId, pipelineGroup, ...placed, instances, recent, now })
  return {
    pipeline_id: id,
    pipeline_name: summary.name,
    pipeline_state: state,
    created_at: new Date(summary.createdAt).toISOString(),
    ...health,
    deployed_configuration_id: deployedConfigurationId,
    deployed_version: deployedVersion,
    latest_version: latestVersion,
    instances_wanted: placed.wanted,
    instances_running: instances.filter(instance => instance.state === 'running').length,
    counters: fleet.board.counters(id),
    rates: state === 'paused' ? zeroRates : fleet.board.rates(id),
  }
}

async function agents(fleet: Fleet, pipelineNames: ReadonlyMap<string, string>): Promise<Agent[]> {
  return (await fleet.agents()).map(({ agent: { id, hello, lastSeenAt }, isAlive }) => {
    const report = fleet.board.report(id)
    return {
      agent_id: id,
      agent_name: hello.name,
      version: hello.version,
      roles: hello.roles,
      pipeline_group: hello.pipelineGroup,
      availability_zone: hello.availabilityZone,
      kafka_address: hello.kafkaAddress,
      http_address: hello.httpAddress,
      started_at: new Date(hello.startedAt).toISOString(),
      last_seen_at: new Date(lastSeenAt).toISOString(),
      is_alive: isAlive,
      cpu: report?.cpu ?? 0,
      memory_bytes: report?.memoryBytes ?? 0,
      connections: report?.connections ?? 0,
      instances: (report?.instances ?? []).map(instance => ({
        ...pipelineInstance(id, hello.name, instance),
        pipeline_id: instance.pipelineId,
        pipeline_name: pipelineNames.get(instance.pipelineId) ?? instance.pipelineId,
      })),
    }
  })
}

function pipelineInstance(agentId: string, agentName: string, instance: InstanceReport): PipelineInstance {
  const { error, problem, nextStartAt } = instance
  return {
    instance_id: instance.instanceId,
    agent_id: agentId,
    agent_name: agentName,
    configuration_id: instance.configurationId,
    version: instance.version,
    state: instance.state,
    since: new Date(instance.since).toISOString(),
    restarts: instance.restarts,
    problem,
    next_start_at: nextStartAt === null ? null : new Date(nextStartAt).toISOString(),
    error: error && { code: error.code, message: error.message, at: new Date(error.at).toISOString() },
    counters: instance.counters,
    memory_bytes: instance.memoryBytes,
    cpu: instance.cpu,
  }
}

function countByHealth(pipelines: readonly PipelineStatus[]): Record<PipelineHealth, number> {
  const counts = { paused: 0, starting: 0, running: 0, degraded: 0, failing: 0, completed: 0, waiting: 0 }
  for (const { health } of pipelines) counts[health]++
  return counts
}

function problems(
  { plane, fleet }: ClusterCall,
  pipelines: readonly PipelineStatus[],
  all: readonly Agent[],
): Problem[] {
  const now = new Date(plane.options.clock.now()).toISOString()
  const found: Problem[] = all
    .filter(({ is_alive }) => !is_alive)
    .map(agent => ({
      at: agent.last_seen_at,
      level: 'error',
      subject: { kind: 'agent', id: agent.agent_id, name: agent.agent_name },
      message: 'the agent has stopped sending heartbeats',
    }))
  for (const { pipeline_id, pipeline_name, health, explanation } of pipelines) {
    if (health !== 'failing' && health !== 'degraded' && health !== 'waiting') continue
    const errors = fleet.board.instances(pipeline_id).flatMap(({ instance }) => instance.error?.at ?? [])
    found.push({
      at: errors.length === 0 ? now : new Date(Math.max(...errors)).toISOString(),
      level: health === 'failing' ? 'error' : 'warning',
      subject: { kind: 'pipeline', id: pipeline_id, name: pipeline_name },
      message: explanation ?? health,
    })
  }
  return found.toSorted((a, b) => (a.at < b.at ? 1 : -1))
}
