import type { Clock, Log } from '../../base/index.ts'
import type { Peer } from '../../control/index.ts'

/** For this long the predecessor of a restarted agent may still be among the agents, in milliseconds. */
const PREDECESSOR_MS = 15_000

/** Reports, once, that another agent has advertised this agent's Kafka address for some time. */
export class SharedAddress {
  readonly #self: Peer
  readonly #clock: Clock
  readonly #log: Log
  /** When each of these agents was first seen, in monotonic milliseconds. */
  readonly #since = new Map<number, number>()
  readonly #reported = new Set<number>()

  constructor(self: Peer, clock: Clock, log: Log) {
    this.#self = self
    this.#clock = clock
    this.#log = log
  }

  /** @param peers the agents of the cluster now */
  follow(peers: readonly Peer[]): void {
    const now = this.#clock.monotonic()
    const { nodeId, host, port } = this.#self
    const others = peers.filter(one => one.nodeId !== nodeId && one.host === host && one.port === port)
    const nodes = new Set(others.map(other => other.nodeId))
    for (const gone of new Set(this.#since.keys()).difference(nodes)) this.#since.delete(gone)
    for (const other of nodes) {
      const since = this.#since.get(other) ?? now
      this.#since.set(other, since)
      if (now - since < PREDECESSOR_MS || this.#reported.has(other)) continue
      this.#reported.add(other)
      this.#log.warn(
        'another agent advertises the same Kafka address, so clients cannot choose between the two: give each its own -discoveryKafkaHostnameOverride or port',
        { address: `${host}:${port}`, nodeId: other },
      )
    }
  }
}
