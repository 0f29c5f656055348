/** A broker's settings. Names and defaults are Kafka's, camel-cased, units last. */
export interface BrokerConfig {
  readonly nodeId: number
  /** The availability zone, which Metadata answers as the broker's rack, or null. */
  readonly rack: string | null
  /** Where clients connect. */
  readonly advertisedHost: string
  readonly advertisedPort: number
  readonly autoCreateTopicsEnable: boolean
  readonly numPartitions: number
  /** How long a deleted topic can be brought back, in milliseconds; null deletes it for good. Ours. */
  readonly softDeleteMs: number | null
  /** How long the groups of a broker that has died wait for another coordinator. Ours; Kafka has replicas instead. */
  readonly coordinatorLeaseMs: number
  readonly groupInitialRebalanceDelayMs: number
  readonly groupMinSessionTimeoutMs: number
  readonly groupMaxSessionTimeoutMs: number
  readonly groupMaxSize: number
  readonly offsetMetadataMaxBytes: number
  /** How long a group without members and commits is kept. */
  readonly offsetsRetentionMinutes: number
  /** How often such groups are looked for. */
  readonly offsetsRetentionCheckIntervalMs: number
  /** The longest transaction that a producer may ask for. */
  readonly transactionMaxTimeoutMs: number
  /** How often transactions are looked for that are open for too long (transaction.abort.timed.out.transaction.cleanup.interval.ms). */
  readonly transactionAbortIntervalMs: number
  /** How long an unused transactional id is remembered. */
  readonly transactionalIdExpirationMs: number
  /** How often such ids are looked for (transaction.remove.expired.transaction.cleanup.interval.ms). */
  readonly transactionalIdCheckIntervalMs: number
  /** The largest request frame; a larger one closes its connection. */
  readonly socketRequestMaxBytes: number
  /** Requests of one connection that are being worked on at once; reading pauses at the limit. */
  readonly maxInFlightRequests: number
  /** Bytes of the requests of one connection that are being worked on at once; reading pauses at the limit. */
  readonly maxInFlightBytes: number
  /** A request whose answer takes longer is logged. Ours. */
  readonly slowRequestMs: number
  readonly messageMaxBytes: number
  readonly logRetentionMs: number
  readonly logRetentionBytes: number
  /** Groups of the `consumer` protocol (KIP-848): what holds where a group sets nothing, and the bounds for groups. */
  readonly groupConsumerSessionTimeoutMs: number
  readonly groupConsumerMinSessionTimeoutMs: number
  readonly groupConsumerMaxSessionTimeoutMs: number
  readonly groupConsumerHeartbeatIntervalMs: number
  readonly groupConsumerMinHeartbeatIntervalMs: number
  readonly groupConsumerMaxHeartbeatIntervalMs: number
  readonly groupConsumerMaxSize: number
  /** What was changed while the broker runs, by Kafka's names; it precedes what the broker was started with. */
  readonly dynamic: Readonly<Record<string, DynamicValue>>
}

/** A broker setting that was changed while the broker runs. */
export interface DynamicValue {
  readonly value: string
  /** It was set for all brokers, and not for this one itself. */
  readonly isForAll: boolean
  /** What is set for all brokers beside the value of this one. */
  readonly ofAll?: string
}

/** Kafka's defaults, but for the address. */
export const defaultBrokerConfig: BrokerConfig = {
  nodeId: 1,
  rack: null,
  advertisedHost: '127.0.0.1',
  advertisedPort: 9092,
  autoCreateTopicsEnable: true,
  numPartitions: 1,
  softDeleteMs: 86_400_000,
  coordinatorLeaseMs: 10_000,
  groupInitialRebalanceDelayMs: 3000,
  groupMinSessionTimeoutMs: 6000,
  groupMaxSessionTimeoutMs: 1_800_000,
  groupMaxSize: 2_147_483_647,
  offsetMetadataMaxBytes: 4096,
  offsetsRetentionMinutes: 10_080,
  offsetsRetentionCheckIntervalMs: 600_000,
  transactionMaxTimeoutMs: 900_000,
  transactionAbortIntervalMs: 10_000,
  transactionalIdExpirationMs: 604_800_000,
  transactionalIdCheckIntervalMs: 3_600_000,
  socketRequestMaxBytes: 104_857_600,
  maxInFlightRequests: 256,
  maxInFlightBytes: 64 * 1024 * 1024,
  slowRequestMs: 2_000,
  messageMaxBytes: 1_048_588,
  logRetentionMs: 604_800_000,
  logRetentionBytes: -1,
  groupConsumerSessionTimeoutMs: 45_000,
  groupConsumerMinSessionTimeoutMs: 45_000,
  groupConsumerMaxSessionTimeoutMs: 60_000,
  groupConsumerHeartbeatIntervalMs: 5_000,
  groupConsumerMinHeartbeatIntervalMs: 5_000,
  groupConsumerMaxHeartbeatIntervalMs: 15_000,
  groupConsumerMaxSize: 2_147_483_647,
  dynamic: {},
}
