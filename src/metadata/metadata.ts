import type { MetadataError } from './errors.ts'
import type { SnapshotRow, SnapshotTable } from './operations/snapshot.ts'
import type {
  ProducerIdentity,
  Transaction,
  TransactionEffect,
  TransactionEnd,
  TransactionEvent,
} from './transaction.ts'

/**
 * A topic's identity: a UUID in canonical lower-case text (8-4-4-4-12). A topic that is created again gets a new one.
 */
export type TopicId = string

/** The identity of one partition of one topic: a positive integer that is never reused, even after a deletion. */
export type PartitionId = number

/** The state of a topic. Values are immutable: a change creates a new one, so it may be the key of a WeakMap. */
export interface Topic {
  readonly id: TopicId
  readonly name: string
  /** The partitions' ids by index; the length is the number of partitions. */
  readonly partitions: readonly PartitionId[]
  /** Configs set on the topic itself, by Kafka's names; defaults are not included. */
  readonly configs: Readonly<Record<string, string>>
  /** Milliseconds since 1970. */
  readonly createdAt: number
}

/** A deleted topic that can still be restored. */
export interface DeletedTopic {
  readonly id: TopicId
  readonly name: string
  /** Number of partitions. */
  readonly partitions: number
  readonly sizeBytes: number
  /** Milliseconds since 1970. */
  readonly deletedAt: number
  /** When it is deleted permanently, in milliseconds since 1970. */
  readonly purgeAt: number
}

/** All topics at one moment. Lookups do not wait; that a topic is missing must first be confirmed by `refresh`. */
export interface Catalog {
  readonly byName: ReadonlyMap<string, Topic>
  readonly byId: ReadonlyMap<TopicId, Topic>
  /** Increases with every change. */
  readonly version: number
}

export interface NewTopic {
  readonly name: string
  readonly partitions: number
  readonly configs: Readonly<Record<string, string>>
}

/** The result for one item of a batch: its value, or the reason why there is none. */
export type Outcome<Value, Code extends string> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly code: Code }

export type TopicErrorCode = 'TOPIC_ALREADY_EXISTS' | 'UNKNOWN_TOPIC_ID' | 'INVALID_PARTITIONS'

/** An object that was put in the bucket, and its contents. */
export interface NewObject {
  /** Its key in the store; a key can be committed once. */
  readonly key: string
  readonly sizeBytes: number
  /** The upload epoch under which it was put. */
  readonly epoch: number
  /** In order of arrival; adjacent batches of one partition become one extent. */
  readonly batches: readonly NewBatch[]
}

/** A record batch that needs offsets. */
export interface NewBatch {
  readonly partition: PartitionId
  /** Position in its object, in bytes. */
  readonly position: number
  readonly sizeBytes: number
  /** Number of offsets it takes: its last offset delta plus one. */
  readonly records: number
  /** The largest timestamp in its header, in milliseconds since 1970. */
  readonly maxTimestamp: number
  /** The topic has message.timestamp.type=LogAppendTime: the batch gets the time of the commit. */
  readonly appendTime: boolean
  /** -1 if not idempotent. */
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  /** Null outside transactions. */
  readonly transaction: BatchTransaction | null
  /** Fences the writer, if another one may take over from it; without it, anyone may write. */
  readonly fence?: Fence
}

/** The role of a batch in a transaction. */
export type BatchTransaction =
  /**
   * Its records belong to the transaction of this transactional id. With `joins` the partition is added, and a
   * transaction begins if none is open (KIP-890); without it the partition must already be in the transaction.
   */
  | { readonly kind: 'records'; readonly id: string; readonly joins: boolean }
  /** It marks the end of a transaction; the markers for all of its partitions are in one object. */
  | { readonly kind: 'marker'; readonly end: TransactionEnd }

export type CommitErrorCode =
  | 'UNKNOWN_TOPIC_OR_PARTITION'
  | 'INVALID_PRODUCER_EPOCH'
  | 'OUT_OF_ORDER_SEQUENCE_NUMBER'
  | 'INVALID_TXN_STATE'
  | 'INVALID_PRODUCER_ID_MAPPING'
  /** The transaction changed while its end was being written. */
  | 'CONCURRENT_TRANSACTIONS'
  /** Another writer has taken over: the fence's lease has another epoch now. */
  | 'PRODUCER_FENCED'

export type Assignment =
  | {
      readonly ok: true
      readonly baseOffset: number
      /** The time of the commit for LogAppendTime, otherwise -1. */
      readonly appendTimestamp: number
      readonly logStartOffset: number
      /** The batch had been committed before; `baseOffset` is the one it got then. */
      readonly duplicate: boolean
    }
  | { readonly ok: false; readonly code: CommitErrorCode; readonly logStartOffset: number }

/** Batches of one partition that are adjacent in an object and have consecutive offsets. */
export interface Extent {
  readonly partition: PartitionId
  readonly baseOffset: number
  readonly lastOffset: number
  readonly key: string
  readonly position: number
  readonly sizeBytes: number
  /** The largest timestamp in it, in milliseconds since 1970. */
  readonly maxTimestamp: number
  /** The time that all its records got at the commit, or -1 if they keep their own. */
  readonly appendTimestamp: number
}

/** The bounds of a partition, read at one moment. */
export interface PartitionBounds {
  readonly logStartOffset: number
  readonly highWatermark: number
  /** The first offset of the oldest open transaction, or the high watermark. */
  readonly lastStableOffset: number
  /** Size in bytes of the records that still exist. */
  readonly sizeBytes: number
}

/** Records of a producer in one partition that read-committed consumers skip. */
export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  /** The offset of the marker. */
  readonly lastOffset: number
}

export interface ExtentQuery {
  readonly partition: PartitionId
  /** First offset wanted; extents that end before it are not returned. */
  readonly offset: number
  /** Extents are returned until they total this many bytes, but at least one. */
  readonly maxBytes: number
  /** Whether to return aborted transactions as well. */
  readonly withAborted: boolean
}

/** A result of null stands for a partition that does not exist. */
export interface ExtentAnswer extends PartitionBounds {
  readonly extents: readonly Extent[]
  /**
   * All aborted transactions that have records in the extents, even before the offset of the query; empty if not
   * requested.
   */
  readonly aborted: readonly AbortedTransaction[]
}

/** Selects the extent in which to look for a timestamp. */
export type TimeQuery =
  /** The first extent at or after `offset` that has a record at or after `timestamp`. */
  | { readonly kind: 'since'; readonly partition: PartitionId; readonly offset: number; readonly timestamp: number }
  /** The first extent at or after `offset` that contains the largest timestamp. */
  | { readonly kind: 'max'; readonly partition: PartitionId; readonly offset: number }

/** What a commit added to a partition, with the partition's bounds after it. */
export interface Appended extends PartitionBounds {
  readonly partition: PartitionId
  /** The added extents, as far as this process knows them: commits of another process may come with bounds only. */
  readonly extents: readonly Extent[]
  readonly appendedBytes: number
  /** The transactions that were aborted by markers in these extents. */
  readonly aborted: readonly AbortedTransaction[]
}

/** @param isOwn whether this client made the commit; notifications of others' commits may arrive late or never */
export type AppendListener = (appended: readonly Appended[], isOwn: boolean) => void

/** A group's position in one partition. */
export interface CommittedOffset {
  readonly topic: TopicId
  readonly partition: number
  readonly offset: number
  /** -1 if the client did not send it. */
  readonly leaderEpoch: number
  readonly metadata: string
  /** Milliseconds since 1970. */
  readonly committedAt: number
}

/** A partition in which an open transaction has an offset of a group. */
export interface PendingOffset {
  readonly topic: TopicId
  readonly partition: number
}

/** A transactional id, the partitions of its open transaction, and the groups whose offsets it may commit. */
export interface DescribedTransaction {
  readonly transaction: Transaction
  readonly partitions: readonly PartitionId[]
  readonly groups: readonly string[]
}

/** The result of an event, and the partitions that need a marker. */
export interface TransactionAnswer {
  readonly effect: TransactionEffect
  readonly partitions: readonly PartitionId[]
}

/** The remembered state of an idempotent producer in one partition. */
export interface ActiveProducer extends ProducerIdentity {
  /** -1 if it has written nothing in this epoch. */
  readonly lastSequence: number
  /** Milliseconds since 1970. */
  readonly updatedAt: number
  /** The first offset of its open transaction here, or null. */
  readonly transactionStart: number | null
}

/** A process that can hold leases, and its address for clients. */
export interface LeaseHolder {
  /** Unique to this run of the process: a restarted process is another holder. */
  readonly id: string
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

export interface Lease {
  readonly name: string
  /** Increases each time the lease passes to another holder, and thus identifies the tenure. */
  readonly epoch: number
  readonly holder: LeaseHolder
  /** Milliseconds since 1970, by the database's clock. */
  readonly expiresAt: number
}

/** The right to write what a lease protects: refused as `fenced` once the lease has another epoch. */
export interface Fence {
  readonly lease: string
  readonly epoch: number
}

/** What retention and DeleteRecords may remove from one partition. */
export interface RetentionRule {
  readonly partition: PartitionId
  /** Removes extents whose youngest record is older than this, in milliseconds since 1970; null keeps them. */
  readonly deleteBefore: number | null
  /** Removes the oldest extents while the rest has at least this many bytes; null keeps them. */
  readonly keepBytes: number | null
}

/** An object to which nothing refers any more. */
export interface DeadObject {
  readonly id: number
  readonly key: string
}

/** Which objects to merge into a larger one: those of similar size, so that no record is copied often. */
export interface MergeRule {
  /** Objects of at least this size … */
  readonly fromBytes: number
  /** … and smaller than this. */
  readonly belowBytes: number
  /** Merge once there are this many, or `maxBytes` of them. */
  readonly minObjects: number
  readonly maxObjects: number
  readonly maxBytes: number
  /** Number of most recent objects to skip, because they are still being read from memory. */
  readonly spareObjects: number
}

/** An object that was built from others. */
export interface MadeObject {
  readonly key: string
  readonly sizeBytes: number
  readonly epoch: number
  readonly extents: readonly Extent[]
}

/** A step in the compaction of a partition. */
export interface Cleaning {
  readonly partition: PartitionId
  /** Null for all steps but the last: everything below this offset is clean once the step is done. */
  readonly until: number | null
}

/** An object with the extents that still exist in it. */
export interface MergeCandidate {
  readonly key: string
  readonly extents: readonly Extent[]
}

/** A password's SCRAM keys for one hash function; bytes as base64. */
export interface StoredScramKeys {
  readonly salt: string
  readonly iterations: number
  readonly storedKey: string
  readonly serverKey: string
}

/** A user of the Kafka port. */
export interface NewCredential {
  readonly username: string
  /** The id in the HTTP API, or empty. */
  readonly id: string
  /** The name that people gave it, or empty. */
  readonly name: string
  readonly sha256: StoredScramKeys | null
  readonly sha512: StoredScramKeys | null
  /** Bypasses ACLs. */
  readonly superuser: boolean
  /** Milliseconds since 1970, or null if it does not expire. */
  readonly expiresAt: number | null
}

export interface StoredCredential extends NewCredential {
  /** Milliseconds since 1970. */
  readonly createdAt: number
}

/** One ACL; the vocabulary is the broker's. */
export interface StoredAcl {
  readonly resourceType: string
  readonly resourceName: string
  readonly patternType: string
  readonly principal: string
  readonly host: string
  readonly operation: string
  readonly permission: string
}

export interface AclRules {
  /** Increases with every change of credentials or ACLs. */
  readonly version: number
  /** Whether ACLs are enforced, only logged (shadowing), or ignored. */
  readonly mode: 'off' | 'shadow' | 'on'
  readonly acls: readonly StoredAcl[]
}

export interface AclChange {
  readonly add: readonly StoredAcl[]
  readonly remove: readonly StoredAcl[]
}

/** What a setting applies to. Settings of topics are part of the topic. */
export type SettingKind = 'broker' | 'group' | 'client_metrics' | 'quota'

/** A setting that was changed at runtime. */
export interface Setting {
  readonly kind: SettingKind
  /** The broker, group, client metrics subscription or quota entity; the vocabulary is the broker's. */
  readonly entity: string
  readonly name: string
  readonly value: string
}

/** A new value; null removes the setting. */
export type SettingChange = Omit<Setting, 'value'> & { readonly value: string | null }

export interface Settings {
  /** Increases with every change. */
  readonly version: number
  readonly settings: readonly Setting[]
}

/**
 * The metadata of a cluster: topics, which object holds which offsets, producers, groups' offsets; but no
 * records. Every call is one transaction for all its items; concurrent calls may share a transaction. A call that
 * fails rejects with a MetadataError and has changed nothing, except with the code `unknown_outcome`: then it may
 * have been executed, and only a query tells.
 */
export interface Metadata {
  /** The cluster's id as clients see it; constant for the life of the data. */
  readonly clusterId: string

  /** The time by which the metadata operates, in milliseconds since 1970: the database's, for all processes. */
  time(): Promise<number>

  /**
   * The listener is called once if the metadata is lost without having been closed: every later call is
   * refused, and whoever needs it has to restart. Results returned before remain valid. Returns a
   * function that unsubscribes the listener.
   */
  onLost(listener: (reason: MetadataError) => void): () => void

  // Topics

  /** The last known topics, without waiting. Always includes this process's own changes. */
  catalog(): Catalog
  /** Reloads the topics if another process may have changed them. Required before any negative answer. */
  refresh(): Promise<Catalog>
  /** The listener is called after every change of the catalog. Returns a function that unsubscribes it. */
  onTopicsChanged(listener: (catalog: Catalog) => void): () => void
  /** Creates topics; of names, only uniqueness is checked here. */
  createTopics(topics: readonly NewTopic[]): Promise<Outcome<Topic, TopicErrorCode>[]>
  /**
   * Deletes topics with everything that belongs to them: records, producers' state, groups' offsets. They can be
   * restored for `keepMs` milliseconds, or not at all if that is null.
   */
  deleteTopics(ids: readonly TopicId[], keepMs: number | null): Promise<Outcome<Topic, TopicErrorCode>[]>
  /** Topics that can be restored, in order of deletion. */
  deletedTopics(): Promise<DeletedTopic[]>
  /** Restores deleted topics as they were, unless a topic of the same name exists now. */
  undeleteTopics(ids: readonly TopicId[]): Promise<Outcome<Topic, TopicErrorCode>[]>
  /** Permanently deletes the topics whose time for restoring has passed, or all with `isAll`; returns their names. */
  purgeDeletedTopics(isAll: boolean): Promise<string[]>
  /** Permanently deletes a topic that can be restored; does nothing if there is none. */
  purgeDeletedTopic(id: TopicId): Promise<void>
  /** Raises the number of partitions; a number that is not larger is INVALID_PARTITIONS. */
  createPartitions(
    changes: readonly { topic: TopicId; partitions: number }[],
  ): Promise<Outcome<Topic, TopicErrorCode>[]>
  /** Replaces a topic's configs. */
  setTopicConfigs(
    changes: readonly { topic: TopicId; configs: Readonly<Record<string, string>> }[],
  ): Promise<Outcome<Topic, TopicErrorCode>[]>

  // The log

  /**
   * Opens an upload epoch. Objects are put and committed under it; once it is not
   * renewed in time, it is closed permanently.
   */
  openEpoch(): Promise<number>
  /** Extends an epoch; false if it has been closed. */
  renewEpoch(epoch: number): Promise<boolean>
  /** Closes an epoch, so that its uncommitted objects may be swept. */
  closeEpoch(epoch: number): Promise<void>
  /**
   * Makes objects visible: assigns offsets to their batches, checks idempotent producers, records
   * their extents. Returns an array per object, with one assignment per batch. Rejects with
   * `epoch_closed` if an object's epoch is not open.
   */
  commit(objects: readonly NewObject[]): Promise<Assignment[][]>
  /** Finds the extents that hold the records from an offset on, with the partition's bounds at the same moment. */
  findExtents(queries: readonly ExtentQuery[]): Promise<(ExtentAnswer | null)[]>
  /** Finds the extent for a timestamp; undefined if no extent qualifies, null if the partition does not exist. */
  findByTime(queries: readonly TimeQuery[]): Promise<(Extent | undefined | null)[]>
  bounds(partitions: readonly PartitionId[]): Promise<(PartitionBounds | null)[]>
  /**
   * Advances log starts (DeleteRecords); a start below the current one, or above the high watermark, changes nothing.
   */
  advanceLogStart(changes: readonly { partition: PartitionId; offset: number }[]): Promise<(PartitionBounds | null)[]>
  /**
   * The listener is called after every commit, of this process or another one, with what was added.
   * Returns a function that unsubscribes it.
   */
  onAppend(listener: AppendListener): () => void

  // Producers

  /** Forgets producers that were idle for `idleMs`; they may continue with any sequence. */
  expireProducers(idleMs: number): Promise<void>
  /** Reserves unused producer ids; returns the first of `count` consecutive ones. */
  allocateProducerIds(count: number): Promise<number>

  /** The remembered producers of each partition. */
  activeProducers(partitions: readonly PartitionId[]): Promise<ActiveProducer[][]>

  // Transactions

  /**
   * Applies an event to a transactional id (see `stepTransaction`). If the event is a `begin`, `partitions` are added
   * to the transaction. If no partition needs a marker, the transaction ends immediately, together with the offsets in
   * it; otherwise it ends with the commit of the markers. Rejects with `fenced`.
   */
  stepTransaction(
    id: string,
    event: TransactionEvent,
    partitions: readonly PartitionId[],
    fence: Fence,
  ): Promise<TransactionAnswer>
  /** Looks up transactional ids; null for unknown ones. */
  findTransactions(ids: readonly string[]): Promise<(DescribedTransaction | null)[]>
  /** All transactional ids, sorted by name. */
  listTransactions(): Promise<Transaction[]>
  /** Transactions that have been open for longer than their timeout, or whose abort was begun; at most `limit`. */
  overdueTransactions(limit: number): Promise<string[]>
  /** Forgets transactional ids without an open transaction that were idle for `idleMs`; returns them. */
  expireTransactions(idleMs: number): Promise<string[]>
  /**
   * Holds a group's offsets until the transaction ends. A `begin` adds the group; a `join` is refused with
   * INVALID_TXN_STATE unless an earlier `begin` did. An event that is refused stores nothing; each offset whose
   * topic or partition no longer exists has an error. Rejects with `fenced`.
   */
  commitTransactionOffsets(
    id: string,
    event: Extract<TransactionEvent, { readonly kind: 'begin' | 'join' }>,
    group: string,
    offsets: readonly CommittedOffset[],
    fence: Fence,
  ): Promise<{ effect: TransactionEffect; problems: (null | 'UNKNOWN_TOPIC_OR_PARTITION')[] }>
  /** The partitions for which open transactions hold offsets of a group. */
  pendingOffsets(group: string): Promise<PendingOffset[]>

  // Leases

  /**
   * Takes the leases that are free or expired and extends those that the holder has; returns the resulting state of
   * every lease, whoever holds it. Uses the database's time.
   */
  acquireLeases(names: readonly string[], holder: LeaseHolder, durationMs: number): Promise<Lease[]>
  /**
   * Extends leases; false for those that have passed to another holder. An
   * expired lease without a new holder is extended.
   */
  renewLeases(fences: readonly Fence[], holderId: string, durationMs: number): Promise<boolean[]>
  /** Releases all leases of a holder: they expire immediately. */
  releaseLeases(holderId: string): Promise<void>
  /**
   * Raises a lease to this epoch unless it has a higher one: from then on writes with a lower epoch are
   * refused. For leases whose holders are decided elsewhere, and which therefore do not expire.
   * Resolves to whether the lease has this epoch.
   */
  raiseFence(fence: Fence): Promise<boolean>
  /** The leases that are currently held; null for free ones. */
  findLeases(names: readonly string[]): Promise<(Lease | null)[]>

  // Groups. Writes carry the fence of the group's coordinator, which is checked in the same transaction.

  /** Returns an error for each offset whose topic or partition no longer exists. Rejects with `fenced`. */
  commitOffsets(
    group: string,
    offsets: readonly CommittedOffset[],
    fence: Fence,
  ): Promise<(null | 'UNKNOWN_TOPIC_OR_PARTITION')[]>
  /** All offsets of a group; an unknown group has none. */
  groupOffsets(group: string): Promise<CommittedOffset[]>
  /** Deletes individual offsets. Rejects with `fenced`. */
  deleteOffsets(
    group: string,
    partitions: readonly { topic: TopicId; partition: number }[],
    fence: Fence,
  ): Promise<void>
  /** The groups that have offsets or a saved state. */
  listGroups(): Promise<string[]>
  /** Saves the opaque state of a group. Rejects with `fenced`. */
  saveGroup(group: string, state: Uint8Array, fence: Fence): Promise<void>
  /** The saved state of a group, or null. */
  loadGroup(group: string): Promise<Uint8Array | null>
  /** Whether a group has a saved state or offsets. */
  isGroupKnown(group: string): Promise<boolean>
  /** Deletes a group with its offsets and state; false if it was unknown. Rejects with `fenced`. */
  deleteGroup(group: string, fence: Fence): Promise<boolean>
  /** Groups that committed nothing for `idleMs` milliseconds, including those without any offset. */
  idleGroups(idleMs: number): Promise<string[]>
  /** Deletes a group like `deleteGroup` if it is still idle; returns whether it did. Rejects with `fenced`. */
  expireGroup(group: string, idleMs: number, fence: Fence): Promise<boolean>

  // Security

  /** All users of the Kafka port, oldest first. */
  credentials(): Promise<StoredCredential[]>
  findCredential(username: string): Promise<StoredCredential | null>
  /** Adds users, or replaces the keys of existing ones. */
  putCredentials(credentials: readonly NewCredential[]): Promise<void>
  /** Deletes users; returns for each whether it was known. */
  deleteCredentials(usernames: readonly string[]): Promise<boolean[]>
  /** Deletes a user's keys for one hash, and the user with the last of them; false if there were none. */
  deleteScramKeys(username: string, hash: 'sha256' | 'sha512'): Promise<boolean>
  /** Deletes users that have expired. */
  expireCredentials(): Promise<void>
  /** Changes whenever `credentials` or `aclRules` would return something new. */
  securityVersion(): Promise<number>
  aclRules(): Promise<AclRules>
  setAclMode(mode: AclRules['mode']): Promise<void>
  /** Adds and removes ACLs; returns all of them afterwards. */
  changeAcls(change: AclChange): Promise<AclRules>

  // Settings

  /** Changes whenever `settings` would return something new. */
  settingsVersion(): Promise<number>
  settings(): Promise<Settings>
  /** Sets and removes settings, all or none; returns all settings afterwards. A setting may occur once in `changes`. */
  changeSettings(changes: readonly SettingChange[]): Promise<Settings>

  // Housekeeping

  /** Applies retention to a bounded number of extents; true if there is more to do. */
  retain(rules: readonly RetentionRule[]): Promise<boolean>
  /** The oldest objects that match the rule; empty if there are too few. */
  mergeCandidates(rule: MergeRule): Promise<MergeCandidate[]>
  /**
   * The oldest objects of which less than half is still live: at most `maxObjects`, with about `maxBytes` of live data.
   */
  sparseObjects(maxObjects: number, maxBytes: number): Promise<MergeCandidate[]>
  /**
   * Replaces extents by the object that was built from them: merged unchanged, or reduced to what `cleaning` has
   * kept. False if one of the extents no longer exists: then nothing has changed, and the object is useless.
   * Rejects with `epoch_closed` like `commit`.
   */
  replaceExtents(made: MadeObject, replaced: readonly Extent[], cleaning?: Cleaning): Promise<boolean>
  /** Compaction progress per partition: the first offset that has not been cleaned yet, 0 if compaction never ran. */
  cleanedUntil(partitions: readonly PartitionId[]): Promise<number[]>
  /** Objects that have been dead for at least `graceMs`, at most `limit`. */
  deadObjects(graceMs: number, limit: number): Promise<DeadObject[]>
  /** Forgets dead objects, after they were deleted from the store. */
  forgetObjects(ids: readonly number[]): Promise<void>
  /** Closes the epochs that were not renewed for `expiryMs`; returns the closed ones that may still have orphans. */
  closedEpochs(expiryMs: number): Promise<number[]>
  /** Tells for each of these keys of a closed epoch whether it is a known object. */
  knownObjects(keys: readonly string[]): Promise<boolean[]>
  /** Forgets a closed epoch once its orphans are gone. */
  forgetEpoch(epoch: number): Promise<void>

  // Manifests

  /**
   * The rows of a table, in primary key order, that follow the row with this primary key, or
   * the first ones for null; at most `limit`.
   */
  snapshotRows(table: SnapshotTable, after: SnapshotRow | null, limit: number): Promise<SnapshotRow[]>

  /** Waits for the calls in progress and releases the data. */
  close(): Promise<void>
}
