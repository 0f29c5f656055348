import type { MetadataError } from './errors.ts'
import type { SnapshotRow, SnapshotTable } from './operations/snapshot.ts'
import type {
  ProducerIdentity,
  Transaction,
  TransactionEffect,
  TransactionEnd,
  TransactionEvent,
} from './transaction.ts'

/** A topic's identity: a UUID in canonical lower-case text (8-4-4-4-12). A topic created again gets another one. */
export type TopicId = string

/** The identity of one partition of one topic: a positive integer that is never used again, also not after a deletion. */
export type PartitionId = number

/** A topic as it stands. Values are immutable: a change makes a new one, so it may be the key of a WeakMap. */
export interface Topic {
  readonly id: TopicId
  readonly name: string
  /** The partitions' identities by their index; its length is the number of partitions. */
  readonly partitions: readonly PartitionId[]
  /** What was set on the topic itself, by Kafka's names; defaults are not among it. */
  readonly configs: Readonly<Record<string, string>>
  /** Milliseconds since 1970. */
  readonly createdAt: number
}

/** A topic that was deleted and can still be brought back. */
export interface DeletedTopic {
  readonly id: TopicId
  readonly name: string
  /** How many it has. */
  readonly partitions: number
  readonly sizeBytes: number
  /** Milliseconds since 1970. */
  readonly deletedAt: number
  /** When it is deleted for good, in milliseconds since 1970. */
  readonly purgeAt: number
}

/** All topics at one moment. It is looked up without waiting; a missing topic has to be confirmed by `refresh` first. */
export interface Catalog {
  readonly byName: ReadonlyMap<string, Topic>
  readonly byId: ReadonlyMap<TopicId, Topic>
  /** Grows with every change. */
  readonly version: number
}

export interface NewTopic {
  readonly name: string
  readonly partitions: number
  readonly configs: Readonly<Record<string, string>>
}

/** What one item of a batch came to: its value or the reason why there is none. */
export type Outcome<Value, Code extends string> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly code: Code }

export type TopicErrorCode = 'TOPIC_ALREADY_EXISTS' | 'UNKNOWN_TOPIC_ID' | 'INVALID_PARTITIONS'

/** One object that was put in the bucket, and what lies in it. */
export interface NewObject {
  /** Its key in the store; a key can be committed once. */
  readonly key: string
  readonly sizeBytes: number
  /** The upload epoch under which it was put. */
  readonly epoch: number
  /** In the order in which they arrived; batches of one partition that lie side by side become one extent. */
  readonly batches: readonly NewBatch[]
}

/** A record batch that waits for its offsets. */
export interface NewBatch {
  readonly partition: PartitionId
  /** Where it lies in its object, in bytes. */
  readonly position: number
  readonly sizeBytes: number
  /** How many offsets it takes: its last offset delta plus one. */
  readonly records: number
  /** The largest timestamp of its header, in milliseconds since 1970. */
  readonly maxTimestamp: number
  /** The topic has message.timestamp.type=LogAppendTime: the commit gives the batch its time. */
  readonly appendTime: boolean
  /** -1 without idempotence. */
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  /** Null outside of transactions. */
  readonly transaction: BatchTransaction | null
  /** The writer's right to write at all, where another one may take it over; without it anybody may. */
  readonly fence?: Fence
}

/** What a batch has to do with a transaction. */
export type BatchTransaction =
  /**
   * Its records are a part of the transaction of this transactional id. With `joins` its partition is added, and the
   * transaction begins where none is open (KIP-890); without it the partition has to be in the transaction.
   */
  | { readonly kind: 'records'; readonly id: string; readonly joins: boolean }
  /** It marks the end of a transaction; the markers of all its partitions are in one object. */
  | { readonly kind: 'marker'; readonly end: TransactionEnd }

export type CommitErrorCode =
  | 'UNKNOWN_TOPIC_OR_PARTITION'
  | 'INVALID_PRODUCER_EPOCH'
  | 'OUT_OF_ORDER_SEQUENCE_NUMBER'
  | 'INVALID_TXN_STATE'
  | 'INVALID_PRODUCER_ID_MAPPING'
  /** The transaction changed while its end was being written. */
  | 'CONCURRENT_TRANSACTIONS'
  /** Another writer has taken over: the batch's fence has another epoch now. */
  | 'PRODUCER_FENCED'

export type Assignment =
  | {
      readonly ok: true
      readonly baseOffset: number
      /** The commit's time for LogAppendTime, else -1. */
      readonly appendTimestamp: number
      readonly logStartOffset: number
      /** The batch was there already; `baseOffset` is the one it got then. */
      readonly duplicate: boolean
    }
  | { readonly ok: false; readonly code: CommitErrorCode; readonly logStartOffset: number }

/** Batches of one partition that lie side by side in one object and have consecutive offsets. */
export interface Extent {
  readonly partition: PartitionId
  readonly baseOffset: number
  readonly lastOffset: number
  readonly key: string
  readonly position: number
  readonly sizeBytes: number
  /** The largest timestamp in it, in milliseconds since 1970. */
  readonly maxTimestamp: number
  /** The time that all its records got at the commit, or -1 when they keep their own. */
  readonly appendTimestamp: number
}

/** The bounds of a partition, read at one moment. */
export interface PartitionBounds {
  readonly logStartOffset: number
  readonly highWatermark: number
  /** The first offset of the oldest open transaction, or the high watermark. */
  readonly lastStableOffset: number
  /** Bytes of the records that are still there. */
  readonly sizeBytes: number
}

/** Records of a producer in one partition that readers of committed records leave out. */
export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  /** The offset of the marker. */
  readonly lastOffset: number
}

export interface ExtentQuery {
  readonly partition: PartitionId
  /** The first offset that is wanted; extents that end before it are not answered. */
  readonly offset: number
  /** Extents are answered until together they have this many bytes, but at least one. */
  readonly maxBytes: number
  /** Whether aborted transactions are asked for as well. */
  readonly withAborted: boolean
}

/** Null in an answer stands for a partition that does not exist. */
export interface ExtentAnswer extends PartitionBounds {
  readonly extents: readonly Extent[]
  /** Those that have records in the extents and end at or after the offset of the query; empty when they were not asked for. */
  readonly aborted: readonly AbortedTransaction[]
}

/** The extent in which to look for a timestamp. */
export type TimeQuery =
  /** The first extent from `offset` on that has a record at or after `timestamp`. */
  | { readonly kind: 'since'; readonly partition: PartitionId; readonly offset: number; readonly timestamp: number }
  /** The first extent that has the largest timestamp from `offset` on. */
  | { readonly kind: 'max'; readonly partition: PartitionId; readonly offset: number }

/** What a commit has added to a partition, with its bounds after it. */
export interface Appended extends PartitionBounds {
  readonly partition: PartitionId
  /** What was added, as far as it is known here: of another process's commits only the bounds may be. */
  readonly extents: readonly Extent[]
  readonly appendedBytes: number
  /** The transactions that were aborted by markers in these extents. */
  readonly aborted: readonly AbortedTransaction[]
}

/** @param isOwn whether this client has made the commit; those of others may come late, or not at all */
export type AppendListener = (appended: readonly Appended[], isOwn: boolean) => void

/** Where a group stands in one partition. */
export interface CommittedOffset {
  readonly topic: TopicId
  readonly partition: number
  readonly offset: number
  /** -1 when the client told none. */
  readonly leaderEpoch: number
  readonly metadata: string
  /** Milliseconds since 1970. */
  readonly committedAt: number
}

/** What a partition of a group has in an open transaction. */
export interface PendingOffset {
  readonly topic: TopicId
  readonly partition: number
}

/** A transactional id with the partitions of its open transaction. */
export interface DescribedTransaction {
  readonly transaction: Transaction
  readonly partitions: readonly PartitionId[]
}

/** What became of an event, and the partitions that need a marker. */
export interface TransactionAnswer {
  readonly effect: TransactionEffect
  readonly partitions: readonly PartitionId[]
}

/** What is remembered of an idempotent producer in one partition. */
export interface ActiveProducer extends ProducerIdentity {
  /** -1 when it has written nothing under this epoch. */
  readonly lastSequence: number
  /** Milliseconds since 1970. */
  readonly updatedAt: number
  /** The first offset of its open transaction here, or null. */
  readonly transactionStart: number | null
}

/** A process that can hold leases, and how clients reach it. */
export interface LeaseHolder {
  /** Unique to this run of the process: a process that is started again is another holder. */
  readonly id: string
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

export interface Lease {
  readonly name: string
  /** Grows each time when it passes to another holder, so that it tells them apart. */
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

/** What retention and DeleteRecords are allowed to take away from one partition. */
export interface RetentionRule {
  readonly partition: PartitionId
  /** Extents whose youngest record is older than this go; null keeps them. Milliseconds since 1970. */
  readonly deleteBefore: number | null
  /** The oldest extents go while the rest still has at least this many bytes; null keeps them. */
  readonly keepBytes: number | null
}

/** An object that nothing refers to any more. */
export interface DeadObject {
  readonly id: number
  readonly key: string
}

/** Which objects are worth being merged into a larger one: those of about the same size, so that nothing is copied often. */
export interface MergeRule {
  /** Objects of at least this size … */
  readonly fromBytes: number
  /** … and less than this. */
  readonly belowBytes: number
  /** So many have to be there, or `maxBytes` of them. */
  readonly minObjects: number
  readonly maxObjects: number
  readonly maxBytes: number
  /** The latest objects are left alone, for they are still being read from memory. */
  readonly spareObjects: number
}

/** An object that was made of others. */
export interface MadeObject {
  readonly key: string
  readonly sizeBytes: number
  readonly epoch: number
  readonly extents: readonly Extent[]
}

/** A step in the compaction of a partition. */
export interface Cleaning {
  readonly partition: PartitionId
  /** Everything below this offset is clean once the step is done; null for all steps but the last. */
  readonly until: number | null
}

/** An object and all that lies in it and is still there. */
export interface MergeCandidate {
  readonly key: string
  readonly extents: readonly Extent[]
}

/** What is kept of a password for one hash of SCRAM; bytes as base64. */
export interface StoredScramKeys {
  readonly salt: string
  readonly iterations: number
  readonly storedKey: string
  readonly serverKey: string
}

/** A user of the Kafka port. */
export interface NewCredential {
  readonly username: string
  /** The HTTP API's id, or empty. */
  readonly id: string
  /** The name that people gave it, or empty. */
  readonly name: string
  readonly sha256: StoredScramKeys | null
  readonly sha512: StoredScramKeys | null
  /** Bypasses ACLs. */
  readonly superuser: boolean
  /** Milliseconds since 1970, or null where it does not end. */
  readonly expiresAt: number | null
}

export interface StoredCredential extends NewCredential {
  /** Milliseconds since 1970. */
  readonly createdAt: number
}

/** One ACL; the words are the broker's. */
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
  /** Grows with every change of credentials or ACLs. */
  readonly version: number
  /** Whether ACLs decide, are only logged (shadowing), or are not asked. */
  readonly mode: 'off' | 'shadow' | 'on'
  readonly acls: readonly StoredAcl[]
}

export interface AclChange {
  readonly add: readonly StoredAcl[]
  readonly remove: readonly StoredAcl[]
}

/** What a setting belongs to. Settings of topics are part of the topic. */
export type SettingKind = 'broker' | 'group' | 'client_metrics' | 'quota'

/** A setting that was changed while the cluster ran. */
export interface Setting {
  readonly kind: SettingKind
  /** Which broker, group, client metrics subscription or quota entity; the words are the broker's. */
  readonly entity: string
  readonly name: string
  readonly value: string
}

/** A new value; null removes the setting. */
export type SettingChange = Omit<Setting, 'value'> & { readonly value: string | null }

export interface Settings {
  /** Grows with every change. */
  readonly version: number
  readonly settings: readonly Setting[]
}

/**
 * What a cluster knows: topics, which object holds which offsets, producers, groups' offsets. Records are not in it.
 * Every call is one transaction for all its items; calls that are made together may share a transaction.
 * A call that could not be carried out rejects with a MetadataError, and nothing of it has happened, except with the
 * code `unknown_outcome`: then it may have happened, and only asking tells.
 */
export interface Metadata {
  /** The cluster's id as clients see it; it stays the same for the life of the data. */
  readonly clusterId: string

  /** The time by which the metadata go, in milliseconds since 1970: that of the database, whoever asks. */
  time(): Promise<number>

  /**
   * Called once when the data are lost without having been closed: every call is refused from then on, and
   * whoever needs them has to start again. What was answered before is kept. Returns the way to stop it.
   */
  onLost(listener: (reason: MetadataError) => void): () => void

  // Topics

  /** The topics as last heard of, without waiting. What this process changed is always in it. */
  catalog(): Catalog
  /** Reads the topics again where another process may have changed them. Nothing negative may be answered before it. */
  refresh(): Promise<Catalog>
  /** Called after every change of the catalog. Returns the way to stop it. */
  onTopicsChanged(listener: (catalog: Catalog) => void): () => void
  /** Creates topics; names are not checked here beyond being new. */
  createTopics(topics: readonly NewTopic[]): Promise<Outcome<Topic, TopicErrorCode>[]>
  /**
   * Deletes topics with all that belongs to them: records, producers' state, groups' offsets. They can be brought back
   * for `keepMs`, or not at all where it is null.
   */
  deleteTopics(ids: readonly TopicId[], keepMs: number | null): Promise<Outcome<Topic, TopicErrorCode>[]>
  /** The topics that can be brought back, the one that was deleted first before the others. */
  deletedTopics(): Promise<DeletedTopic[]>
  /** Brings deleted topics back as they were, unless there is a topic of the same name now. */
  undeleteTopics(ids: readonly TopicId[]): Promise<Outcome<Topic, TopicErrorCode>[]>
  /** Deletes for good what can be brought back no longer, or with `isAll` everything; returns the names of the topics. */
  purgeDeletedTopics(isAll: boolean): Promise<string[]>
  /** Deletes for good a topic that can be brought back; without such a topic nothing happens. */
  purgeDeletedTopic(id: TopicId): Promise<void>
  /** Raises the number of partitions; a number that is not larger is INVALID_PARTITIONS. */
  createPartitions(
    changes: readonly { topic: TopicId; partitions: number }[],
  ): Promise<Outcome<Topic, TopicErrorCode>[]>
  /** Replaces what is set on a topic. */
  setTopicConfigs(
    changes: readonly { topic: TopicId; configs: Readonly<Record<string, string>> }[],
  ): Promise<Outcome<Topic, TopicErrorCode>[]>

  // The log

  /** A new upload epoch. Objects are put and committed under it; one that is not renewed in time is closed for good. */
  openEpoch(): Promise<number>
  /** Keeps an epoch open; false when it was closed meanwhile. */
  renewEpoch(epoch: number): Promise<boolean>
  /** Closes an epoch, so that its objects which were never committed may be swept. */
  closeEpoch(epoch: number): Promise<void>
  /**
   * Makes objects visible: gives their batches offsets, checks idempotent producers, remembers where all lies.
   * Answers an array for each object with an assignment for each of its batches.
   * Rejects with `epoch_closed` when an object's epoch is not open.
   */
  commit(objects: readonly NewObject[]): Promise<Assignment[][]>
  /** Where the records from an offset on lie, with the partition's bounds of the same moment. */
  findExtents(queries: readonly ExtentQuery[]): Promise<(ExtentAnswer | null)[]>
  /** Where to look for a timestamp; undefined where no extent qualifies, null where there is no such partition. */
  findByTime(queries: readonly TimeQuery[]): Promise<(Extent | undefined | null)[]>
  bounds(partitions: readonly PartitionId[]): Promise<(PartitionBounds | null)[]>
  /** Moves log starts forward (DeleteRecords); a start that is lower than the present one, or above the high watermark, changes nothing. */
  advanceLogStart(changes: readonly { partition: PartitionId; offset: number }[]): Promise<(PartitionBounds | null)[]>
  /** Called after every commit, of this process or another one, with what it added. Returns how to stop listening. */
  onAppend(listener: AppendListener): () => void

  // Producers

  /** Forgets what is known of producers that were idle for `idleMs`; they may go on with any sequence. */
  expireProducers(idleMs: number): Promise<void>
  /** Reserves unused producer ids; returns the first of `count` consecutive ones. */
  allocateProducerIds(count: number): Promise<number>

  /** The producers that are remembered in each of these partitions. */
  activeProducers(partitions: readonly PartitionId[]): Promise<ActiveProducer[][]>

  // Transactions

  /**
   * Lets something happen to a transactional id (see `stepTransaction`). `partitions` are added to the transaction when
   * the event is a `begin`. Where no partition needs a marker the transaction is ended at once, with the offsets in it;
   * else by committing the markers. Rejects with `fenced`.
   */
  stepTransaction(
    id: string,
    event: TransactionEvent,
    partitions: readonly PartitionId[],
    fence: Fence,
  ): Promise<TransactionAnswer>
  /** The transactional ids that are known; null for the others. */
  findTransactions(ids: readonly string[]): Promise<(DescribedTransaction | null)[]>
  /** All transactional ids, by name. */
  listTransactions(): Promise<Transaction[]>
  /** The transactions that are open for longer than their timeout, and those whose abort was begun; at most `limit`. */
  overdueTransactions(limit: number): Promise<string[]>
  /** Forgets transactional ids without an open transaction that were idle for `idleMs`; answers which. */
  expireTransactions(idleMs: number): Promise<string[]>
  /**
   * Keeps a group's offsets until the transaction ends. An event that is refused stores nothing; each offset whose topic
   * or partition is gone has an error. Rejects with `fenced`.
   */
  commitTransactionOffsets(
    id: string,
    event: Extract<TransactionEvent, { readonly kind: 'begin' | 'join' }>,
    group: string,
    offsets: readonly CommittedOffset[],
    fence: Fence,
  ): Promise<{ effect: TransactionEffect; problems: (null | 'UNKNOWN_TOPIC_OR_PARTITION')[] }>
  /** The partitions of which a group has offsets in open transactions. */
  pendingOffsets(group: string): Promise<PendingOffset[]>

  // Leases

  /**
   * Takes the leases that are free or have expired and extends those that the holder has; answers every lease as it is
   * then, whoever holds it. Time is the database's.
   */
  acquireLeases(names: readonly string[], holder: LeaseHolder, durationMs: number): Promise<Lease[]>
  /** Extends leases; false for those that have passed to another holder. An expired lease without a new holder is extended. */
  renewLeases(fences: readonly Fence[], holderId: string, durationMs: number): Promise<boolean[]>
  /** Gives back all leases of a holder, which thereby expire at once. */
  releaseLeases(holderId: string): Promise<void>
  /**
   * Gives a lease this epoch unless it has a higher one: whatever carries a lower one is refused from then on. For leases
   * whose holders are decided elsewhere, so that they do not expire. Resolves to whether the lease has this epoch.
   */
  raiseFence(fence: Fence): Promise<boolean>
  /** The leases that are held now; null for those that are free. */
  findLeases(names: readonly string[]): Promise<(Lease | null)[]>

  // Groups. What is written carries the fence of the group's coordinator, checked in the same transaction.

  /** Answers an error for each offset whose topic or partition is gone. Rejects with `fenced`. */
  commitOffsets(
    group: string,
    offsets: readonly CommittedOffset[],
    fence: Fence,
  ): Promise<(null | 'UNKNOWN_TOPIC_OR_PARTITION')[]>
  /** All offsets of a group; an unknown group has none. */
  groupOffsets(group: string): Promise<CommittedOffset[]>
  /** Forgets single offsets. Rejects with `fenced`. */
  deleteOffsets(
    group: string,
    partitions: readonly { topic: TopicId; partition: number }[],
    fence: Fence,
  ): Promise<void>
  /** The groups that are remembered, because they have offsets or a saved state. */
  listGroups(): Promise<string[]>
  /** Keeps the opaque state of a group. Rejects with `fenced`. */
  saveGroup(group: string, state: Uint8Array, fence: Fence): Promise<void>
  /** The saved state of a group, or null. */
  loadGroup(group: string): Promise<Uint8Array | null>
  /** Whether a group was saved or has offsets. */
  isGroupKnown(group: string): Promise<boolean>
  /** Forgets a group with its offsets and state; false when it was not known. Rejects with `fenced`. */
  deleteGroup(group: string, fence: Fence): Promise<boolean>
  /** The groups that committed nothing for `idleMs` milliseconds, those without any offset among them. */
  idleGroups(idleMs: number): Promise<string[]>
  /** Forgets a group like `deleteGroup` if it is still idle; answers whether it was forgotten. Rejects with `fenced`. */
  expireGroup(group: string, idleMs: number, fence: Fence): Promise<boolean>

  // Security

  /** All users of the Kafka port, oldest first. */
  credentials(): Promise<StoredCredential[]>
  findCredential(username: string): Promise<StoredCredential | null>
  /** Adds users, or replaces the keys of those that there are. */
  putCredentials(credentials: readonly NewCredential[]): Promise<void>
  /** Forgets users; answers which of them were known. */
  deleteCredentials(usernames: readonly string[]): Promise<boolean[]>
  /** Forgets the keys of one hash, and the user with the last of them; false where there were none. */
  deleteScramKeys(username: string, hash: 'sha256' | 'sha512'): Promise<boolean>
  /** Forgets users whose time is over. */
  expireCredentials(): Promise<void>
  /** Tells whether `credentials` or `aclRules` would answer something new. */
  securityVersion(): Promise<number>
  aclRules(): Promise<AclRules>
  setAclMode(mode: AclRules['mode']): Promise<void>
  /** Adds and removes ACLs; answers all of them after it. */
  changeAcls(change: AclChange): Promise<AclRules>

  // Settings

  /** Tells whether `settings` would return something new. */
  settingsVersion(): Promise<number>
  settings(): Promise<Settings>
  /** Sets and removes settings, all or none; returns all settings after the change. A setting occurs once in `changes`. */
  changeSettings(changes: readonly SettingChange[]): Promise<Settings>

  // Housekeeping

  /** Carries out retention on at most a bounded number of extents; true when there is more to do. */
  retain(rules: readonly RetentionRule[]): Promise<boolean>
  /** The oldest objects of those that the rule is about; none when there are too few. */
  mergeCandidates(rule: MergeRule): Promise<MergeCandidate[]>
  /**
   * The oldest objects of which less than half is still there, at most `maxObjects`, with
   * about `maxBytes` that are.
   */
  sparseObjects(maxObjects: number, maxBytes: number): Promise<MergeCandidate[]>
  /**
   * Lets an object take the place of all extents from which it was made: merged as they were, or what `cleaning` has left
   * of them. False when one of them is not there any more: then nothing has changed, and the object is of no use.
   * Rejects with `epoch_closed` like `commit`.
   */
  replaceExtents(made: MadeObject, replaced: readonly Extent[], cleaning?: Cleaning): Promise<boolean>
  /** How far compaction has come in partitions: the first offset that was not cleaned yet, 0 where it never ran. */
  cleanedUntil(partitions: readonly PartitionId[]): Promise<number[]>
  /** Objects that have been dead for at least `graceMs`, at most `limit`. */
  deadObjects(graceMs: number, limit: number): Promise<DeadObject[]>
  /** Forgets dead objects, after they were deleted from the store. */
  forgetObjects(ids: readonly number[]): Promise<void>
  /** Closes the epochs that were not renewed for `expiryMs`; answers the closed ones that may still have orphans. */
  closedEpochs(expiryMs: number): Promise<number[]>
  /** Which of these keys of a closed epoch are known as objects. */
  knownObjects(keys: readonly string[]): Promise<boolean[]>
  /** Forgets a closed epoch once its orphans are gone. */
  forgetEpoch(epoch: number): Promise<void>

  // Manifests

  /**
   * The rows of a table that follow the one with these values of the primary key, in its order, at most `limit`; null for
   * the first ones.
   */
  snapshotRows(table: SnapshotTable, after: SnapshotRow | null, limit: number): Promise<SnapshotRow[]>

  /** Finishes what was begun and lets go of the data. */
  close(): Promise<void>
}
