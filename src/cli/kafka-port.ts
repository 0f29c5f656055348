import type { KafkaFigures } from '../agent/index.ts'
import { hostPort, reachableHost, systemRandom } from '../base/index.ts'
import { Broker, type BrokerConfig, type Cluster } from '../broker/index.ts'
import type { Metadata } from '../metadata/index.ts'
import type { ObjectReads } from '../storage/index.ts'
import type { AgentCore, AgentOptions, Closers } from './agent-parts.ts'
import { kafkaSecurity } from './kafka-security.ts'
import { listen } from './listen.ts'

/** The Kafka port of an agent. */
export interface KafkaPort {
  /** Where clients connect, `host:port`. */
  readonly address: string
  /** The host through which this process reaches it. */
  readonly connectHost: string
  readonly port: number
  readonly figures: KafkaFigures
}

/**
 * Opens the broker, which reads records from `reads`, and listens. `clusterOf` returns the cluster's brokers, given
 * these settings.
 */
export async function startKafka(
  options: AgentOptions,
  core: AgentCore,
  closers: Closers,
  reads: ObjectReads,
  clusterOf: (config: BrokerConfig) => Cluster,
): Promise<KafkaPort> {
  const { host, kafkaPort, advertisedHost, advertisedPort, log } = options
  const { metadata, store, clock, logConfig, nodeId, instanceId, groupInitialRebalanceDelayMs } = core
  const broker = await listen('kafkaPort', host, kafkaPort, port =>
    Broker.open({
      metadata,
      store,
      reads,
      clock,
      random: systemRandom,
      log,
      logConfig: {
        ...logConfig,
        runsJobs: options.roles.includes('jobs'),
        deletesObjects: !options.objectDeletionDryRun,
      },
      port,
      host,
      ...(options.sharedKafkaPort !== 0 && { sharedPort: options.sharedKafkaPort }),
      cluster: clusterOf,
      security: kafkaSecurity(options.kafkaSecurity, metadata, clock),
      ...(instanceId !== undefined && { instanceId }),
      config: {
        nodeId,
        advertisedHost,
        ...(advertisedPort !== 0 && { advertisedPort }),
        rack: options.availabilityZone === '' ? null : options.availabilityZone,
        groupInitialRebalanceDelayMs,
      },
    }),
  )
  closers.push(() => broker.close())
  const { port } = broker
  return {
    address: hostPort(advertisedHost, advertisedPort === 0 ? port : advertisedPort),
    connectHost: reachableHost(host),
    port,
    figures: figuresOf(broker, metadata),
  }
}

function figuresOf(broker: Broker, metadata: Metadata): KafkaFigures {
  const produced = { bytes: 0, records: 0 }
  metadata.onAppend((appended, isOwn) => {
    if (!isOwn) return
    for (const { extents } of appended) {
      for (const { baseOffset, lastOffset, sizeBytes } of extents) {
        produced.bytes += sizeBytes
        produced.records += lastOffset - baseOffset + 1
      }
    }
  })
  return {
    connections: () => broker.counters.connectionsOpen,
    traffic: () => ({
      producedBytes: produced.bytes,
      producedRecords: produced.records,
      fetchedBytes: broker.counters.bytesOut,
    }),
    requests: () => broker.counters.requests,
    metricsText: () => broker.metricsText(),
  }
}
