export type { Group } from './group.ts'
export { type CommitPermission, Groups } from './groups.ts'
