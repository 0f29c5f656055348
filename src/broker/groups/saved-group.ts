// The persisted form of a classic group: generation, members and assignment, as in Kafka's own log of groups.
import type { ClassicGroup, Member } from './classic-group.ts'
import { emptyGroup } from './classic-group.ts'

type SavedMember = Omit<Member, 'protocols' | 'assignment' | 'joining' | 'syncing' | 'hasSynced'> & {
  readonly protocols: readonly { readonly name: string; readonly metadata: string }[]
  readonly assignment: string
}

export interface SavedGroup {
  readonly version: 1
  readonly generation: number
  readonly protocolType: string | null
  readonly protocol: string | null
  readonly leader: string | null
  readonly members: readonly SavedMember[]
  /** Absent in groups saved by former versions. */
  readonly emptySince?: number | null
}

/** @param emptySince when the last member left, in milliseconds since 1970, or null while there are members */
export function saveClassicGroup(group: ClassicGroup, emptySince: number | null): Buffer {
  const { generation, protocolType, protocol, leader } = group
  // In a group that forms for the first time no member has an assignment yet, so the next coordinator starts over.
  const isForming = generation === 1 && group.phase === 'CompletingRebalance'
  const kept = isForming ? [] : [...group.members.values()]
  const members = kept.map(
    ({
      joining: _joining,
      syncing: _syncing,
      hasSynced: _hasSynced,
      protocols,
      assignment,
      ...member
    }): SavedMember => ({
      ...member,
      protocols: protocols.map(({ name, metadata }) => ({ name, metadata: metadata.toString('base64') })),
      assignment: assignment.toString('base64'),
    }),
  )
  const saved: SavedGroup = { version: 1, generation, protocolType, protocol, leader, members, emptySince }
  return Buffer.from(JSON.stringify(saved))
}

/** Restores a saved group: stable, or empty. Its members have a full session to send a heartbeat. */
export function loadClassicGroup(saved: SavedGroup): {
  readonly group: ClassicGroup
  readonly emptySince: number | null
} {
  const members = saved.members.map(
    (member): Member => ({
      ...member,
      protocols: member.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata, 'base64') })),
      assignment: Buffer.from(member.assignment, 'base64'),
      joining: null,
      syncing: null,
      hasSynced: true,
    }),
  )
  const group: ClassicGroup = {
    ...emptyGroup,
    phase: members.length === 0 ? 'Empty' : 'Stable',
    generation: saved.generation,
    protocolType: saved.protocolType,
    protocol: saved.protocol,
    leader: saved.leader,
    members: new Map(members.map(member => [member.id, member])),
  }
  return { group, emptySince: saved.emptySince ?? null }
}
