import type { BrokerConfig } from './config.ts'

/** One broker as clients reach it. */
export interface BrokerEndpoint {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

/** Which brokers there are, and which one serves what. */
export interface ClusterView {
  brokers(): readonly BrokerEndpoint[]
  /** The broker that is to answer for this partition. */
  leaderOf(topic: string, partition: number): BrokerEndpoint
  /** The broker that coordinates this group or transactional id. */
  coordinatorOf(key: string): BrokerEndpoint
  /** Called when a client is told of its coordinator, which is to be among its brokers from then on. */
  noteCoordinator(nodeId: number): void
  controller(): BrokerEndpoint
}

/**
 * The brokers of a cluster. Every broker can serve everything, because none keeps records; leaders only spread the load,
 * and two clients may see different ones. The leader epoch is always 0: clients follow a changed leader at an equal epoch.
 */
export interface Cluster extends ClusterView {
  /** The cluster as a client sees it, which asks for a zone and the like by its client id. */
  seenBy(clientId: string | null): ClusterView
}

/** The leader epoch of all partitions. */
export const leaderEpoch = 0

/** A cluster of this broker alone. */
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
    noteCoordinator: () => {}, // it knows of no other
    controller: () => self,
    seenBy: () => cluster,
  }
  return cluster
}
