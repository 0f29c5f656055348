import type {
  Agent,
  ApiRequest,
  ApiResponse,
  PipelineHealth,
  PipelineInstance,
  PipelineStatus,
  Problem,
  ReadPipelineLogsResponse,
} from '../api-types.ts'
import type { InstanceReport, RelayedName } from '../agent-link.ts'
import { readSettings } from '../configuration/settings.ts'
import type { ControlPlane } from '../control-plane.ts'
import { ControlError } from '../errors.ts'
import { healthOf } from '../health.ts'
import type { Configuration, Pipeline } from '../model.ts'
import { virtualCluster } from './clusters.ts'
import { type Endpoints, readCluster } from './endpoint.ts'
import { readPipeline } from './pipelines.ts'

export const statusEndpoints: Endpoints<
  'list_agents' | 'list_pipeline_statuses' | 'describe_pipeline_status' | 'read_pipeline_logs' | 'describe_overview'
> = {
  list_agents: {
    read: readCluster,
    async answer(plane, { virtual_cluster_id }) {
      const { id } = plane.cluster(virtual_cluster_id)
      const names = new Map((await plane.pipelines.list(id)).map(pipeline => [pipeline.id, pipeline.name]))
      return { agents: await agents(plane, names) }
    },
  },

  list_pipeline_statuses: {
    read: readCluster,
    async answer(plane, { virtual_cluster_id }) {
      return { pipelines: await statuses(plane, plane.cluster(virtual_cluster_id).id) }
    },
  },

  describe_pipeline_status: {
    read: readPipeline,
    async answer(plane, { virtual_cluster_id, pipeline_id }) {
      const { id } = plane.cluster(virtual_cluster_id)
      const { pipeline, configurations } = await plane.pipelines.describe(id, pipeline_id)
      const names = await agentNames(plane)
      return {
        ...statusOf(plane, pipeline, configurations),
        instances: plane.board
          .instances(pipeline_id)
          .map(({ agentId, instance }) => pipelineInstance(agentId, names.get(agentId) ?? agentId, instance)),
        versions: configurations.toReversed().map(({ id: configurationId, version, createdAt }) => ({
          configuration_id: configurationId,
          version,
          created_at: new Date(createdAt).toISOString(),
          is_deployed: configurationId === pipeline.deployedConfigurationId,
        })),
        history: plane.board.history(pipeline_id),
      }
    },
  },

  read_pipeline_logs: {
    read: body => ({
      ...readPipeline(body),
      after_cursor: body.optionalInteger('after_cursor', 0, Number.MAX_SAFE_INTEGER),
      limit: body.optionalInteger('limit', 1, 1000),
      wait_ms: body.optionalInteger('wait_ms', 0, 20_000),
    }),
    async answer(plane, { virtual_cluster_id, pipeline_id, after_cursor, limit = 200, wait_ms = 0 }) {
      await plane.pipelines.describe(plane.cluster(virtual_cluster_id).id, pipeline_id)
      const read = (): ReadPipelineLogsResponse => {
        const lines = plane.board.logs(pipeline_id, after_cursor, limit)
        return { lines, next_cursor: lines.at(-1)?.cursor ?? after_cursor ?? plane.board.cursor }
      }
      const now = read()
      if (now.lines.length > 0 || wait_ms === 0) return now
      await plane.changes.next(wait_ms, 'pipeline_logs', pipeline_id)
      return read()
    },
  },

  describe_overview: {
    read: readCluster,
    async answer(plane, { virtual_cluster_id }) {
      const cluster = plane.cluster(virtual_cluster_id)
      const pipelines = await statuses(plane, cluster.id)
      const names = new Map(pipelines.map(({ pipeline_id, pipeline_name }) => [pipeline_id, pipeline_name]))
      const all = await agents(plane, names)
      const alive = all.filter(({ is_alive }) => is_alive)
      const [{ topics }, groups] = await Promise.all([
        askOr(plane, 'list_topics', { virtual_cluster_id }, { topics: [] }),
        askOr(plane, 'list_consumer_groups', { virtual_cluster_id }, { consumer_groups: [] }),
      ])
      const described = await virtualCluster(plane, cluster)
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
        history: plane.board.overviewHistory,
        problems: problems(plane, pipelines, all),
      }
    },
  },
}

/** The overview is shown also when nobody can tell what is in the cluster; its problems say why. */
async function askOr<Name extends RelayedName>(
  plane: ControlPlane,
  name: Name,
  request: ApiRequest<Name>,
  otherwise: ApiResponse<Name>,
): Promise<ApiResponse<Name>> {
  try {
    return await plane.ask(name, request)
  } catch (error) {
    if (error instanceof ControlError) return otherwise
    throw error
  }
}

async function statuses(plane: ControlPlane, clusterId: string): Promise<PipelineStatus[]> {
  const pipelines = await plane.pipelines.list(clusterId)
  return Promise.all(
    pipelines.map(async pipeline => {
      const { configurations } = await plane.pipelines.describe(clusterId, pipeline.id)
      return statusOf(plane, pipeline, configurations)
    }),
  )
}

function statusOf(plane: ControlPlane, pipeline: Pipeline, configurations: readonly Configuration[]): PipelineStatus {
  const deployed = configurations.find(({ id }) => id === pipeline.deployedConfigurationId)
  const instances = plane.board.instances(pipeline.id).map(({ instance }) => instance)
  const placed = plane.fleet.placed(pipeline.id) ?? { wanted: 0, completed: 0 }
  const { pipelineGroup } = readSettings(deployed?.yaml ?? '').settings
  const { state, deployedConfigurationId } = pipeline
  const now = plane.options.clock.now()
  const health = healthOf({ state, deployedConfigurationId, pipelineGroup, ...placed, instances, now })
  return {
    pipeline_id: pipeline.id,
    pipeline_name: pipeline.name,
    pipeline_state: state,
    created_at: new Date(pipeline.createdAt).toISOString(),
    ...health,
    deployed_configuration_id: deployedConfigurationId,
    deployed_version: deployed?.version ?? null,
    latest_version: configurations.at(-1)?.version ?? null,
    instances_wanted: placed.wanted,
    instances_running: instances.filter(instance => instance.state === 'running').length,
    counters: plane.board.counters(pipeline.id),
    rates: plane.board.rates(pipeline.id),
  }
}

async function agents(plane: ControlPlane, pipelineNames: ReadonlyMap<string, string>): Promise<Agent[]> {
  return (await plane.fleet.agents()).map(({ agent: { id, hello, lastSeenAt }, isAlive }) => {
    const report = plane.board.report(id)
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

async function agentNames(plane: ControlPlane): Promise<Map<string, string>> {
  return new Map((await plane.fleet.agents()).map(({ agent }) => [agent.id, agent.hello.name]))
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

function problems(plane: ControlPlane, pipelines: readonly PipelineStatus[], all: readonly Agent[]): Problem[] {
  const now = new Date(plane.options.clock.now()).toISOString()
  const found: Problem[] = all
    .filter(({ is_alive }) => !is_alive)
    .map(agent => ({
      at: agent.last_seen_at,
      level: 'error',
      subject: { kind: 'agent', id: agent.agent_id, name: agent.agent_name },
      message: 'the agent has not been heard of any more',
    }))
  for (const { pipeline_id, pipeline_name, health, explanation } of pipelines) {
    if (health !== 'failing' && health !== 'degraded' && health !== 'waiting') continue
    const errors = plane.board.instances(pipeline_id).flatMap(({ instance }) => instance.error?.at ?? [])
    found.push({
      at: errors.length === 0 ? now : new Date(Math.max(...errors)).toISOString(),
      level: health === 'failing' ? 'error' : 'warning',
      subject: { kind: 'pipeline', id: pipeline_id, name: pipeline_name },
      message: explanation ?? health,
    })
  }
  return found.toSorted((a, b) => (a.at < b.at ? 1 : -1))
}
