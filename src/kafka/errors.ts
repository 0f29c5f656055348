// Kafka's error table: name, code, whether a client may retry, and the text for responses.

type Entry = readonly [code: number, retriable: boolean, message: string]

const table = {
  UNKNOWN_SERVER_ERROR: [-1, false, 'The server met an unexpected error.'],
  NONE: [0, false, ''],
  OFFSET_OUT_OF_RANGE: [1, false, 'The offset is outside the range of the partition.'],
  CORRUPT_MESSAGE: [2, true, 'The record batch has a wrong checksum, size or format.'],
  UNKNOWN_TOPIC_OR_PARTITION: [3, true, 'There is no such topic or partition.'],
  INVALID_FETCH_SIZE: [4, false, 'The fetch size is not valid.'],
  LEADER_NOT_AVAILABLE: [5, true, 'The partition has no leader at the moment.'],
  NOT_LEADER_OR_FOLLOWER: [6, true, 'This broker does not serve the partition.'],
  REQUEST_TIMED_OUT: [7, true, 'The request took longer than its timeout.'],
  BROKER_NOT_AVAILABLE: [8, false, 'The broker is not available.'],
  REPLICA_NOT_AVAILABLE: [9, true, 'The replica is not available.'],
  MESSAGE_TOO_LARGE: [10, false, 'The record batch is larger than max.message.bytes.'],
  STALE_CONTROLLER_EPOCH: [11, false, 'The controller has moved.'],
  OFFSET_METADATA_TOO_LARGE: [12, false, "The committed offset's metadata is too long."],
  NETWORK_EXCEPTION: [13, true, 'The connection was closed before a response arrived.'],
  COORDINATOR_LOAD_IN_PROGRESS: [14, true, 'The coordinator is still loading.'],
  COORDINATOR_NOT_AVAILABLE: [15, true, 'The coordinator is not available.'],
  NOT_COORDINATOR: [16, true, 'This broker is not the coordinator.'],
  INVALID_TOPIC_EXCEPTION: [17, false, 'The topic name is not valid.'],
  RECORD_LIST_TOO_LARGE: [18, false, 'The request contains more records than the broker accepts.'],
  NOT_ENOUGH_REPLICAS: [19, true, 'Too few replicas are in sync.'],
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: [20, true, 'The records are written, but to too few replicas.'],
  INVALID_REQUIRED_ACKS: [21, false, 'acks must be -1, 0 or 1.'],
  ILLEGAL_GENERATION: [22, false, 'The generation is not the current one of the group.'],
  INCONSISTENT_GROUP_PROTOCOL: [23, false, "The member's protocol type or protocols do not match those of the group."],
  INVALID_GROUP_ID: [24, false, 'The group id is not valid.'],
  UNKNOWN_MEMBER_ID: [25, false, 'The group does not know this member.'],
  INVALID_SESSION_TIMEOUT: [26, false, 'The session timeout is outside the allowed range.'],
  REBALANCE_IN_PROGRESS: [27, false, 'The group is rebalancing, so the member must join again.'],
  INVALID_COMMIT_OFFSET_SIZE: [28, false, "The committed offset's data is too large."],
  TOPIC_AUTHORIZATION_FAILED: [29, false, 'Not authorized for the topic.'],
  GROUP_AUTHORIZATION_FAILED: [30, false, 'Not authorized for the group.'],
  CLUSTER_AUTHORIZATION_FAILED: [31, false, 'Not authorized for the cluster.'],
  INVALID_TIMESTAMP: [32, false, 'A timestamp is outside the allowed range.'],
  UNSUPPORTED_SASL_MECHANISM: [33, false, 'The SASL mechanism is not supported.'],
  ILLEGAL_SASL_STATE: [34, false, 'The request is not valid in this SASL state.'],
  UNSUPPORTED_VERSION: [35, false, 'The version of the API is not supported.'],
  TOPIC_ALREADY_EXISTS: [36, false, 'The topic already exists.'],
  INVALID_PARTITIONS: [37, false, 'The number of partitions is not valid.'],
  INVALID_REPLICATION_FACTOR: [38, false, 'The replication factor is not valid.'],
  INVALID_REPLICA_ASSIGNMENT: [39, false, 'The replica assignment is not valid.'],
  INVALID_CONFIG: [40, false, 'The configuration is not valid.'],
  NOT_CONTROLLER: [41, true, 'This broker is not the controller.'],
  INVALID_REQUEST: [42, false, 'The request is not valid.'],
  UNSUPPORTED_FOR_MESSAGE_FORMAT: [43, false, 'The message format does not support the request.'],
  POLICY_VIOLATION: [44, false, 'The request violates a policy.'],
  OUT_OF_ORDER_SEQUENCE_NUMBER: [45, false, 'The sequence number does not follow the last one.'],
  DUPLICATE_SEQUENCE_NUMBER: [46, false, 'The sequence number has already been used.'],
  INVALID_PRODUCER_EPOCH: [47, false, 'A producer with a newer epoch has taken over.'],
  INVALID_TXN_STATE: [48, false, 'The transaction is in a state that does not allow this.'],
  INVALID_PRODUCER_ID_MAPPING: [49, false, 'The producer id does not belong to the transactional id.'],
  INVALID_TRANSACTION_TIMEOUT: [50, false, 'The transaction timeout is larger than the broker allows.'],
  CONCURRENT_TRANSACTIONS: [51, true, 'Another operation on the transaction is still in progress.'],
  TRANSACTION_COORDINATOR_FENCED: [52, false, 'The transaction coordinator has been replaced.'],
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: [53, false, 'Not authorized for the transactional id.'],
  SECURITY_DISABLED: [54, false, 'Security features are disabled.'],
  OPERATION_NOT_ATTEMPTED: [55, false, 'The operation was not attempted.'],
  KAFKA_STORAGE_ERROR: [56, true, 'The storage failed.'],
  LOG_DIR_NOT_FOUND: [57, false, 'There is no such log directory.'],
  SASL_AUTHENTICATION_FAILED: [58, false, 'SASL authentication failed.'],
  UNKNOWN_PRODUCER_ID: [59, false, 'The producer id is not known.'],
  REASSIGNMENT_IN_PROGRESS: [60, false, 'A reassignment of the partition is in progress.'],
  DELEGATION_TOKEN_AUTH_DISABLED: [61, false, 'Delegation tokens are disabled.'],
  DELEGATION_TOKEN_NOT_FOUND: [62, false, 'There is no such delegation token.'],
  DELEGATION_TOKEN_OWNER_MISMATCH: [63, false, 'The principal does not own the delegation token.'],
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: [64, false, 'Delegation tokens are not allowed on this connection.'],
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: [65, false, 'Not authorized for the delegation token.'],
  DELEGATION_TOKEN_EXPIRED: [66, false, 'The delegation token has expired.'],
  INVALID_PRINCIPAL_TYPE: [67, false, 'The principal type is not valid.'],
  NON_EMPTY_GROUP: [68, false, 'The group has members.'],
  GROUP_ID_NOT_FOUND: [69, false, 'There is no such group.'],
  FETCH_SESSION_ID_NOT_FOUND: [70, true, 'There is no such fetch session.'],
  INVALID_FETCH_SESSION_EPOCH: [71, true, "The fetch session's epoch is not the expected one."],
  LISTENER_NOT_FOUND: [72, true, 'The leader has no matching listener.'],
  TOPIC_DELETION_DISABLED: [73, false, 'Topics cannot be deleted here.'],
  FENCED_LEADER_EPOCH: [74, true, 'The leader epoch is older than the current one.'],
  UNKNOWN_LEADER_EPOCH: [75, true, 'The leader epoch is newer than the current one.'],
  UNSUPPORTED_COMPRESSION_TYPE: [76, false, 'The compression is not supported by this version of the API.'],
  STALE_BROKER_EPOCH: [77, false, 'The broker epoch is stale.'],
  OFFSET_NOT_AVAILABLE: [78, true, 'The offset is not available yet.'],
  MEMBER_ID_REQUIRED: [79, false, 'The member must join again with the id that it was given.'],
  PREFERRED_LEADER_NOT_AVAILABLE: [80, true, 'The preferred leader is not available.'],
  GROUP_MAX_SIZE_REACHED: [81, false, 'The group is full.'],
  FENCED_INSTANCE_ID: [82, false, 'Another member has joined with this instance id.'],
  ELIGIBLE_LEADERS_NOT_AVAILABLE: [83, true, 'No eligible leader is available.'],
  ELECTION_NOT_NEEDED: [84, true, 'No election is needed.'],
  NO_REASSIGNMENT_IN_PROGRESS: [85, false, 'No reassignment is in progress.'],
  GROUP_SUBSCRIBED_TO_TOPIC: [86, false, 'The group is subscribed to the topic.'],
  INVALID_RECORD: [87, false, 'A record does not pass validation.'],
  UNSTABLE_OFFSET_COMMIT: [88, true, 'The group has offset commits in open transactions.'],
  THROTTLING_QUOTA_EXCEEDED: [89, true, 'A quota is exceeded.'],
  PRODUCER_FENCED: [90, false, 'A producer with the same transactional id and a newer epoch has taken over.'],
  RESOURCE_NOT_FOUND: [91, false, 'There is no such resource.'],
  DUPLICATE_RESOURCE: [92, false, 'The resource already exists.'],
  UNACCEPTABLE_CREDENTIAL: [93, false, 'The credential is not acceptable.'],
  INCONSISTENT_VOTER_SET: [94, false, 'The voter sets differ.'],
  INVALID_UPDATE_VERSION: [95, false, 'The update version is not valid.'],
  FEATURE_UPDATE_FAILED: [96, false, 'The feature could not be updated.'],
  PRINCIPAL_DESERIALIZATION_FAILURE: [97, false, 'The principal of a forwarded request cannot be read.'],
  SNAPSHOT_NOT_FOUND: [98, false, 'There is no such snapshot.'],
  POSITION_OUT_OF_RANGE: [99, false, 'The position is outside the snapshot.'],
  UNKNOWN_TOPIC_ID: [100, true, 'There is no topic with this id.'],
  DUPLICATE_BROKER_REGISTRATION: [101, false, 'The broker id is in use.'],
  BROKER_ID_NOT_REGISTERED: [102, false, 'The broker id is not registered.'],
  INCONSISTENT_TOPIC_ID: [103, true, "The topic's id differs from the one in the session."],
  INCONSISTENT_CLUSTER_ID: [104, false, 'The cluster id differs.'],
  TRANSACTIONAL_ID_NOT_FOUND: [105, false, 'There is no such transactional id.'],
  FETCH_SESSION_TOPIC_ID_ERROR: [106, true, 'The session mixes topic names and ids.'],
  INELIGIBLE_REPLICA: [107, false, 'The replica may not join the in-sync set.'],
  NEW_LEADER_ELECTED: [108, false, 'A new leader has been elected.'],
  OFFSET_MOVED_TO_TIERED_STORAGE: [109, false, 'The offset is in tiered storage.'],
  FENCED_MEMBER_EPOCH: [110, false, 'The member epoch is fenced, so the member must join again.'],
  UNRELEASED_INSTANCE_ID: [111, false, 'The instance id is still in use by another member.'],
  UNSUPPORTED_ASSIGNOR: [112, false, 'The assignor is not supported by the group.'],
  STALE_MEMBER_EPOCH: [113, false, 'The member epoch is stale.'],
  MISMATCHED_ENDPOINT_TYPE: [114, false, 'The request came to the wrong kind of endpoint.'],
  UNSUPPORTED_ENDPOINT_TYPE: [115, false, 'The kind of endpoint is not supported.'],
  UNKNOWN_CONTROLLER_ID: [116, false, 'The controller id is not known.'],
  UNKNOWN_SUBSCRIPTION_ID: [117, false, 'The telemetry subscription has changed.'],
  TELEMETRY_TOO_LARGE: [118, false, 'The telemetry is too large.'],
  INVALID_REGISTRATION: [119, false, 'The registration is not valid.'],
  TRANSACTION_ABORTABLE: [120, false, 'The transaction must be aborted.'],
  INVALID_RECORD_STATE: [121, false, 'The state of the record does not allow this.'],
  SHARE_SESSION_NOT_FOUND: [122, true, 'There is no such share session.'],
  INVALID_SHARE_SESSION_EPOCH: [123, true, "The share session's epoch is not the expected one."],
  FENCED_STATE_EPOCH: [124, false, 'The state epoch is fenced.'],
  INVALID_VOTER_KEY: [125, false, 'The voter key does not match.'],
  DUPLICATE_VOTER: [126, false, 'The voter already exists.'],
  VOTER_NOT_FOUND: [127, false, 'There is no such voter.'],
  INVALID_REGULAR_EXPRESSION: [128, false, 'The regular expression is not valid.'],
  REBOOTSTRAP_REQUIRED: [129, false, 'The client must bootstrap again.'],
} as const satisfies Record<string, Entry>

export type ErrorName = keyof typeof table

/** Codes by name: `ErrorCode.NONE` is 0. */
export const ErrorCode = Object.fromEntries(Object.entries(table).map(([name, entry]) => [name, entry[0]])) as {
  readonly [Name in ErrorName]: (typeof table)[Name][0]
}

/** A Kafka error code as sent in a response. */
export type ErrorCode = (typeof ErrorCode)[ErrorName]

const byCode = new Map<number, readonly [ErrorName, Entry]>(
  // The table's keys are the names.
  Object.entries(table).map(([name, entry]) => [entry[0], [name as ErrorName, entry]]),
)

/** Returns `UNKNOWN_TOPIC_OR_PARTITION` for 3, and UNKNOWN_SERVER_ERROR for an unknown code. */
export function errorName(code: number): ErrorName {
  return byCode.get(code)?.[0] ?? 'UNKNOWN_SERVER_ERROR'
}

/** Returns the sentence for people. */
export function errorMessage(code: number): string {
  return (byCode.get(code)?.[1] ?? table.UNKNOWN_SERVER_ERROR)[2]
}

const maxMessageLength = 2000

/** Thrown inside the broker to make the response carry this code. */
export class KafkaError extends Error {
  override readonly name = 'KafkaError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string = errorMessage(code), options?: ErrorOptions) {
    // The message may quote client input, and the protocol limits the length of strings.
    super(message.length > maxMessageLength ? `${message.slice(0, maxMessageLength)}…` : message, options)
    this.code = code
  }

  get errorName(): ErrorName {
    return errorName(this.code)
  }
}
