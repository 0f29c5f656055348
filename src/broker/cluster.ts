import type { BrokerConfig } from './config.ts'

/** The address of a broker for clients. */
export interface BrokerEndpoint {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

/** The brokers of a cluster, and which one serves what. */
export interface ClusterView {
  brokers(): readonly BrokerEndpoint[]
  /** The broker that serves this partition. */
  leaderOf(topic: string, partition: number): BrokerEndpoint
  /** The broker that coordinates this group or transactional id. */
  coordinatorOf(key: string): BrokerEndpoint
  /** Called when a client learns its coordinator, which must then stay among the brokers it sees. */
  noteCoordinator(nodeId: number): void
  controller(): BrokerEndpoint
}

/**
 * The brokers of a cluster. Every broker can serve everything, because none stores records; leaders
 * only spread the load, and two clients may see different ones. The leader epoch is always 0: clients
 * accept a changed leader at an equal epoch.
 */
export interface Cluster extends ClusterView {
  /** The cluster as one client sees it; the client id can request features such as a zone. */
  seenBy(clientId: string | null): ClusterView
}

/** The leader epoch of all partitions. */
export const leaderEpoch = 0

/** A cluster of a single broker. */
export function singleBrokerCluster(config: BrokerConfig): Cluster {
  const self: BrokerEndpoint = {
    nodeId: config.nodeId,
    host: config.advertisedHost,
    port: config.advertisedPort,
    rack: config.rack,
  }
  const cluster: Cluster = {
    brokers: () => [self],
    leaderOf: () => self,
    coordinatorOf: () => self,
    noteCoordinator: () => {}, // there is no other
    controller: () => self,
    seenBy: () => cluster,
  }
  return cluster
}
