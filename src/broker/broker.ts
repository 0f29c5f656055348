import { assert, type Clock, type Log, type Random } from '../base/index.ts'
import type { Metadata } from '../metadata/index.ts'
import type { ObjectStore } from '../storage/index.ts'
import { singleBrokerCluster, type Cluster } from './cluster.ts'
import { type BrokerConfig, defaultBrokerConfig } from './config.ts'
import type { BrokerCounters } from './counters.ts'
import { Groups } from './groups/index.ts'
import type { BrokerContext } from './handler.ts'
import { handlers } from './handlers/index.gen.ts'
import { type LogConfig, openRecordLog, type RecordLog } from './log/index.ts'
import type { SecuritySettings } from './security/settings.ts'
import { KafkaServer } from './server.ts'
import { topicConfig } from './topic-config.ts'

export interface BrokerOptions {
  readonly metadata: Metadata
  readonly store: ObjectStore
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly logConfig: LogConfig
  /** What is left out has Kafka's default. */
  readonly config?: Partial<BrokerConfig>
  /** The brokers that clients are told of; this one alone when left out. */
  readonly cluster?: Cluster
  /** Authentication and encryption of the Kafka port; open to everyone when left out. */
  readonly security?: SecuritySettings
}

/**
 * One Kafka broker: keeps Kafka's promises over an object store and the metadata, and nothing on its own. The caller
 * opens and closes metadata and store.
 */
export class Broker {
  readonly #options: BrokerOptions
  readonly #records: RecordLog
  #server: KafkaServer | undefined
  #groups: Groups | undefined

  /** Opens the log; the port opens with `listen`. */
  static async open(options: BrokerOptions): Promise<Broker> {
    const config = { ...defaultBrokerConfig, ...options.config }
    const { metadata, store, clock, random, log, logConfig } = options
    const records = await openRecordLog({
      metadata,
      store,
      clock,
      random,
      log,
      config: logConfig,
      topicConfig: topic => topicConfig(topic, config),
    })
    return new Broker(options, records)
  }

  private constructor(options: BrokerOptions, records: RecordLog) {
    this.#options = options
    this.#records = records
  }

  /**
   * Opens the Kafka port and answers it; 0 takes a free one. Without an advertised port clients are told this one.
   * Rejects when the port is taken.
   */
  async listen(port: number, host?: string): Promise<number> {
    assert(this.#server === undefined, 'a broker listens on one port')
    const { clock, random, log, metadata } = this.#options
    const config = { ...defaultBrokerConfig, ...this.#options.config }
    const groups = new Groups({
      metadata,
      clock,
      random,
      log,
      settings: { initialRebalanceDelayMs: config.groupInitialRebalanceDelayMs, maxSize: config.groupMaxSize },
      retention: {
        offsetsRetentionMs: config.offsetsRetentionMinutes * 60_000,
        checkIntervalMs: config.offsetsRetentionCheckIntervalMs,
      },
    })
    const server = new KafkaServer(
      bound => {
        const own = this.#options.config?.advertisedPort === undefined ? { ...config, advertisedPort: bound } : config
        const context: BrokerContext = {
          config: own,
          clock,
          random,
          log,
          metadata,
          cluster: this.#options.cluster ?? singleBrokerCluster(own),
          records: this.#records,
          groups,
          handlers,
        }
        return context
      },
      log,
      this.#options.security,
    )
    const bound = await server.listen(port, host).catch(async (error: unknown) => {
      await groups.close()
      throw error
    })
    this.#server = server
    this.#groups = groups
    return bound
  }

  /** What was counted since the port was opened. */
  get counters(): BrokerCounters | undefined {
    return this.#server?.counters
  }

  /** The partitions' records. */
  get records(): RecordLog {
    return this.#records
  }

  /** The groups, once the port is open. */
  get groups(): Groups | undefined {
    return this.#groups
  }

  /** Closes the port and all connections, then finishes what the log has accepted. */
  async close(): Promise<void> {
    await this.#server?.close()
    await this.#groups?.close()
    await this.#records.close()
  }
}
