import {
  bytes,
  createTable,
  integer,
  json,
  type Migration,
  nullable,
  type Row,
  serial,
  type Table,
  text,
  time,
} from '../database/index.ts'

// The tables of a cluster's metadata, declared once for every database. Sizes are in bytes.

const facts = {
  // Single facts: cluster_id, catalog_version, next_producer_id.
  columns: { name: text, value: text },
  primaryKey: ['name'],
} satisfies Table

const topics = {
  columns: { id: text, name: text, configs: json, created_at: time },
  primaryKey: ['id'],
  unique: [['name']],
} satisfies Table

const partitions = {
  columns: {
    id: serial,
    topic: text,
    number: integer,
    log_start: integer,
    next_offset: integer,
    // The first offset of the oldest open transaction, or null.
    first_unstable: nullable(integer),
    size_bytes: integer,
    // LogAppendTime must not run backwards within a partition.
    last_append_at: time,
  },
  primaryKey: ['id'],
  unique: [['topic', 'number']],
  isHot: true,
} satisfies Table

/** Deleted topics that can still be restored, with their partitions. */
const deletedTopics = {
  columns: { id: text, name: text, configs: json, created_at: time, deleted_at: time, purge_at: time },
  primaryKey: ['id'],
} satisfies Table
const deletedPartitions = {
  columns: {
    id: integer,
    topic: text,
    number: integer,
    log_start: integer,
    next_offset: integer,
    first_unstable: nullable(integer),
    size_bytes: integer,
    last_append_at: time,
  },
  primaryKey: ['id'],
  indexes: [['topic']],
} satisfies Table

/** Partitions of deleted topics that still have extents. */
const doomedPartitions = { columns: { id: integer }, primaryKey: ['id'] } satisfies Table

/** Partitions whose start was advanced past extents that still exist. */
const cutPartitions = { columns: { id: integer }, primaryKey: ['id'] } satisfies Table

const objects = {
  columns: {
    id: serial,
    key: text,
    size_bytes: integer,
    // An object is dead once its last extent is gone; it is deleted after a delay, for readers that still refer to it.
    extents: integer,
    dead_at: nullable(time),
  },
  primaryKey: ['id'],
  unique: [['key']],
  indexes: [['dead_at', 'size_bytes']],
} satisfies Table

const extents = {
  columns: {
    partition: integer,
    last_offset: integer,
    base_offset: integer,
    object: integer,
    position: integer,
    size_bytes: integer,
    max_timestamp: time,
    // -1 if the records keep their own timestamps.
    append_timestamp: time,
  },
  // By last offset, so that "the first extent that ends at or after O" is a plain range search.
  primaryKey: ['partition', 'last_offset'],
  // For merging, which starts from objects.
  indexes: [['object']],
} satisfies Table

const producers = {
  columns: {
    partition: integer,
    id: integer,
    epoch: integer,
    // The latest five batches as [first sequence, last sequence, base offset], oldest first.
    batches: json,
    // The first offset of the producer's open transaction here, or null.
    transaction_start: nullable(integer),
    updated_at: time,
  },
  primaryKey: ['partition', 'id'],
  isHot: true,
} satisfies Table

const epochs = { columns: { id: serial, open: integer, renewed_at: time }, primaryKey: ['id'] } satisfies Table

const groups = { columns: { id: text, state: bytes }, primaryKey: ['id'] } satisfies Table

const groupOffsets = {
  columns: {
    group_id: text,
    topic: text,
    partition: integer,
    committed: integer,
    leader_epoch: integer,
    metadata: text,
    committed_at: time,
  },
  primaryKey: ['group_id', 'topic', 'partition'],
} satisfies Table

/** Transactional ids and their latest transactions. */
const transactions = {
  columns: {
    id: text,
    producer_id: integer,
    epoch: integer,
    timeout_ms: integer,
    phase: text,
    started_at: nullable(time),
    // When to abort the open transaction; null while none is open.
    abort_at: nullable(time),
    previous_producer_id: nullable(integer),
    previous_epoch: nullable(integer),
    updated_at: time,
  },
  primaryKey: ['id'],
  indexes: [['abort_at']],
  isHot: true,
} satisfies Table

/** The partitions of open transactions. */
const transactionPartitions = {
  columns: { transaction_id: text, partition: integer },
  primaryKey: ['transaction_id', 'partition'],
} satisfies Table

/** The groups whose offsets open transactions may commit. */
const transactionGroups = {
  columns: { transaction_id: text, group_id: text },
  primaryKey: ['transaction_id', 'group_id'],
} satisfies Table

/** Offsets of groups that take effect when the transaction commits. */
const transactionOffsets = {
  columns: {
    transaction_id: text,
    group_id: text,
    topic: text,
    partition: integer,
    committed: integer,
    leader_epoch: integer,
    metadata: text,
  },
  primaryKey: ['transaction_id', 'group_id', 'topic', 'partition'],
  indexes: [['group_id']],
} satisfies Table

/** Aborted transactions by partition and the offset of their marker there. */
const abortedTransactions = {
  columns: { partition: integer, last_offset: integer, producer_id: integer, first_offset: integer },
  primaryKey: ['partition', 'last_offset'],
} satisfies Table

/** Users of the Kafka port. Keys are JSON with base64 values; a password is never stored. */
const credentials = {
  columns: {
    username: text,
    // Id and display name in the HTTP API; empty for users created by Kafka's own tools.
    id: text,
    name: text,
    sha256: nullable(json),
    sha512: nullable(json),
    superuser: integer,
    expires_at: nullable(time),
    created_at: time,
  },
  primaryKey: ['username'],
} satisfies Table

const acls = {
  columns: {
    id: serial,
    resource_type: text,
    resource_name: text,
    pattern_type: text,
    principal: text,
    host: text,
    operation: text,
    permission: text,
  },
  primaryKey: ['id'],
  unique: [['resource_type', 'resource_name', 'pattern_type', 'principal', 'host', 'operation', 'permission']],
} satisfies Table

/** Settings changed at runtime, other than those of topics: of brokers, groups, clients. */
const settings = {
  columns: { kind: text, entity: text, name: text, value: text },
  primaryKey: ['kind', 'entity', 'name'],
} satisfies Table

export type SettingRow = Row<typeof settings>
export type CredentialRow = Row<typeof credentials>
export type AclRow = Row<typeof acls>
/**
 * Who may act in a role, for instance as the coordinator of a share of the groups. A new holder gets a higher epoch,
 * which its writes carry, so that no write of a former holder is accepted any more.
 */
const leases = {
  columns: { name: text, epoch: integer, holder_id: text, holder: json, expires_at: time },
  primaryKey: ['name'],
  isHot: true,
} satisfies Table

/** Compaction progress of a partition: everything before the offset has been cleaned. */
const cleanings = { columns: { partition: integer, until: integer }, primaryKey: ['partition'] } satisfies Table

/**
 * The tables in a manifest in the bucket, from which metadata can be rebuilt; `docs/adr/0026-rebuild.md` says what is
 * omitted. Ordered so that nothing committed in the meantime is missed: partitions before their contents.
 */
export const snapshotTables = {
  facts,
  topics,
  partitions,
  deleted_topics: deletedTopics,
  deleted_partitions: deletedPartitions,
  objects: { ...objects, columns: { ...objects.columns, live_bytes: integer } },
  extents,
  producers,
  aborted_transactions: abortedTransactions,
  transactions,
  group_offsets: groupOffsets,
  cleanings,
  settings,
  acls,
  epochs,
} satisfies Record<string, Table>

export type TopicRow = Row<typeof topics>
export type DeletedTopicRow = Row<typeof deletedTopics>
export type PartitionRow = Row<typeof partitions>
export type ObjectRow = Row<typeof objects> & {
  /** Bytes used by its extents; the rest is garbage. */
  readonly live_bytes: number
}
export type ProducerRow = Row<typeof producers>
export type GroupOffsetRow = Row<typeof groupOffsets>
export type LeaseRow = Row<typeof leases>
export type TransactionRow = Row<typeof transactions>

/** The history of the tables. A released step is never changed; a change is another step. */
export const migrations: readonly Migration[] = [
  {
    name: 'topics, log, producers, groups',
    statements: dialect => [
      ...createTable('facts', facts, dialect),
      ...createTable('topics', topics, dialect),
      ...createTable('partitions', partitions, dialect),
      ...createTable('doomed_partitions', doomedPartitions, dialect),
      ...createTable('objects', objects, dialect),
      ...createTable('extents', extents, dialect),
      ...createTable('producers', producers, dialect),
      ...createTable('epochs', epochs, dialect),
      ...createTable('groups', groups, dialect),
      ...createTable('group_offsets', groupOffsets, dialect),
      `INSERT INTO facts (name, value) VALUES ('catalog_version', '0'), ('next_producer_id', '0') ON CONFLICT DO NOTHING`,
    ],
  },
  {
    name: 'credentials and ACLs',
    statements: dialect => [
      ...createTable('credentials', credentials, dialect),
      ...createTable('acls', acls, dialect),
      `INSERT INTO facts (name, value) VALUES ('security_version', '0') ON CONFLICT DO NOTHING`,
    ],
  },
  { name: 'leases', statements: dialect => createTable('leases', leases, dialect) },
  {
    name: 'settings',
    statements: dialect => [
      ...createTable('settings', settings, dialect),
      `INSERT INTO facts (name, value) VALUES ('settings_version', '0') ON CONFLICT DO NOTHING`,
    ],
  },
  {
    name: 'transactions',
    statements: dialect => [
      ...createTable('transactions', transactions, dialect),
      ...createTable('transaction_partitions', transactionPartitions, dialect),
      ...createTable('transaction_offsets', transactionOffsets, dialect),
      ...createTable('aborted_transactions', abortedTransactions, dialect),
      // Only those with an open transaction are indexed, so the others cost nothing extra.
      'CREATE INDEX IF NOT EXISTS producers_open ON producers (partition) WHERE transaction_start IS NOT NULL',
    ],
  },
  { name: 'compaction', statements: dialect => createTable('cleanings', cleanings, dialect) },
  {
    name: 'room on the disk is given back sooner',
    statements: dialect => [
      ...createTable('cut_partitions', cutPartitions, dialect),
      'ALTER TABLE objects ADD COLUMN live_bytes bigint NOT NULL DEFAULT 0',
      `UPDATE objects SET live_bytes =
         (SELECT COALESCE(SUM(extents.size_bytes), 0) FROM extents WHERE extents.object = objects.id)`,
      // Few objects are mostly garbage at any time, and the others cost nothing.
      'CREATE INDEX objects_sparse ON objects (id) WHERE dead_at IS NULL AND live_bytes * 2 < size_bytes',
    ],
  },
  {
    name: 'deleted topics can be brought back',
    statements: dialect => [
      ...createTable('deleted_topics', deletedTopics, dialect),
      ...createTable('deleted_partitions', deletedPartitions, dialect),
    ],
  },
  {
    name: 'the groups of a transaction',
    statements: dialect => createTable('transaction_groups', transactionGroups, dialect),
  },
]
