import type { ApiError, ApiRequest, ApiResponse, InstanceState, LogLine, PipelineCounters } from './api-types.ts'
import type { AgentHello } from './model.ts'

/**
 * All that an agent and the control plane say to each other; the agent speaks first, always. In one process it is a
 * call, between processes a request.
 */
export interface AgentLink {
  register(hello: AgentHello): Promise<Registration>
  /**
   * The orders, as soon as they differ from those of `revision` or somebody asks something, else after a few seconds.
   * Every call renews the agent's leases. Rejects with `agent_not_found` when the agent was taken for lost.
   */
  poll(agentId: string, revision: number, signal: AbortSignal): Promise<Orders>
  report(agentId: string, report: AgentReport): Promise<void>
  answer(agentId: string, questionId: string, answer: RelayAnswer): Promise<void>
  /** The agent has stopped all its instances and goes. */
  leave(agentId: string): Promise<void>
}

export interface Registration {
  readonly agentId: string
  /** An agent that has not been heard for so long has to have stopped its instances, in milliseconds. */
  readonly leaseMs: number
}

export interface Orders {
  readonly revision: number
  /** All instances that the agent shall run; it stops the others. */
  readonly instances: readonly InstanceOrder[]
  readonly questions: readonly RelayQuestion[]
}

export interface InstanceOrder {
  readonly instanceId: string
  readonly pipelineId: string
  readonly pipelineName: string
  readonly configurationId: string
  readonly version: number
  readonly yaml: string
  /** It came to its end already: an agent that does not have it any more does not begin it again. */
  readonly completed: boolean
}

export interface AgentReport {
  /** The newest orders that this report takes account of. */
  readonly revision: number
  /** All instances that the agent has not let go, also those that are stopping. */
  readonly instances: readonly InstanceReport[]
  /** Instances that it let go since the last report, with their last figures. */
  readonly ended: readonly InstanceReport[]
  /** Share of one core that the process uses. */
  readonly cpu: number
  readonly memoryBytes: number
  readonly connections: number
  /** Since the agent started. */
  readonly traffic: Traffic
  /** New lines of the instances, oldest first. */
  readonly logs: readonly LogReport[]
}

export interface Traffic {
  readonly producedBytes: number
  readonly producedRecords: number
  readonly fetchedBytes: number
}

/** Times are milliseconds since 1970. */
export interface InstanceReport {
  readonly instanceId: string
  readonly pipelineId: string
  readonly configurationId: string
  readonly version: number
  readonly state: InstanceState
  readonly since: number
  readonly restarts: number
  readonly nextStartAt: number | null
  readonly error: { readonly code: string; readonly message: string; readonly at: number } | null
  /** What keeps it from working though it runs, or null. */
  readonly problem: string | null
  /** Since the instance was assigned, over all its restarts. */
  readonly counters: PipelineCounters
  readonly memoryBytes: number
  readonly cpu: number
}

export interface LogReport {
  readonly instanceId: string
  readonly pipelineId: string
  readonly at: number
  readonly level: LogLine['level']
  readonly message: string
  readonly fields: Readonly<Record<string, string>>
}

/** Requests about the cluster's data, which the control plane hands to an agent without looking inside. */
export type RelayedName =
  | 'list_topics'
  | 'describe_topic'
  | 'create_topic'
  | 'update_topic'
  | 'delete_topic'
  | 'describe_topic_configs'
  | 'read_topic_messages'
  | 'read_topic_message'
  | 'produce_topic_message'
  | 'list_consumer_groups'
  | 'describe_consumer_group'
  | 'reset_consumer_group_offsets'
  | 'delete_consumer_group'

export type RelayQuestion = {
  readonly [Name in RelayedName]: { readonly id: string; readonly name: Name; readonly request: ApiRequest<Name> }
}[RelayedName]

export type RelayAnswer =
  | { readonly ok: true; readonly response: ApiResponse<RelayedName> }
  | { readonly ok: false; readonly error: ApiError }
