export { MetadataError } from './errors.ts'
export type {
  AclRules,
  Appended,
  AppendListener,
  Assignment,
  Catalog,
  CommittedOffset,
  Extent,
  Fence,
  LeaseHolder,
  MergeCandidate,
  MergeRule,
  Metadata,
  NewBatch,
  NewCredential,
  PartitionBounds,
  PartitionId,
  RetentionRule,
  Setting,
  SettingChange,
  SettingKind,
  Settings,
  StoredAcl,
  StoredCredential,
  Topic,
  TopicId,
} from './metadata.ts'
export { MetadataHub } from './hub.ts'
export { openPostgresMetadata } from './postgres.ts'
export { openSqliteMetadata } from './sqlite.ts'
export { storedScramKeys, usableScramKeys } from './scram-keys.ts'
