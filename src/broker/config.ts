/** A broker's settings. Names and defaults are Kafka's, camel-cased, units last. */
export interface BrokerConfig {
  readonly nodeId: number
  /** The availability zone, which Metadata returns as the broker's rack, or null. */
  readonly rack: string | null
  /** The address that clients connect to. */
  readonly advertisedHost: string
  readonly advertisedPort: number
  readonly autoCreateTopicsEnable: boolean
  readonly numPartitions: number
  /** How long a deleted topic can be restored, in milliseconds; null deletes it permanently. Ours. */
  readonly softDeleteMs: number | null
  /** How long the groups of a dead broker wait for another coordinator. Ours; Kafka has replicas instead. */
  readonly coordinatorLeaseMs: number
  readonly groupInitialRebalanceDelayMs: number
  readonly groupMinSessionTimeoutMs: number
  readonly groupMaxSessionTimeoutMs: number
  readonly groupMaxSize: number
  readonly offsetMetadataMaxBytes: number
  /** How long a group is kept after its last member left and its last commit. */
  readonly offsetsRetentionMinutes: number
  /** How often such groups are expired. */
  readonly offsetsRetentionCheckIntervalMs: number
  /** The maximum transaction timeout that a producer may request. */
  readonly transactionMaxTimeoutMs: number
  /** How often overdue transactions are aborted (transaction.abort.timed.out.transaction.cleanup.interval.ms). */
  readonly transactionAbortIntervalMs: number
  /** How long an unused transactional id is kept. */
  readonly transactionalIdExpirationMs: number
  /** How often such ids are expired (transaction.remove.expired.transaction.cleanup.interval.ms). */
  readonly transactionalIdCheckIntervalMs: number
  /** The maximum size of a request frame in bytes; a larger one closes its connection. */
  readonly socketRequestMaxBytes: number
  /** Maximum number of unanswered requests per connection; reading pauses at the limit. */
  readonly maxInFlightRequests: number
  /** Maximum total size of unanswered requests per connection, in bytes; reading pauses at the limit. */
  readonly maxInFlightBytes: number
  /** Requests that take longer to answer are logged. Ours. */
  readonly slowRequestMs: number
  readonly messageMaxBytes: number
  readonly logRetentionMs: number
  readonly logRetentionBytes: number
  /** Groups of the `consumer` protocol (KIP-848): the defaults of groups, and the bounds for what groups may set. */
  readonly groupConsumerSessionTimeoutMs: number
  readonly groupConsumerMinSessionTimeoutMs: number
  readonly groupConsumerMaxSessionTimeoutMs: number
  readonly groupConsumerHeartbeatIntervalMs: number
  readonly groupConsumerMinHeartbeatIntervalMs: number
  readonly groupConsumerMaxHeartbeatIntervalMs: number
  readonly groupConsumerMaxSize: number
  /**
   * Settings changed at runtime, by Kafka's names; they take precedence over those that the broker was started with.
   */
  readonly dynamic: Readonly<Record<string, DynamicValue>>
}

/** A broker setting that was changed at runtime. */
export interface DynamicValue {
  readonly value: string
  /** Whether it was set for all brokers rather than for this one. */
  readonly isForAll: boolean
  /** The value set for all brokers, if this broker's own value overrides it. */
  readonly ofAll?: string
}

/** Kafka's defaults, except the address. */
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
