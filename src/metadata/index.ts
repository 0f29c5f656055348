export { MetadataError, type MetadataErrorCode } from './errors.ts'
export type {
  AbortedTransaction,
  AclRules,
  ActiveProducer,
  Appended,
  AppendListener,
  Assignment,
  BatchTransaction,
  Catalog,
  Cleaning,
  CommittedOffset,
  DescribedTransaction,
  Extent,
  Fence,
  LeaseHolder,
  MergeCandidate,
  Metadata,
  NewBatch,
  NewCredential,
  PartitionBounds,
  PartitionId,
  RetentionRule,
  SettingChange,
  SettingKind,
  Settings,
  StoredAcl,
  StoredCredential,
  Topic,
  TopicId,
  TransactionAnswer,
} from './metadata.ts'
export { MetadataHub } from './hub.ts'
export { type CallName, isCallName, isRepeatable } from './calls.ts'
export { MetadataClient } from './client.ts'
export { openPostgresMetadata, openPostgresTransport } from './postgres.ts'
export { openSqliteMetadata, openSqliteTransport } from './sqlite.ts'
export type { Change, Transport } from './transport.ts'
export { restoreSnapshot } from './restore.ts'
export {
  snapshotColumns,
  snapshotKey,
  type SnapshotRow,
  type SnapshotTable,
  snapshotTableNames,
  type SnapshotValue,
} from './operations/snapshot.ts'
export { storedScramKeys, usableScramKeys } from './scram-keys.ts'
export type {
  ProducerIdentity,
  Transaction,
  TransactionEnd,
  TransactionEvent,
} from './transaction.ts'
