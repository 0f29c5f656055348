export { MetadataError } from './errors.ts'
export type {
  AclRules,
  Appended,
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
export { openSqliteMetadata } from './sqlite.ts'
export { storedScramKeys, usableScramKeys } from './scram-keys.ts'
