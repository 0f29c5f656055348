import Type from 'typebox'
import {
  endpoint,
  flag,
  integer,
  integerIn,
  list,
  named,
  nullable,
  number,
  object,
  oneOf,
  optional,
  type Shape,
  text,
  texts,
  timestamp,
} from './endpoint.ts'
import { VirtualCluster } from './clusters.ts'
import { PipelineRequest, PipelineState } from './pipelines.ts'
import { ClusterRequest } from './shared.ts'

export const PipelineHealth = oneOf(
  ['paused', 'starting', 'running', 'degraded', 'failing', 'completed', 'waiting'],
  '`starting` until every wanted instance runs; `degraded` when some instance does not run or is hindered; `failing` when ' +
    'none runs or none gets a message through; `completed` when every instance has reached the end of its input; ' +
    '`waiting` when no agent may run it.',
)
export type PipelineHealth = Shape<typeof PipelineHealth>

export const PipelineCounters = named('PipelineCounters', {
  input_received: integer('Messages.'),
  output_sent: integer('Messages.'),
  input_errors: integer('Failed reads, and connections of inputs that failed or were lost; each is retried.'),
  output_errors: integer('Failed writes, and connections of outputs that failed or were lost; each is retried.'),
  processor_errors: integer('Messages that a processor marked as failed.'),
})
export type PipelineCounters = Shape<typeof PipelineCounters>

export const PipelineRates = named('PipelineRates', {
  input_per_second: number(),
  output_per_second: number(),
  errors_per_second: number(),
})
export type PipelineRates = Shape<typeof PipelineRates>

export const PipelineStatus = named('PipelineStatus', {
  pipeline_id: text(),
  pipeline_name: text(),
  pipeline_state: PipelineState,
  created_at: timestamp(),
  health: PipelineHealth,
  explanation: nullable(text(), 'One sentence that explains the health; null if there is nothing to explain.'),
  deployed_configuration_id: text(),
  deployed_version: nullable(integer()),
  latest_version: nullable(integer()),
  instances_wanted: integer(),
  instances_running: integer(),
  counters: PipelineCounters,
  rates: Type.Object(PipelineRates.properties, {
    title: 'PipelineRates',
    description: 'Over the last seconds; 0 while the pipeline is paused.',
  }),
})
export type PipelineStatus = Shape<typeof PipelineStatus>

export const InstanceState = oneOf(['starting', 'running', 'backing_off', 'stopping', 'completed'])
export type InstanceState = Shape<typeof InstanceState>

export const PipelineInstance = named('PipelineInstance', {
  instance_id: text(),
  agent_id: text(),
  agent_name: text(),
  configuration_id: text('The version that this instance runs, which may still be older than the deployed one.'),
  version: integer(),
  state: InstanceState,
  since: timestamp('When it entered this state.'),
  restarts: integer(),
  next_start_at: nullable(timestamp(), 'While `backing_off`, and before the next run of `scheduling.run_every`.'),
  error: nullable(
    object({ code: text(), message: text(), at: timestamp() }),
    'Why it last stopped; null if it has never failed.',
  ),
  problem: nullable(text(), 'A problem of a running instance, such as an input without a connection.'),
  counters: PipelineCounters,
  memory_bytes: integer("Of the instance's thread."),
  cpu: number('Share of one core, 0 to 1.'),
})
export type PipelineInstance = Shape<typeof PipelineInstance>

const PipelineVersion = named('PipelineVersion', {
  configuration_id: text(),
  version: integer(),
  created_at: timestamp(),
  is_deployed: flag(),
})
type PipelineVersion = Shape<typeof PipelineVersion>

export const PipelineHistoryPoint = named('PipelineHistoryPoint', { at: timestamp(), ...PipelineRates.properties })
export type PipelineHistoryPoint = Shape<typeof PipelineHistoryPoint>

export const LogLine = named('LogLine', {
  cursor: integer(),
  at: timestamp(),
  level: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace']),
  message: text(),
  fields: texts(),
  instance_id: text(),
  agent_id: text(),
})
export type LogLine = Shape<typeof LogLine>

export const AgentRole = oneOf(['proxy', 'proxy-produce', 'proxy-consume', 'jobs', 'pipelines'])
export type AgentRole = Shape<typeof AgentRole>

export const Agent = named('Agent', {
  agent_id: text(),
  agent_name: text('For display: host name and process id.'),
  version: text(),
  roles: list(AgentRole),
  pipeline_group: text('`-managedPipelinesGroupName`; empty when unset.'),
  availability_zone: text(),
  kafka_address: nullable(text()),
  http_address: nullable(text()),
  started_at: timestamp(),
  last_seen_at: timestamp(),
  is_alive: flag(),
  cpu: number('Of the whole process, as a share of one core.'),
  memory_bytes: integer(),
  connections: integer(),
  instances: list(
    Type.Object(
      { ...PipelineInstance.properties, pipeline_id: text(), pipeline_name: text() },
      { title: 'AgentInstance' },
    ),
  ),
})
export type Agent = Shape<typeof Agent>

export const OverviewHistoryPoint = named('OverviewHistoryPoint', {
  at: timestamp(),
  produced_bytes_per_second: number(),
  fetched_bytes_per_second: number(),
  produced_records_per_second: number(),
})
export type OverviewHistoryPoint = Shape<typeof OverviewHistoryPoint>

export const Problem = named('Problem', {
  at: timestamp(),
  level: oneOf(['error', 'warning']),
  subject: object({ kind: oneOf(['pipeline', 'agent', 'cluster']), id: text(), name: text() }),
  message: text(),
})
export type Problem = Shape<typeof Problem>

export const statusEndpoints = {
  describe_overview: endpoint({
    summary: 'Summarises a cluster: counts, traffic of the last minutes, problems (newest first).',
    access: 'cluster_read',
    request: ClusterRequest,
    response: Type.Object({
      virtual_cluster: VirtualCluster,
      version: text(),
      kafka_address: nullable(text()),
      api_url: text(),
      is_ephemeral: flag('Everything is lost when the process ends.'),
      counts: object({
        agents_alive: integer(),
        agents_lost: integer(),
        topics: integer(),
        partitions: integer(),
        consumer_groups: integer(),
        pipelines: object({
          paused: integer(),
          starting: integer(),
          running: integer(),
          degraded: integer(),
          failing: integer(),
          completed: integer(),
          waiting: integer(),
        }),
      }),
      history: list(OverviewHistoryPoint, 'Oldest first, one point every few seconds.'),
      problems: list(Problem),
    }),
  }),
  list_agents: endpoint({
    summary: 'Lists the agents of a cluster with their instances, including recently lost ones.',
    access: 'cluster_read',
    request: ClusterRequest,
    response: Type.Object({ agents: list(Agent) }),
  }),
  list_pipeline_statuses: endpoint({
    summary: 'Lists the pipelines of a cluster with their health, counters and rates, without configurations.',
    access: 'cluster_read',
    request: ClusterRequest,
    response: Type.Object({ pipelines: list(PipelineStatus) }),
  }),
  describe_pipeline_status: endpoint({
    summary:
      'Describes the status of a pipeline: health, instances, versions (newest first), recent rates (oldest first).',
    access: 'cluster_read',
    request: PipelineRequest,
    response: Type.Object({
      ...PipelineStatus.properties,
      instances: list(PipelineInstance),
      versions: list(PipelineVersion),
      history: list(PipelineHistoryPoint),
    }),
  }),
  read_pipeline_logs: endpoint({
    summary: "Reads a pipeline's log, oldest line first; hand `next_cursor` back as `after_cursor` to read on.",
    access: 'cluster_read',
    request: Type.Object({
      ...PipelineRequest.properties,
      after_cursor: optional(
        integerIn(0, Number.MAX_SAFE_INTEGER, 'Only later lines; the newest `limit` lines when absent.'),
      ),
      limit: optional(integerIn(1, 1000, '200 when absent.')),
      wait_ms: optional(integerIn(0, 20_000, 'How long to wait for a first line, in milliseconds; 0 when absent.')),
    }),
    response: Type.Object({ lines: list(LogLine), next_cursor: integer() }),
  }),
}
