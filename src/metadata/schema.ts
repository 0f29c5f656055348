/** The tables of a cluster's metadata, declared once; each database makes its own statements of them. */
export interface Table {
  readonly name: string
  readonly columns: Readonly<Record<string, Column>>
  readonly primaryKey: readonly string[]
  readonly unique?: readonly (readonly string[])[]
  readonly indexes?: readonly (readonly string[])[]
}

/** `serial` is an integer that the database counts up and never gives twice. */
export type ColumnType = 'serial' | 'integer' | 'text' | 'bytes'

export interface Column {
  readonly type: ColumnType
  readonly nullable?: true
}

const serial: Column = { type: 'serial' }
const integer: Column = { type: 'integer' }
const text: Column = { type: 'text' }
const bytes: Column = { type: 'bytes' }
const nullable = (column: Column): Column => ({ ...column, nullable: true })

/** Raised when the tables change; a database of another version is not opened. */
export const SCHEMA_VERSION = 1

/** Times are milliseconds since 1970, sizes are bytes. */
export const TABLES: readonly Table[] = [
  // Single facts: cluster_id, schema_version, catalog_version, next_producer_id.
  { name: 'facts', columns: { name: text, value: text }, primaryKey: ['name'] },
  {
    name: 'topics',
    columns: { id: text, name: text, configs: text, created_at: integer },
    primaryKey: ['id'],
    unique: [['name']],
  },
  {
    name: 'partitions',
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
      last_append_at: integer,
    },
    primaryKey: ['id'],
    unique: [['topic', 'number']],
  },
  // Partitions of deleted topics whose extents are not all gone yet.
  { name: 'doomed_partitions', columns: { id: integer }, primaryKey: ['id'] },
  {
    name: 'objects',
    columns: {
      id: serial,
      key: text,
      size_bytes: integer,
      // An object dies with its last extent; it is deleted some time later, for readers that still know it.
      extents: integer,
      dead_at: nullable(integer),
    },
    primaryKey: ['id'],
    unique: [['key']],
    indexes: [['dead_at', 'size_bytes']],
  },
  {
    name: 'extents',
    columns: {
      partition: integer,
      last_offset: integer,
      base_offset: integer,
      object: integer,
      position: integer,
      size_bytes: integer,
      max_timestamp: integer,
      // -1 when the records keep their own timestamps.
      append_timestamp: integer,
    },
    // By the last offset, for "the first extent that ends at or after O" is then a plain search.
    primaryKey: ['partition', 'last_offset'],
    // For merging, which begins with objects.
    indexes: [['object']],
  },
  {
    name: 'producers',
    columns: {
      partition: integer,
      id: integer,
      epoch: integer,
      // JSON: the latest five batches as [first sequence, last sequence, base offset], oldest first.
      batches: text,
      // The first offset of the producer's open transaction here, or null.
      transaction_start: nullable(integer),
      updated_at: integer,
    },
    primaryKey: ['partition', 'id'],
  },
  { name: 'epochs', columns: { id: serial, open: integer, renewed_at: integer }, primaryKey: ['id'] },
  { name: 'groups', columns: { id: text, state: bytes }, primaryKey: ['id'] },
  {
    name: 'group_offsets',
    columns: {
      group_id: text,
      topic: text,
      partition: integer,
      committed: integer,
      leader_epoch: integer,
      metadata: text,
      committed_at: integer,
    },
    primaryKey: ['group_id', 'topic', 'partition'],
  },
]
