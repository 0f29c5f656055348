import type { Clock } from '../../base/index.ts'
import type { InstanceOrder, InstanceReport } from '../../control/index.ts'
import type { HostPolicy } from '../../host/index.ts'
import type { KafkaAccess } from '../cluster/kafka-client.ts'
import type { PipelineHttpServer } from './http-server.ts'
import { Instance, type InstanceHost, type SupervisorEvents } from './instance.ts'
import { StartQueue } from './start-queue.ts'
import { ThreadPool } from './thread-pool.ts'
import type { ThreadLimits } from './thread-watch.ts'

const maxEnded = 1000

export interface SupervisorOptions extends SupervisorEvents {
  /** `host:port` of a Kafka port of the cluster. */
  readonly seedBroker: string
  readonly clientId: string
  readonly kafkaAccess: KafkaAccess
  readonly raiseFence: InstanceHost['raiseFence']
  /** What pipelines may access. */
  readonly policy: HostPolicy
  readonly limits: ThreadLimits
  /** How many pipelines may start concurrently: the number of processors. */
  readonly startsAtOnce: number
  /** The folder of the sockets of pipelines with HTTP endpoints. */
  readonly socketFolder: string
  readonly http: PipelineHttpServer | undefined
  readonly clock: Clock
}

/** Makes an agent's instances match its orders. */
export class Supervisor {
  readonly #host: InstanceHost
  readonly #instances = new Map<string, Instance>()
  #wanted = new Map<string, InstanceOrder>()
  #ended: InstanceReport[] = []

  constructor({ policy, limits, startsAtOnce, ...shared }: SupervisorOptions) {
    const threads = new ThreadPool({ policy }, limits)
    this.#host = { ...shared, threads, starts: new StartQueue(startsAtOnce) }
  }

  /** Reports of all instances that have not ended, and of completed ones that are still wanted. */
  get reports(): InstanceReport[] {
    return [...this.#instances.values()].map(instance => instance.report)
  }

  /** The last reports of instances that were removed; each is returned once. */
  takeEnded(): InstanceReport[] {
    const ended = this.#ended
    this.#ended = []
    return ended
  }

  /** Puts back reports that could not be sent. */
  keepEnded(ended: readonly InstanceReport[]): void {
    this.#ended = [...ended, ...this.#ended].slice(-maxEnded)
  }

  /** Starts, stops and replaces instances without waiting; another version starts once the earlier one has stopped. */
  follow(orders: readonly InstanceOrder[]): void {
    this.#wanted = new Map(orders.map(order => [order.instanceId, order]))
    for (const instance of this.#instances.values()) if (!this.#isWanted(instance)) void this.#retire(instance)
    for (const order of orders) this.#ensure(order)
  }

  /** Stops all instances; resolves when they have stopped. */
  async close(): Promise<void> {
    this.#wanted = new Map()
    await Promise.all([...this.#instances.values()].map(instance => this.#retire(instance)))
  }

  #isWanted({ order }: Instance): boolean {
    return this.#wanted.get(order.instanceId)?.configurationId === order.configurationId
  }

  #ensure(order: InstanceOrder): void {
    // An instance that completed elsewhere, or in an earlier process, is not started again.
    if (this.#instances.has(order.instanceId) || order.completed) return
    // While an instance of the pipeline is still stopping, another one could do the same work twice; this function is
    // called again when it has stopped.
    const isBusy = [...this.#instances.values()].some(
      instance => instance.order.pipelineId === order.pipelineId && !this.#isWanted(instance),
    )
    if (isBusy) return
    this.#instances.set(order.instanceId, new Instance(order, this.#host))
    this.#host.onChange()
  }

  async #retire(instance: Instance): Promise<void> {
    await instance.stop()
    const id = instance.order.instanceId
    if (this.#instances.get(id) !== instance) return
    this.#instances.delete(id)
    this.keepEnded([instance.report])
    for (const order of this.#wanted.values()) this.#ensure(order)
    this.#host.onChange()
  }
}
