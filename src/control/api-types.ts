// The types of the HTTP API for its clients, without the schemas behind them.
export type {
  Agent,
  AgentRole,
  InstanceState,
  LogLine,
  OverviewHistoryPoint,
  PipelineCounters,
  PipelineHealth,
} from './contract/status.ts'
export type {
  PipelineHistoryPoint,
  PipelineInstance,
  PipelineRates,
  PipelineStatus,
  Problem,
} from './contract/status.ts'
export type { VirtualCluster, VirtualClusterConfiguration } from './contract/clusters.ts'
export type { ConsumerGroup, ConsumerGroupMember, ConsumerGroupPartition } from './contract/consumer-groups.ts'
export type { ChangedEvent, ChangedSubject } from './contract/events.ts'
export type { ApiName, ApiRequest, ApiResponse, ClusterName, RelayedName } from './contract/index.ts'
export type { AccessGrant, ApiKey } from './contract/keys.ts'
export type { PipelineConfiguration, PipelineOverview, PipelineState } from './contract/pipelines.ts'
export type { Acl, Credentials } from './contract/security.ts'
export type { Session } from './contract/sessions.ts'
export type { ApiError, ApiErrorCode, Finding } from './contract/shared.ts'
export type {
  DeletedTopic,
  MessageBytes,
  RecordBytes,
  Topic,
  TopicConfig,
  TopicPartition,
  TopicRecord,
} from './contract/topics.ts'
