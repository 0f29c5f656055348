import type { AccessGrant, AgentRole, PipelineState } from './api-types.ts'

// What the control plane knows, in the program's own words. Times are milliseconds since 1970.

export interface Cluster {
  readonly id: string
  readonly name: string
  readonly createdAt: number
}

export interface Key {
  readonly id: string
  readonly name: string
  readonly secret: string
  readonly grants: readonly AccessGrant[]
  readonly createdAt: number
}

export interface Pipeline {
  readonly id: string
  readonly clusterId: string
  readonly name: string
  readonly type: string
  /** The desired state; what really runs is told by the agents. */
  readonly state: PipelineState
  /** Empty while nothing was saved. */
  readonly deployedConfigurationId: string
  readonly createdAt: number
}

/** An immutable version of a pipeline's configuration. */
export interface Configuration {
  readonly id: string
  readonly pipelineId: string
  /** Counted from 0 in the order of saving. */
  readonly version: number
  /** Exactly as it was typed. */
  readonly yaml: string
  readonly createdAt: number
}

/** What an agent says of itself when it registers. */
export interface AgentHello {
  /** What it keeps over restarts: it takes the place of an earlier agent of this identity. Null for a new one each time. */
  readonly identity: string | null
  /** For people: host name and process id. */
  readonly name: string
  readonly version: string
  readonly roles: readonly AgentRole[]
  readonly pipelineGroup: string
  readonly availabilityZone: string
  /** Where Kafka clients reach it, `host:port`; null without the proxy role. */
  readonly kafkaAddress: string | null
  readonly httpAddress: string | null
  readonly startedAt: number
}

export interface RegisteredAgent {
  readonly id: string
  readonly clusterId: string
  readonly hello: AgentHello
  readonly registeredAt: number
  readonly lastSeenAt: number
}

/** The right of one agent to run one instance of a pipeline, until its lease ends. */
export interface Assignment {
  readonly instanceId: string
  readonly clusterId: string
  readonly pipelineId: string
  /** Which of the wanted instances it is; no two assignments of a pipeline have the same. */
  readonly slot: string
  readonly agentId: string
  readonly configurationId: string
  readonly leaseExpiresAt: number
  /** Taken back; it stays until the agent has let go or the lease is over, so that nobody runs the same slot meanwhile. */
  readonly released: boolean
  /** The instance came to the end of its input. It keeps its slot, so that it is not run again, until something changes. */
  readonly completed: boolean
}
