/**
 * The HTTP API in types, shared by the server, the agents' and the console's clients. Every endpoint is
 * `POST /api/v1/NAME` with a JSON body (an empty body counts as `{}`) and the header `warpstream-api-key`, or the
 * session cookie that `create_session` sets. Success is always 200; everything else is an {@link ApiError}.
 *
 * Names and shapes that the original publishes are kept to the letter; what we add has plain names.
 */
export interface Api {
  // The original's.
  list_virtual_clusters: Endpoint<Empty, ListVirtualClustersResponse>
  describe_virtual_cluster: Endpoint<ClusterRequest, DescribeVirtualClusterResponse>
  list_pipelines: Endpoint<ClusterRequest, ListPipelinesResponse>
  create_pipeline: Endpoint<CreatePipelineRequest, CreatePipelineResponse>
  create_pipeline_configuration: Endpoint<CreatePipelineConfigurationRequest, CreatePipelineConfigurationResponse>
  change_pipeline_state: Endpoint<ChangePipelineStateRequest, Empty>
  describe_pipeline: Endpoint<PipelineRequest, DescribePipelineResponse>
  delete_pipeline: Endpoint<PipelineRequest, Empty>
  create_topic: Endpoint<CreateTopicRequest, Empty>
  describe_topic: Endpoint<TopicRequest, DescribeTopicResponse>
  update_topic: Endpoint<UpdateTopicRequest, Empty>
  delete_topic: Endpoint<TopicRequest, Empty>
  list_topics: Endpoint<ClusterRequest, ListTopicsResponse>
  create_api_key: Endpoint<CreateApiKeyRequest, ApiKey>
  list_api_keys: Endpoint<Empty, ListApiKeysResponse>
  delete_api_key: Endpoint<DeleteApiKeyRequest, Empty>

  // Ours.
  create_session: Endpoint<CreateSessionRequest, DescribeSessionResponse>
  describe_session: Endpoint<Empty, DescribeSessionResponse>
  delete_session: Endpoint<Empty, Empty>
  describe_overview: Endpoint<ClusterRequest, DescribeOverviewResponse>
  list_agents: Endpoint<ClusterRequest, ListAgentsResponse>
  describe_topic_configs: Endpoint<TopicRequest, DescribeTopicConfigsResponse>
  read_topic_messages: Endpoint<ReadTopicMessagesRequest, ReadTopicMessagesResponse>
  read_topic_message: Endpoint<ReadTopicMessageRequest, ReadTopicMessageResponse>
  produce_topic_message: Endpoint<ProduceTopicMessageRequest, ProduceTopicMessageResponse>
  list_consumer_groups: Endpoint<ClusterRequest, ListConsumerGroupsResponse>
  describe_consumer_group: Endpoint<ConsumerGroupRequest, DescribeConsumerGroupResponse>
  reset_consumer_group_offsets: Endpoint<ResetConsumerGroupOffsetsRequest, ResetConsumerGroupOffsetsResponse>
  delete_consumer_group: Endpoint<ConsumerGroupRequest, Empty>
  rename_pipeline: Endpoint<RenamePipelineRequest, Empty>
  lint_pipeline_configuration: Endpoint<LintPipelineConfigurationRequest, LintPipelineConfigurationResponse>
  get_pipeline_json_schema: Endpoint<Empty, GetPipelineJsonSchemaResponse>
  list_pipeline_statuses: Endpoint<ClusterRequest, ListPipelineStatusesResponse>
  describe_pipeline_status: Endpoint<PipelineRequest, DescribePipelineStatusResponse>
  read_pipeline_logs: Endpoint<ReadPipelineLogsRequest, ReadPipelineLogsResponse>
}

/** The pair of an endpoint's request and response bodies. */
export interface Endpoint<Request, Response> {
  readonly request: Request
  readonly response: Response
}

export type ApiName = keyof Api
export type ApiRequest<Name extends ApiName> = Api[Name]['request']
export type ApiResponse<Name extends ApiName> = Api[Name]['response']

export type Empty = Readonly<Record<string, never>>

/** The body of every answer that is not 200. */
export interface ApiError {
  readonly code: ApiErrorCode
  readonly message: string
  /** Only with `invalid_pipeline_configuration`: what is wrong, and where. */
  readonly findings?: readonly Finding[]
}

export type ApiErrorCode =
  | 'invalid_request'
  | 'invalid_api_key'
  | 'forbidden'
  | 'unknown_endpoint'
  | 'virtual_cluster_not_found'
  | 'pipeline_not_found'
  | 'pipeline_configuration_not_found'
  | 'topic_not_found'
  | 'topic_message_not_found'
  | 'consumer_group_not_found'
  | 'consumer_group_not_empty'
  | 'api_key_not_found'
  | 'agent_not_found'
  | 'duplicate_pipeline_name'
  | 'duplicate_api_key_name'
  | 'topic_already_exists'
  | 'invalid_pipeline_configuration'
  | 'pipeline_not_deployable'
  | 'no_agent_available'
  | 'kafka_error'
  | 'internal_error'

/** RFC 3339 in UTC with milliseconds, e.g. `2026-11-23T01:56:00.000Z`. */
export type Timestamp = string

// ── Virtual clusters ────────────────────────────────────────────────────────────────────────────────────────────────

export interface ClusterRequest {
  readonly virtual_cluster_id: string
}

export interface VirtualCluster {
  /** `vci_…` */
  readonly id: string
  /** `vcn_…` */
  readonly name: string
  readonly type: 'byoc'
  readonly agent_keys: readonly ApiKey[] | null
  readonly agent_pool_id: string
  readonly agent_pool_name: string
  readonly created_at: Timestamp
  readonly cloud_provider: string
  readonly cluster_region: {
    readonly is_multi_region: boolean
    readonly region_group: null
    readonly region: { readonly name: string; readonly cloud_provider: string }
  }
  /** Where Kafka clients connect first, `host:port`; null while no agent with the proxy role is alive. */
  readonly bootstrap_url: string | null
  readonly workspace_id: string
  readonly tier: string
}

export interface ListVirtualClustersResponse {
  readonly virtual_clusters: readonly VirtualCluster[]
}

export interface DescribeVirtualClusterResponse {
  readonly virtual_cluster: VirtualCluster
}

// ── Pipelines: the original's six endpoints ─────────────────────────────────────────────────────────────────────────

export type PipelineState = 'running' | 'paused'

export interface PipelineRequest {
  readonly virtual_cluster_id: string
  readonly pipeline_id: string
}

export interface PipelineOverview {
  readonly id: string
  readonly name: string
  readonly state: PipelineState
  readonly type: string
  /** Empty while nothing was saved yet. */
  readonly deployed_configuration_id: string
}

export interface ListPipelinesResponse {
  readonly pipelines: readonly PipelineOverview[]
}

export interface CreatePipelineRequest {
  readonly virtual_cluster_id: string
  readonly pipeline_name: string
  /** `bento` when absent; the only type here. */
  readonly pipeline_type?: string
}

export interface CreatePipelineResponse {
  readonly pipeline_id: string
  readonly pipeline_name: string
  readonly pipeline_state: PipelineState
  readonly pipeline_type: string
  readonly pipeline_deployed_configuration_id: string
}

/** The text is kept exactly as typed. What does not lint is refused with `invalid_pipeline_configuration`. */
export interface CreatePipelineConfigurationRequest {
  readonly virtual_cluster_id: string
  readonly pipeline_id: string
  readonly configuration_yaml?: string
}

export interface CreatePipelineConfigurationResponse {
  readonly configuration_id: string
}

/** Null or absent leaves a thing as it is. */
export interface ChangePipelineStateRequest {
  readonly virtual_cluster_id: string
  readonly pipeline_id: string
  readonly desired_state?: PipelineState | null
  readonly deployed_configuration_id?: string | null
}

export interface PipelineConfiguration {
  readonly id: string
  /** Counted from 0 in the order of saving. */
  readonly version: number
  readonly configuration_yaml: string
}

export interface DescribePipelineResponse {
  readonly pipeline_overview: PipelineOverview
  /** Oldest first. */
  readonly pipeline_configurations: readonly PipelineConfiguration[]
}

// ── Pipelines: ours ─────────────────────────────────────────────────────────────────────────────────────────────────

export interface RenamePipelineRequest {
  readonly virtual_cluster_id: string
  readonly pipeline_id: string
  readonly pipeline_name: string
}

/** A place in a configuration's text and what is to be said about it. Lines and columns are counted from 1. */
export interface Finding {
  readonly line: number
  readonly column: number
  /** The end, exclusive, where it is known. */
  readonly end?: { readonly line: number; readonly column: number }
  /** Only errors refuse a save. */
  readonly level: 'error' | 'warning'
  readonly message: string
  /** What to do about it, e.g. `did you mean "topic"?` */
  readonly hint?: string
}

export interface LintPipelineConfigurationRequest {
  readonly configuration_yaml: string
}

export interface LintPipelineConfigurationResponse {
  readonly findings: readonly Finding[]
}

export interface GetPipelineJsonSchemaResponse {
  /** JSON Schema of a whole pipeline configuration, with the `warpstream` block and every component's fields. */
  readonly json_schema: Readonly<Record<string, unknown>>
}

/**
 * How a pipeline does as a whole: `paused`; `starting` until every wanted instance runs; `running`; `degraded` when some
 * instance does not run; `failing` when none does; `completed` when every instance came to the end of its input;
 * `waiting` when no agent may run it.
 */
export type PipelineHealth = 'paused' | 'starting' | 'running' | 'degraded' | 'failing' | 'completed' | 'waiting'

export interface PipelineStatus {
  readonly pipeline_id: string
  readonly pipeline_name: string
  readonly pipeline_state: PipelineState
  readonly created_at: Timestamp
  readonly health: PipelineHealth
  /** One sentence that explains a health that is not `running` or `paused`; null otherwise. */
  readonly explanation: string | null
  readonly deployed_configuration_id: string
  readonly deployed_version: number | null
  readonly latest_version: number | null
  readonly instances_wanted: number
  readonly instances_running: number
  /** Sums over the instances, living and gone, since the control plane started. */
  readonly counters: PipelineCounters
  /** Over the last seconds. */
  readonly rates: PipelineRates
}

export interface PipelineCounters {
  /** Messages. */
  readonly input_received: number
  readonly output_sent: number
  /** Attempts of inputs to read that failed, and connections that failed or were lost; each is tried again. */
  readonly input_errors: number
  /** Connections of outputs that failed or were lost, and failed attempts to write; each is tried again. */
  readonly output_errors: number
  /** Messages that a processor marked as failed. */
  readonly processor_errors: number
}

export interface PipelineRates {
  readonly input_per_second: number
  readonly output_per_second: number
  readonly errors_per_second: number
}

export interface ListPipelineStatusesResponse {
  readonly pipelines: readonly PipelineStatus[]
}

export type InstanceState = 'starting' | 'running' | 'backing_off' | 'stopping' | 'completed'

export interface PipelineInstance {
  readonly instance_id: string
  readonly agent_id: string
  readonly agent_name: string
  /** What this instance really runs, which may still be an older version than the deployed one. */
  readonly configuration_id: string
  readonly version: number
  readonly state: InstanceState
  /** When it came into this state. */
  readonly since: Timestamp
  readonly restarts: number
  /** While `backing_off` the time of the next start; else null. Also the next run of `scheduling.run_every`. */
  readonly next_start_at: Timestamp | null
  /** Why it stopped last; null when it never failed. */
  readonly error: { readonly code: string; readonly message: string; readonly at: Timestamp } | null
  /** What keeps it from working though it runs, such as an input without a connection; null when all is well. */
  readonly problem: string | null
  readonly counters: PipelineCounters
  /** Of the instance's thread. */
  readonly memory_bytes: number
  /** Share of one core, 0 to 1. */
  readonly cpu: number
}

export interface PipelineVersion {
  readonly configuration_id: string
  readonly version: number
  readonly created_at: Timestamp
  readonly is_deployed: boolean
}

export interface DescribePipelineStatusResponse extends PipelineStatus {
  readonly instances: readonly PipelineInstance[]
  /** Newest first. */
  readonly versions: readonly PipelineVersion[]
  /** Oldest first, one point every few seconds, some minutes long. */
  readonly history: readonly PipelineHistoryPoint[]
}

export interface PipelineHistoryPoint extends PipelineRates {
  readonly at: Timestamp
}

export interface ReadPipelineLogsRequest {
  readonly virtual_cluster_id: string
  readonly pipeline_id: string
  /** Only lines behind this cursor; absent means the newest `limit` lines. */
  readonly after_cursor?: number
  /** At most, 200 when absent, 1000 at the most. */
  readonly limit?: number
  /** How long to wait for a first line when there is none, in milliseconds, 0 when absent, 20,000 at the most. */
  readonly wait_ms?: number
}

export interface ReadPipelineLogsResponse {
  /** Oldest first. */
  readonly lines: readonly LogLine[]
  /** Hand it back as `after_cursor`. */
  readonly next_cursor: number
}

export interface LogLine {
  readonly cursor: number
  readonly at: Timestamp
  readonly level: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'
  readonly message: string
  readonly fields: Readonly<Record<string, string>>
  readonly instance_id: string
  readonly agent_id: string
}

// ── Topics ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface TopicRequest {
  readonly virtual_cluster_id: string
  readonly topic_name: string
}

export interface CreateTopicRequest {
  readonly virtual_cluster_id: string
  readonly topic_name: string
  readonly partition_count: number
  readonly configs?: Readonly<Record<string, string>> | null
}

/** What is absent stays as it is. */
export interface UpdateTopicRequest {
  readonly virtual_cluster_id: string
  readonly topic_name: string
  /** The new total; partitions are only ever added. */
  readonly partition_count?: number
  /** Settings to change; null gives a setting its default again. */
  readonly configs?: Readonly<Record<string, string | null>> | null
}

export interface Topic {
  readonly topic_name: string
  readonly partition_count: number
  /** Only those set for this topic. */
  readonly configs: Readonly<Record<string, string>>
  readonly is_internal: boolean
  /** Records between log start and high watermark, over all partitions. */
  readonly record_count: number
  /** Stored bytes; null where the cluster does not tell. */
  readonly size_bytes: number | null
}

export interface ListTopicsResponse {
  readonly topics: readonly Topic[]
}

export interface DescribeTopicResponse extends Topic {
  readonly partitions: readonly TopicPartition[]
}

export interface TopicPartition {
  readonly partition: number
  readonly log_start_offset: number
  /** The offset that the next record gets. */
  readonly high_watermark: number
  readonly size_bytes: number | null
}

export interface DescribeTopicConfigsResponse {
  /** Every setting that the cluster knows for topics, by name. */
  readonly configs: readonly TopicConfig[]
}

export interface TopicConfig {
  readonly name: string
  /** The value in effect. Null where the cluster keeps it secret. */
  readonly value: string | null
  /** Where the value comes from: set for this topic, a setting of the cluster, or Kafka's default. */
  readonly source: 'topic' | 'cluster' | 'default'
  readonly is_read_only: boolean
  /** One or two sentences; null where the cluster has none. */
  readonly documentation: string | null
}

/**
 * Reads records for a person to look at; the control plane passes them through and keeps nothing.
 * Without `positions` it reads the newest `limit` records, of one partition or of all.
 */
export interface ReadTopicMessagesRequest {
  readonly virtual_cluster_id: string
  readonly topic_name: string
  /** Only this partition; all when absent. */
  readonly partition?: number
  /** Where to read from, by partition; hand `next_positions` back to page on or to follow. */
  readonly positions?: readonly { readonly partition: number; readonly offset: number }[]
  /** At most this many records, 50 when absent, 500 at the most. */
  readonly limit?: number
  /** How long to wait for a first record when there is none, in milliseconds, 0 when absent, 10,000 at the most. */
  readonly wait_ms?: number
}

export interface ReadTopicMessagesResponse {
  /** By timestamp, oldest first; records of one partition are in offset order. */
  readonly records: readonly TopicRecord[]
  readonly next_positions: readonly { readonly partition: number; readonly offset: number }[]
}

export interface ReadTopicMessageRequest {
  readonly virtual_cluster_id: string
  readonly topic_name: string
  readonly partition: number
  readonly offset: number
}

export interface ReadTopicMessageResponse {
  /** With the whole key, value and headers, however long they are. */
  readonly record: TopicRecord
}

/** Writes one record, acknowledged before the answer. */
export interface ProduceTopicMessageRequest {
  readonly virtual_cluster_id: string
  readonly topic_name: string
  /** When absent, the key decides as with Kafka's own clients, and chance where there is no key. */
  readonly partition?: number
  /** Null or absent is a record without a key. */
  readonly key?: MessageBytes | null
  /** Null or absent is a tombstone. */
  readonly value?: MessageBytes | null
  readonly headers?: readonly { readonly key: string; readonly value: MessageBytes | null }[]
}

export interface ProduceTopicMessageResponse {
  readonly partition: number
  readonly offset: number
}

export interface MessageBytes {
  readonly encoding: 'utf8' | 'base64'
  readonly data: string
}

export interface TopicRecord {
  readonly partition: number
  readonly offset: number
  readonly timestamp: Timestamp
  readonly key: RecordBytes | null
  /** Null is a tombstone. */
  readonly value: RecordBytes | null
  readonly headers: readonly { readonly key: string; readonly value: RecordBytes | null }[]
}

/** Bytes as text where they are UTF-8, else in base64. Lists carry only the first 64 KiB of a long one. */
export interface RecordBytes extends MessageBytes {
  readonly size_bytes: number
  readonly is_truncated: boolean
}

// ── Consumer groups ─────────────────────────────────────────────────────────────────────────────────────────────────

export interface ConsumerGroupRequest {
  readonly virtual_cluster_id: string
  readonly consumer_group_id: string
}

/**
 * Commits new offsets for a group without members. Partitions are those of `topic_name` (one of them with `partition`),
 * or all that the group has offsets for.
 */
export interface ResetConsumerGroupOffsetsRequest {
  readonly virtual_cluster_id: string
  readonly consumer_group_id: string
  readonly topic_name?: string
  readonly partition?: number
  /** The first offset kept, the next to be written, the first at or after `timestamp`, or `offset`. */
  readonly to: 'earliest' | 'latest' | 'timestamp' | 'offset'
  /** Only with `to: "timestamp"`. */
  readonly timestamp?: Timestamp
  /** Only with `to: "offset"`; moved into the bounds of each partition. */
  readonly offset?: number
}

export interface ResetConsumerGroupOffsetsResponse {
  readonly offsets: readonly { readonly topic_name: string; readonly partition: number; readonly offset: number }[]
}

export interface ConsumerGroup {
  readonly consumer_group_id: string
  /** As Kafka names it: `Stable`, `Empty`, `PreparingRebalance`, `CompletingRebalance`, `Dead`. */
  readonly state: string
  readonly protocol_type: string
  readonly member_count: number
  readonly topic_names: readonly string[]
  /** Records not yet committed, over all partitions with a committed offset. */
  readonly lag: number
}

export interface ListConsumerGroupsResponse {
  readonly consumer_groups: readonly ConsumerGroup[]
}

export interface DescribeConsumerGroupResponse extends ConsumerGroup {
  /** The assignment strategy the members agreed on; empty without members. */
  readonly protocol: string
  readonly members: readonly ConsumerGroupMember[]
  readonly partitions: readonly ConsumerGroupPartition[]
}

export interface ConsumerGroupMember {
  readonly member_id: string
  readonly group_instance_id: string | null
  readonly client_id: string
  readonly client_host: string
  readonly assignment: readonly { readonly topic_name: string; readonly partitions: readonly number[] }[]
}

export interface ConsumerGroupPartition {
  readonly topic_name: string
  readonly partition: number
  /** Null when the group committed none. */
  readonly committed_offset: number | null
  readonly high_watermark: number
  readonly lag: number | null
  readonly member_id: string | null
}

// ── Agents, overview ────────────────────────────────────────────────────────────────────────────────────────────────

export interface Agent {
  readonly agent_id: string
  /** For people: the host's name and process id. */
  readonly agent_name: string
  readonly version: string
  readonly roles: readonly AgentRole[]
  /** `-managedPipelinesGroupName`; empty when unset. */
  readonly pipeline_group: string
  readonly availability_zone: string
  readonly kafka_address: string | null
  readonly http_address: string | null
  readonly started_at: Timestamp
  readonly last_seen_at: Timestamp
  readonly is_alive: boolean
  /** Of the whole process, share of one core. */
  readonly cpu: number
  readonly memory_bytes: number
  readonly connections: number
  readonly instances: readonly (PipelineInstance & { readonly pipeline_id: string; readonly pipeline_name: string })[]
}

export type AgentRole = 'proxy' | 'jobs' | 'pipelines'

export interface ListAgentsResponse {
  readonly agents: readonly Agent[]
}

export interface DescribeOverviewResponse {
  readonly virtual_cluster: VirtualCluster
  readonly version: string
  readonly kafka_address: string | null
  readonly api_url: string
  /** Everything is lost when the process ends. */
  readonly is_ephemeral: boolean
  readonly counts: {
    readonly agents_alive: number
    readonly agents_lost: number
    readonly topics: number
    readonly partitions: number
    readonly consumer_groups: number
    readonly pipelines: Readonly<Record<PipelineHealth, number>>
  }
  /** Of the Kafka ports of all agents; oldest first, one point every few seconds, some minutes long. */
  readonly history: readonly OverviewHistoryPoint[]
  /** Newest first. */
  readonly problems: readonly Problem[]
}

export interface OverviewHistoryPoint {
  readonly at: Timestamp
  readonly produced_bytes_per_second: number
  readonly fetched_bytes_per_second: number
  readonly produced_records_per_second: number
}

export interface Problem {
  readonly at: Timestamp
  readonly level: 'error' | 'warning'
  readonly subject: { readonly kind: 'pipeline' | 'agent' | 'cluster'; readonly id: string; readonly name: string }
  readonly message: string
}

// ── Keys and sessions ───────────────────────────────────────────────────────────────────────────────────────────────

export interface AccessGrant {
  /** `agent` for agents of one cluster, `app` for people and programs. */
  readonly principal_kind: string
  readonly resource_kind: string
  readonly resource_id: string
  readonly workspace_id?: string
  readonly managed_grant_name?: string
}

export interface ApiKey {
  readonly id: string
  /** `akn_…` */
  readonly name: string
  /** `aks_` and 64 hexadecimal digits. */
  readonly key: string
  readonly access_grants: readonly AccessGrant[]
  readonly created_at: Timestamp
}

export interface CreateApiKeyRequest {
  /** Without `akn_`. */
  readonly name: string
  readonly access_grants: readonly AccessGrant[]
  readonly virtual_cluster_type?: string
}

export interface ListApiKeysResponse {
  readonly api_keys: readonly ApiKey[]
}

export interface DeleteApiKeyRequest {
  readonly api_key_id: string
}

/** The token of the sign-in link (`?token=…`), or an application key typed by hand. */
export interface CreateSessionRequest {
  readonly token: string
}

/** 401 `invalid_api_key` when nobody is signed in. */
export interface DescribeSessionResponse {
  readonly default_virtual_cluster_id: string
  readonly version: string
  readonly is_ephemeral: boolean
}

// ── Live changes ────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * `GET /api/v1/events?virtual_cluster_id=…` is a stream of Server-Sent Events named `changed`; the data is one of these
 * in JSON. It says only what to read again, at most a few times a second.
 */
export interface ChangedEvent {
  readonly subjects: readonly ChangedSubject[]
  /** The pipelines concerned, when `pipelines` or `pipeline_logs` is among the subjects. */
  readonly pipeline_ids: readonly string[]
}

export type ChangedSubject = 'agents' | 'pipelines' | 'pipeline_logs' | 'topics' | 'consumer_groups' | 'overview'
