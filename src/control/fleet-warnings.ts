import type { Log } from '../base/index.ts'
import type { RegisteredAgent } from './model.ts'

/** Reports mistakes in how the agents of a cluster are set up, each once for as long as it lasts. */
export class FleetWarnings {
  readonly #clusterId: string
  readonly #log: Log
  #lacksJobs = false
  #shared = new Set<string>()

  constructor(clusterId: string, log: Log) {
    this.#clusterId = clusterId
    this.#log = log
  }

  /** @param heard the agents that are alive */
  check(heard: readonly RegisteredAgent[]): void {
    this.#checkJobs(heard)
    this.#checkAddresses(heard)
  }

  /** Without background work the bucket only grows. */
  #checkJobs(heard: readonly RegisteredAgent[]): void {
    const lacksJobs = heard.length > 0 && !heard.some(({ hello }) => hello.roles.includes('jobs'))
    if (lacksJobs && !this.#lacksJobs)
      this.#log.warn('no agent has the role jobs: nothing is merged, compacted or deleted', {
        cluster: this.#clusterId,
      })
    this.#lacksJobs = lacksJobs
  }

  /** A client that wants one of two agents with the same address, as the coordinator of its group, reaches any of them. */
  #checkAddresses(heard: readonly RegisteredAgent[]): void {
    const shared = new Set<string>()
    for (const [address, agents] of Map.groupBy(heard, ({ hello }) => hello.kafkaAddress)) {
      if (address === null || !areTogether(agents)) continue
      shared.add(address)
      if (this.#shared.has(address)) continue
      this.#log.warn(
        'several agents advertise the same Kafka address, so clients cannot choose between them: give each its own -discoveryKafkaHostnameOverride or port',
        { cluster: this.#clusterId, address, agents: agents.map(({ id }) => id).join(', ') },
      )
    }
    this.#shared = shared
  }
}

/** Whether at least two agents live at the same time: the predecessor of a restarted agent is not heard after its start. */
function areTogether(agents: readonly RegisteredAgent[]): boolean {
  const present = agents.filter(({ hello }) => !hello.isDraining)
  const [, later] = present.map(({ registeredAt }) => registeredAt).toSorted((a, b) => a - b)
  return later !== undefined && present.filter(({ lastSeenAt }) => lastSeenAt > later).length > 1
}
