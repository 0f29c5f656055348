import type { BrokerEndpoint, Cluster, ClusterView } from '../../broker/index.ts'
import type { Peer } from '../../control/index.ts'
import { murmur2 } from '../../kafka/index.ts'
import { type ClientFeatures, clientFeatures, type PartitionStrategy } from './client-features.ts'

/** Views are cached by client id, and rebuilt when agents join or leave. */
const maxRememberedViews = 1000

/**
 * The brokers of a cluster as one agent knows them: the agents that the control plane last reported. A client sees only
 * those of this agent's group, those of its zone first, and never an empty list, because at least this agent can serve
 * it.
 */
export class AgentCluster implements Cluster {
  readonly self: Peer
  /**
   * By client id: coordinators outside the client's zone or role that were returned to it. From then on they are listed
   * among its brokers, because some clients (kafkajs) connect only to listed brokers.
   */
  readonly #toldCoordinators = new Map<string, Set<number>>()
  readonly #views = new Map<string, ClusterView>()
  #peers: readonly Peer[]

  constructor(self: Peer) {
    this.self = self
    this.#peers = [self]
  }

  /** Replaces the set of agents. */
  follow(peers: readonly Peer[]): void {
    this.#peers = peers
    this.#views.clear()
  }

  brokers(): readonly BrokerEndpoint[] {
    return this.seenBy(null).brokers()
  }

  leaderOf(topic: string, partition: number): BrokerEndpoint {
    return this.seenBy(null).leaderOf(topic, partition)
  }

  coordinatorOf(key: string): BrokerEndpoint {
    return this.seenBy(null).coordinatorOf(key)
  }

  noteCoordinator(nodeId: number): void {
    this.seenBy(null).noteCoordinator(nodeId)
  }

  controller(): BrokerEndpoint {
    return this.seenBy(null).controller()
  }

  seenBy(clientId: string | null): ClusterView {
    const key = clientId ?? ''
    let view = this.#views.get(key)
    if (view === undefined) {
      if (this.#views.size >= maxRememberedViews) this.#views.clear()
      this.#views.set(key, (view = this.#viewFor(clientFeatures(clientId), key)))
    }
    return view
  }

  #viewFor(features: ClientFeatures, clientId: string): ClusterView {
    const serving = this.#serving()
    const withRole = servingTarget(serving, features.proxyTarget)
    const inZone = preferred(withRole, ({ zone }) => features.zone !== '' && zone === features.zone)
    const leaders = features.strategy === 'single_agent' ? [inZone[murmur(clientId) % inZone.length]!] : inZone
    // Members of a group may be in any zone and must all be sent to the same coordinator.
    return new View(leaders, serving, features, this.#coordinatorsToldTo(clientId))
  }

  #coordinatorsToldTo(clientId: string): Set<number> {
    const told = this.#toldCoordinators.get(clientId) ?? new Set()
    this.#toldCoordinators.delete(clientId)
    this.#toldCoordinators.set(clientId, told)
    if (this.#toldCoordinators.size > maxRememberedViews)
      this.#toldCoordinators.delete(this.#toldCoordinators.keys().next().value!)
    return told
  }

  /** The agents of this one's group that serve clients. Draining ones are included only if there are no others. */
  #serving(): readonly Peer[] {
    const inGroup = this.#peers.filter(({ group, roles }) => group === this.self.group && servesClients(roles))
    return inGroup.length > 0 ? preferred(inGroup, ({ isDraining }) => !isDraining) : [this.self]
  }
}

/** The preferred agents, or all of them if none is preferred. */
function preferred(peers: readonly Peer[], isPreferred: (peer: Peer) => boolean): readonly Peer[] {
  const found = peers.filter(isPreferred)
  return found.length > 0 ? found : peers
}

function servesClients(roles: Peer['roles']): boolean {
  return roles.some(role => role === 'proxy' || role === 'proxy-produce' || role === 'proxy-consume')
}

/** The agents dedicated to the client's target; if there are none, or without a target, the general ones. */
function servingTarget(peers: readonly Peer[], target: ClientFeatures['proxyTarget']): readonly Peer[] {
  const dedicated = target === undefined ? [] : peers.filter(({ roles }) => roles.includes(target))
  return dedicated.length > 0 ? dedicated : preferred(peers, ({ roles }) => roles.includes('proxy'))
}

/** The cluster as one client sees it; neither list is empty. */
class View implements ClusterView {
  readonly #leaders: readonly BrokerEndpoint[]
  readonly #coordinators: readonly BrokerEndpoint[]
  readonly #strategy: PartitionStrategy
  /** Coordinators that are not leaders and have been returned to the client. */
  readonly #told: Set<number>

  constructor(
    leaders: readonly Peer[],
    coordinators: readonly Peer[],
    { hostOverride, strategy }: ClientFeatures,
    told: Set<number>,
  ) {
    this.#told = told
    const endpoint = ({ nodeId, host, port, zone }: Peer): BrokerEndpoint => ({
      nodeId,
      host: hostOverride === '' ? host : hostOverride,
      port,
      rack: zone === '' ? null : zone,
    })
    // All agents must compute the same order.
    const ordered = (peers: readonly Peer[]) =>
      peers.toSorted((left, right) => left.nodeId - right.nodeId).map(endpoint)
    this.#leaders = ordered(leaders)
    this.#coordinators = ordered(coordinators)
    this.#strategy = strategy
  }

  brokers(): readonly BrokerEndpoint[] {
    if (this.#told.size === 0) return this.#leaders
    return [...this.#leaders, ...this.#coordinators.filter(({ nodeId }) => this.#told.has(nodeId))]
  }

  leaderOf(topic: string, partition: number): BrokerEndpoint {
    if (this.#strategy === 'consistent_random_jump') return highest(this.#leaders, `${topic}/${partition}`)
    // Round robin over consecutive partitions, starting at a different agent for each topic: equal shares.
    return this.#leaders[(murmur(topic) + partition) % this.#leaders.length]!
  }

  coordinatorOf(key: string): BrokerEndpoint {
    return highest(this.#coordinators, key)
  }

  noteCoordinator(nodeId: number): void {
    if (this.#leaders.every(leader => leader.nodeId !== nodeId)) this.#told.add(nodeId)
  }

  controller(): BrokerEndpoint {
    return this.#leaders[0]!
  }
}

/** Rendezvous hashing: when an agent joins or leaves, only its own share moves. */
function highest(brokers: readonly BrokerEndpoint[], key: string): BrokerEndpoint {
  let best = brokers[0]!
  let bestScore = -1
  for (const broker of brokers) {
    const score = murmur(`${broker.nodeId}/${key}`)
    if (score > bestScore) [best, bestScore] = [broker, score]
  }
  return best
}

/** The unsigned murmur hash, the same in every process. */
function murmur(text: string): number {
  return murmur2(Buffer.from(text)) >>> 0
}
