export type { ClassicGroup } from './classic-group.ts'
export type { Group } from './group.ts'
export { type CommitPermission, type DescribedGroup, Groups } from './groups.ts'
export { leaseOfGroup } from './shard.ts'
