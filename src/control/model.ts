import type { AccessGrant, AgentRole, PipelineState } from './api-types.ts'
import type { PipelineSettings } from './configuration/settings.ts'

// The control plane's model, in the program's own terms. Times are milliseconds since 1970.

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

/** A key as it is stored: its secret is recognised by the hash, and can be opened only with the sealing key. */
export interface StoredKey extends Omit<Key, 'secret'> {
  readonly secretHash: string
  readonly sealedSecret: string
}

/** A signed-in browser. */
export interface Session {
  readonly secretHash: string
  /** The API key that signed in; empty for a sign-in token. */
  readonly keyId: string
  readonly createdAt: number
  readonly expiresAt: number
}

export interface Pipeline {
  readonly id: string
  readonly clusterId: string
  readonly name: string
  readonly type: string
  /** The desired state; agents report the actual one. */
  readonly state: PipelineState
  /** Empty while nothing has been saved. */
  readonly deployedConfigurationId: string
  readonly createdAt: number
}

/** A pipeline as lists show it: with facts about its versions but without their texts. */
export interface PipelineSummary extends Pipeline {
  /** Null while nothing has been saved. */
  readonly deployedVersion: number | null
  readonly latestVersion: number | null
  /** The group of the deployed version. */
  readonly pipelineGroup: string
}

/** A pipeline that should run. */
export interface RunningPipeline {
  readonly id: string
  readonly name: string
  /** The deployed configuration and its settings. */
  readonly configurationId: string
  readonly settings: PipelineSettings
}

/** A version of a pipeline's configuration without its text. */
export interface ConfigurationVersion {
  readonly id: string
  /** Counted from 0 in the order of saving. */
  readonly version: number
  readonly createdAt: number
}

/** An immutable version of a pipeline's configuration. */
export interface Configuration extends ConfigurationVersion {
  readonly pipelineId: string
  /** Exactly as typed. */
  readonly yaml: string
}

/** What an agent sends when it registers. */
export interface AgentHello {
  /** Survives restarts: the agent replaces an earlier one with the same identity. Null for a new agent each time. */
  readonly identity: string | null
  /** For display: host name and process id. */
  readonly name: string
  readonly version: string
  readonly roles: readonly AgentRole[]
  readonly pipelineGroup: string
  /** Kafka clients see only the agents of the group to which they connect. */
  readonly agentGroup: string
  readonly availabilityZone: string
  /** Its id as a Kafka broker, unique in the cluster; null without a proxy role. */
  readonly nodeId: number | null
  /** It is draining: it no longer accepts clients or pipelines. */
  readonly isDraining: boolean
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
  /** Grows whenever the agent's orders change. */
  readonly ordersRevision: number
  /** The newest orders that it has applied and the instances that it held then; null until its first report. */
  readonly reported: { readonly revision: number; readonly held: readonly string[] } | null
}

/** The right of one agent to run one instance of a pipeline until its lease ends. */
export interface Assignment {
  readonly instanceId: string
  readonly clusterId: string
  readonly pipelineId: string
  /** Identifies one of the wanted instances; unique among the assignments of a pipeline. */
  readonly slot: string
  readonly agentId: string
  readonly configurationId: string
  readonly leaseExpiresAt: number
  /**
   * Revoked. The assignment stays until the agent has stopped the instance or the lease ends, so no slot runs twice.
   */
  readonly released: boolean
  /**
   * The instance reached the end of its input. It keeps its slot until something changes, so that it is not run again.
   */
  readonly completed: boolean
}
