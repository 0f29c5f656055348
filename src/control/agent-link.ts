import type { Fence } from '../metadata/index.ts'
import type {
  AgentRole,
  ApiError,
  ApiRequest,
  ApiResponse,
  InstanceState,
  LogLine,
  PipelineCounters,
  RelayedName,
} from './api-types.ts'
import type { AgentHello } from './model.ts'

/**
 * The protocol between agents and the control plane. The agent always initiates: with a function call in one process,
 * with a request between processes.
 */
export interface AgentLink {
  register(hello: AgentHello): Promise<Registration>
  /**
   * Resolves to the orders as soon as they differ from those of `revision` or there is other news, otherwise after a
   * few seconds. Every call renews the agent's leases. Rejects with `agent_not_found` if the agent was considered lost.
   */
  poll(agentId: string, revision: number, signal: AbortSignal): Promise<Orders>
  report(agentId: string, report: AgentReport): Promise<void>
  answer(agentId: string, questionId: string, answer: RelayAnswer): Promise<void>
  /** The agent is about to end: its orders become empty, and peers and clients are no longer directed to it. */
  drain(agentId: string): Promise<void>
  /** The agent has stopped all its instances and leaves. */
  leave(agentId: string): Promise<void>
}

export interface Registration {
  readonly agentId: string
  /**
   * How long, in ms, an agent may run without reaching the control plane; after that its instances have to be stopped.
   */
  readonly leaseMs: number
  /**
   * The secret with which agents of a cluster authenticate to each other, and encrypt what they read for each other.
   * Absent from a control plane of an earlier version.
   */
  readonly peerSecret?: string
}

export interface Orders {
  readonly revision: number
  /** All instances that the agent should run; it stops all others. */
  readonly instances: readonly InstanceOrder[]
  readonly questions: readonly RelayQuestion[]
  /** The agents that serve Kafka clients now, including this one. */
  readonly peers: readonly Peer[]
}

/** An agent as the other agents of its cluster know it. */
export interface Peer {
  readonly nodeId: number
  /** Where Kafka clients connect. */
  readonly host: string
  readonly port: number
  readonly roles: readonly AgentRole[]
  /** The agent group and the zone: empty if there is none. */
  readonly group: string
  readonly zone: string
  readonly isDraining: boolean
  /** Where other agents send requests, `host:port`; absent from a control plane of an earlier version. */
  readonly httpAddress?: string | null
}

export interface InstanceOrder {
  readonly instanceId: string
  readonly pipelineId: string
  readonly pipelineName: string
  readonly configurationId: string
  readonly version: number
  readonly yaml: string
  /** It has reached the end of its input: an agent that no longer holds it does not start it again. */
  readonly completed: boolean
  /**
   * For an instance that can move between agents: its writes to the cluster carry this, and are refused once it has
   * moved. Null for one that belongs to this agent alone.
   */
  readonly fence: Fence | null
}

export interface AgentReport {
  /** The newest orders that this report reflects. */
  readonly revision: number
  /** All instances that the agent holds, including those that are stopping. */
  readonly instances: readonly InstanceReport[]
  /** Instances stopped since the last report, with their last figures. */
  readonly ended: readonly InstanceReport[]
  /** The share of one core that the process uses. */
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
  /** What hinders the instance although it runs, or null. */
  readonly problem: string | null
  /** Since the instance was assigned, across all its restarts. */
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

export type RelayQuestion = {
  readonly [Name in RelayedName]: { readonly id: string; readonly name: Name; readonly request: ApiRequest<Name> }
}[RelayedName]

export type RelayAnswer =
  | { readonly ok: true; readonly response: ApiResponse<RelayedName> }
  | { readonly ok: false; readonly error: ApiError }
