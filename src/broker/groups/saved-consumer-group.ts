// The persisted form of a `consumer` group. Everything is kept, because members continue at the epochs they know.
import type { Assignment } from './assignors.ts'
import type { ConsumerGroup, ConsumerMember, ConsumerPhase } from './consumer-group.ts'

type SavedAssignment = readonly (readonly [topic: string, partitions: readonly number[]])[]

type SavedMember = Omit<ConsumerMember, 'assigned' | 'revoking' | 'classic' | 'visibleTopics'> & {
  /** Absent in groups saved by former versions. */
  readonly visibleTopics?: ConsumerMember['visibleTopics']
  readonly assigned: SavedAssignment
  readonly revoking: SavedAssignment
  readonly target: SavedAssignment
  readonly classic: {
    readonly sessionTimeoutMs: number
    readonly protocols: readonly { readonly name: string; readonly metadata: string }[]
  } | null
}

export interface SavedConsumerGroup {
  readonly version: 2
  readonly type: 'consumer'
  readonly phase: ConsumerPhase
  readonly epoch: number
  readonly assignmentEpoch: number
  readonly assignor: string
  readonly members: readonly SavedMember[]
  readonly topics: readonly (readonly [topic: string, partitions: number])[]
  readonly emptySince: number | null
}

/** @param emptySince when the last member left, in milliseconds since 1970, or null while there are members */
export function saveConsumerGroup(group: ConsumerGroup, emptySince: number | null): Buffer {
  const { phase, epoch, assignmentEpoch, assignor, targets } = group
  const members = [...group.members.values()].map(({ assigned, revoking, classic, ...member }): SavedMember => {
    const protocols = (classic?.protocols ?? []).map(({ name, metadata }) => {
      return { name, metadata: metadata.toString('base64') }
    })
    return {
      ...member,
      assigned: [...assigned],
      revoking: [...revoking],
      target: [...(targets.get(member.id) ?? [])],
      classic: classic === null ? null : { sessionTimeoutMs: classic.sessionTimeoutMs, protocols },
    }
  })
  const topics = [...group.topics]
  const saved: SavedConsumerGroup = {
    version: 2,
    type: 'consumer',
    phase,
    epoch,
    assignmentEpoch,
    assignor,
    members,
    topics,
    emptySince,
  }
  return Buffer.from(JSON.stringify(saved))
}

/** Restores a saved group. */
export function loadConsumerGroup(saved: SavedConsumerGroup): ConsumerGroup {
  const { phase, epoch, assignmentEpoch, assignor, topics } = saved
  const members = saved.members.map(({ target: _target, assigned, revoking, classic, ...member }): ConsumerMember => {
    const protocols = (classic?.protocols ?? []).map(({ name, metadata }) => {
      return { name, metadata: Buffer.from(metadata, 'base64') }
    })
    return {
      ...member,
      visibleTopics: member.visibleTopics ?? null,
      assigned: new Map(assigned),
      revoking: new Map(revoking),
      classic: classic === null ? null : { sessionTimeoutMs: classic.sessionTimeoutMs, protocols },
    }
  })
  const targets = new Map<string, Assignment>(saved.members.map(({ id, target }) => [id, new Map(target)]))
  return {
    type: 'consumer',
    phase: members.length === 0 ? 'Empty' : phase,
    epoch,
    assignmentEpoch,
    assignor,
    members: new Map(members.map(member => [member.id, member])),
    targets,
    topics: new Map(topics),
  }
}
