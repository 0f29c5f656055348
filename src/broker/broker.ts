import type { Socket } from 'node:net'
import { type Clock, type Log, type Random, uuid } from '../base/index.ts'
import type { Metadata } from '../metadata/index.ts'
import type { ObjectReads, ObjectStore } from '../storage/index.ts'
import { type Cluster, singleBrokerCluster } from './cluster.ts'
import { type BrokerConfig, defaultBrokerConfig } from './config.ts'
import type { BrokerCounters } from './counters.ts'
import { groupTimeouts } from './group-config.ts'
import { Groups, OffsetsTopic } from './groups/index.ts'
import type { BrokerContext } from './handler.ts'
import { handlers } from './handlers/index.gen.ts'
import { Leases } from './leases.ts'
import { BrokerMetrics } from './metrics.ts'
import { type LogConfig, openRecordLog, type RecordLog } from './log/index.ts'
import { Quotas } from './quotas/quotas.ts'
import { AclAuthorizer } from './security/authorizer.ts'
import type { SecuritySettings } from './security/settings.ts'
import { KafkaServer, type Receiver } from './server.ts'
import { ClusterSettings } from './settings.ts'
import { leaseOfGroup } from './shard.ts'
import { ClientMetrics } from './telemetry/client-metrics.ts'
import { topicConfig } from './topic-config.ts'
import { Transactions } from './transactions/index.ts'

export interface BrokerOptions {
  readonly metadata: Metadata
  readonly store: ObjectStore
  /** Where records are read from; defaults to the store. */
  readonly reads?: ObjectReads
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly logConfig: LogConfig
  /** The Kafka port; 0 picks a free one. Without an advertised port, clients connect to this one. */
  readonly port: number
  /** An additional port, on which other processes of this machine may listen as well. */
  readonly sharedPort?: number
  /** The address to listen on; defaults to all addresses. */
  readonly host?: string
  /** Settings that differ from Kafka's defaults. */
  readonly config?: Partial<BrokerConfig>
  /** Returns the cluster's brokers, for a broker with these settings; defaults to this broker alone. */
  readonly cluster?: (config: BrokerConfig) => Cluster
  /** Authentication and encryption of the Kafka port; open to everyone by default. */
  readonly security?: SecuritySettings
  /**
   * Identifies the holder of this broker's leases. Random by default, so a restarted broker waits until the leases of
   * its previous run expire. A caller that never runs two at once can pass a fixed id to avoid that wait.
   */
  readonly instanceId?: string
}

/**
 * One Kafka broker: keeps Kafka's promises over an object store and the metadata, and stores nothing itself. The caller
 * opens and closes metadata and store.
 */
export class Broker {
  readonly port: number
  readonly records: RecordLog
  readonly groups: Groups
  readonly transactions: Transactions
  readonly #leases: Leases
  readonly #offsetsTopic: OffsetsTopic
  readonly #settings: ClusterSettings
  readonly #metrics: BrokerMetrics
  readonly #server: KafkaServer
  readonly #authorizer: AclAuthorizer

  /** Opens the port and the log, and starts to answer clients. Rejects if the port is taken. */
  static async open(options: BrokerOptions): Promise<Broker> {
    const { metadata, store, clock, random, log, logConfig } = options
    const server = await KafkaServer.bind(options.port, options.host, log, options.security ?? {})
    const opened: { close(): Promise<void> | void }[] = [server]
    try {
      if (options.sharedPort !== undefined) await server.share(options.sharedPort, options.host)
      const config = { ...defaultBrokerConfig, advertisedPort: server.port, ...options.config }
      const settings = await ClusterSettings.open({ metadata, clock, log, config })
      opened.push(settings)
      const records = await openRecordLog({
        metadata,
        store,
        ...(options.reads && { reads: options.reads }),
        clock,
        random,
        log,
        config: logConfig,
        stages: server.counters.produceStages,
        topicConfig: topic => topicConfig(topic, settings.config),
      })
      opened.push(records)
      const authorizer = await AclAuthorizer.open({ metadata, clock, log })
      return new Broker(options, settings, server, records, authorizer)
    } catch (error) {
      for (const part of opened.toReversed()) await part.close()
      throw error
    }
  }

  private constructor(
    options: BrokerOptions,
    settings: ClusterSettings,
    server: KafkaServer,
    records: RecordLog,
    authorizer: AclAuthorizer,
  ) {
    const { config } = settings
    const { metadata, clock, random, log, cluster = singleBrokerCluster } = options
    const { nodeId, advertisedHost: host, advertisedPort: port } = config
    this.port = server.port
    this.records = records
    this.#settings = settings
    this.#server = server
    this.#authorizer = authorizer
    this.#leases = new Leases({
      metadata,
      clock,
      log,
      holder: { id: options.instanceId ?? uuid(random), nodeId, host, port },
      durationMs: config.coordinatorLeaseMs,
    })
    this.groups = new Groups({
      metadata,
      leases: this.#leases,
      clock,
      random,
      log,
      settings: { initialRebalanceDelayMs: config.groupInitialRebalanceDelayMs, maxSize: config.groupMaxSize },
      consumers: {
        maxSize: config.groupConsumerMaxSize,
        timeoutsOf: groupId => groupTimeouts(settings.of('group', groupId), settings.config),
      },
      retention: {
        offsetsRetentionMs: config.offsetsRetentionMinutes * 60_000,
        checkIntervalMs: config.offsetsRetentionCheckIntervalMs,
      },
    })
    this.#offsetsTopic = new OffsetsTopic({ metadata, records, clock, log })
    this.transactions = new Transactions({
      metadata,
      leases: this.#leases,
      records,
      clock,
      log,
      settings: {
        abortCheckIntervalMs: config.transactionAbortIntervalMs,
        idExpirationMs: config.transactionalIdExpirationMs,
        expiryCheckIntervalMs: config.transactionalIdCheckIntervalMs,
      },
    })
    const telemetry = new ClientMetrics(settings, clock)
    const context: BrokerContext = {
      get config() {
        return settings.config
      },
      settings,
      quotas: new Quotas(settings, clock),
      clock,
      random,
      log,
      metadata,
      cluster: cluster(config),
      store: options.store,
      records,
      leases: this.#leases,
      groups: this.groups,
      offsetsTopic: this.#offsetsTopic,
      transactions: this.transactions,
      authorizer,
      telemetry,
      handlers,
    }
    this.#metrics = new BrokerMetrics({
      counters: server.counters,
      metadata,
      groups: this.groups,
      telemetry,
      clock,
      log,
    })
    server.serve(context)
  }

  /** The metrics of requests, topics, and the groups that this broker coordinates, in Prometheus format. */
  metricsText(): Promise<string> {
    return this.#metrics.text()
  }

  /** Totals since the port was opened. */
  get counters(): BrokerCounters {
    return this.#server.counters
  }

  /** Serves a connection that did not arrive at the port, for tests; returns where its bytes go. */
  attach(socket: Socket): Receiver {
    return this.#server.attach(socket)
  }

  /** Whether this broker currently coordinates a group. */
  coordinates(groupId: string): boolean {
    return this.#leases.held(leaseOfGroup(groupId)) !== undefined
  }

  /** Closes the port and all connections, releases this broker's leases, then finishes what the log has accepted. */
  async close(): Promise<void> {
    await this.#server.close()
    this.#authorizer.close()
    await this.groups.close()
    await this.#offsetsTopic.close()
    await this.transactions.close()
    await this.#leases.close()
    await this.#settings.close()
    await this.records.close()
  }
}
