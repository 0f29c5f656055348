// What the coordinator needs to know about a group regardless of its protocol, and how a group changes its protocol.
import { unreachable } from '../../base/index.ts'
import { ErrorCode } from '../../kafka/index.ts'
import type { Catalog } from '../../metadata/index.ts'
import {
  beginRebalance,
  type ClassicEvent,
  type ClassicGroup,
  emptyGroup,
  type GroupEffect,
  type GroupSettings,
  step,
  type Timer,
} from './classic-group.ts'
import {
  type ConsumerEvent,
  type ConsumerGroup,
  type ConsumerHeartbeatEvent,
  type ConsumerSurroundings,
  stepConsumerGroup,
} from './consumer-group.ts'
import { refusedHeartbeat } from './consumer-draft.ts'
import { classicGroupOf, consumerGroupOf } from './conversion.ts'
import { loadConsumerGroup, type SavedConsumerGroup, saveConsumerGroup } from './saved-consumer-group.ts'
import { loadClassicGroup, saveClassicGroup, type SavedGroup } from './saved-group.ts'
import { subscribedTopics } from './subscription.ts'

/** A group of any protocol; `type` is the group type of Kafka's ListGroups. */
export type Group = ClassicGroup | ConsumerGroup

export type GroupEvent = ConsumerEvent

/** What a group needs to know about the rest of the cluster at the moment of an event. */
export interface Surroundings {
  readonly classic: GroupSettings
  readonly consumer: ConsumerSurroundings
}

type Step = [Group, GroupEffect[]]

/** A group without any stored state: the first member determines its protocol. */
export const unknownGroup: Group = emptyGroup

export function stepGroup(group: Group, event: GroupEvent, surroundings: Surroundings): Step {
  switch (group.type) {
    case 'classic':
      if (event.kind === 'consumerHeartbeat') return upgrade(group, event, surroundings)
      return event.kind === 'topics' ? [group, []] : step(group, event, surroundings.classic)
    case 'consumer':
      if (event.kind === 'join' && group.members.size === 0 && group.phase !== 'Dead') {
        return rejoinAsClassic(group, event, surroundings)
      }
      return downgraded(stepConsumerGroup(group, event, surroundings.consumer), surroundings)
    default:
      return unreachable(group)
  }
}

/** A member of the new protocol joins a classic group: the group is converted if the member is admitted. */
function upgrade(group: ClassicGroup, event: ConsumerHeartbeatEvent, { consumer }: Surroundings): Step {
  const refuse = (errorCode: ErrorCode, message: string | null): Step => {
    const answer = refusedHeartbeat(errorCode, message, event.memberId)
    return [group, [{ kind: 'answerHeartbeat', request: event.request, answer }]]
  }
  if (group.phase === 'Dead') return refuse(ErrorCode.COORDINATOR_NOT_AVAILABLE, null)
  if (event.memberEpoch !== 0) return refuse(ErrorCode.GROUP_ID_NOT_FOUND, 'There is no consumer group of this id.')
  const converted = consumerGroupOf(group, consumer.catalog)
  if (converted === undefined) {
    return refuse(ErrorCode.GROUP_ID_NOT_FOUND, 'The group has members that cannot be converted to the new protocol.')
  }
  const [after, effects] = stepConsumerGroup(converted, event, consumer)
  if (!hasConsumers(after)) return [group, effects.filter(({ kind }) => kind === 'answerHeartbeat')]
  return [after, [...endOfClassic(group), ...effects]]
}

/**
 * The effects that end the classic protocol: its timers are cleared, and requests that wait for others are answered.
 */
function endOfClassic(group: ClassicGroup): GroupEffect[] {
  const effects: GroupEffect[] = [
    { kind: 'clearTimer', timer: { kind: 'rebalance' } },
    { kind: 'clearTimer', timer: { kind: 'sync' } },
  ]
  for (const memberId of group.pending) effects.push({ kind: 'clearTimer', timer: { kind: 'session', memberId } })
  const nothing = { protocolType: null, protocol: null }
  for (const { id, joining, syncing, sessionTimeoutMs } of group.members.values()) {
    const errorCode = ErrorCode.REBALANCE_IN_PROGRESS
    if (joining !== null) {
      const answer = { errorCode, memberId: id, generation: -1, leader: '', skipAssignment: false, members: [] }
      effects.push({ kind: 'answerJoin', request: joining, answer: { ...answer, ...nothing } })
    }
    if (syncing !== null) {
      effects.push({ kind: 'answerSync', request: syncing, answer: { errorCode, assignment: noBytes, ...nothing } })
    }
    // Waiting members had no session timer.
    effects.push({ kind: 'setTimer', timer: { kind: 'session', memberId: id }, delayMs: sessionTimeoutMs })
  }
  return effects
}

function rejoinAsClassic(group: ConsumerGroup, event: ClassicEvent, { classic, consumer }: Surroundings): Step {
  const [after, effects] = step(classicGroupOf(group, consumer.catalog), event, classic)
  return [after, [{ kind: 'clearTimer', timer: { kind: 'assign' } }, ...effects]]
}

/** Once the last member of the new protocol has left, converts the group back, and its members negotiate again. */
function downgraded([group, effects]: [ConsumerGroup, GroupEffect[]], { classic, consumer }: Surroundings): Step {
  if (group.members.size === 0 || hasConsumers(group)) return [group, effects]
  const [after, more] = beginRebalance(classicGroupOf(group, consumer.catalog), classic)
  const cleared = Array.from(group.members.keys(), (memberId): GroupEffect => {
    return { kind: 'clearTimer', timer: { kind: 'revoke', memberId } }
  })
  return [after, [...effects, ...cleared, { kind: 'clearTimer', timer: { kind: 'assign' } }, ...more]]
}

function hasConsumers({ members }: ConsumerGroup): boolean {
  for (const { classic } of members.values()) if (classic === null) return true
  return false
}

/** Whether there are members, or some about to join. */
export function isInUse(group: Group): boolean {
  return group.members.size > 0 || (group.type === 'classic' && group.pending.size > 0)
}

/**
 * Whether nobody has ever joined: then there is nothing to store, except perhaps offsets, which are stored elsewhere.
 */
export function isUnknown(group: Group): boolean {
  return !isInUse(group) && epochOf(group) === 0 && group.phase === 'Empty'
}

/** The version of the group's state: its generation, or its epoch. */
export function epochOf(group: Group): number {
  return group.type === 'classic' ? group.generation : group.epoch
}

/** The names of the topics that members subscribe to; undefined if they may be any. */
export function topicsOf(group: Group, { byId }: Catalog): ReadonlySet<string> | undefined {
  switch (group.type) {
    case 'classic':
      return subscribedTopics(group)
    case 'consumer':
      return new Set(Array.from(group.topics.keys(), id => byId.get(id)?.name ?? ''))
    default:
      return unreachable(group)
  }
}

/** The timers of a loaded group: everything that was running starts over. */
export function timersOf(group: Group, { timeouts }: ConsumerSurroundings): { timer: Timer; delayMs: number }[] {
  const timers: { timer: Timer; delayMs: number }[] = []
  if (group.type === 'classic') {
    for (const { id, sessionTimeoutMs } of group.members.values()) {
      timers.push({ timer: { kind: 'session', memberId: id }, delayMs: sessionTimeoutMs })
    }
    return timers
  }
  for (const { id, classic, revoking, rebalanceTimeoutMs } of group.members.values()) {
    const delayMs = classic?.sessionTimeoutMs ?? timeouts.sessionTimeoutMs
    timers.push({ timer: { kind: 'session', memberId: id }, delayMs })
    if (revoking.size > 0) timers.push({ timer: { kind: 'revoke', memberId: id }, delayMs: rebalanceTimeoutMs })
  }
  if (group.epoch > group.assignmentEpoch) timers.push({ timer: { kind: 'assign' }, delayMs: 1 })
  return timers
}

/** The persisted form of a group. */
export interface SavedState {
  readonly group: Group
  /** When the last member left, in milliseconds since 1970; null while there are members. */
  readonly emptySince: number | null
}

export function saveGroup({ group, emptySince }: SavedState): Uint8Array {
  switch (group.type) {
    case 'classic':
      return saveClassicGroup(group, emptySince)
    case 'consumer':
      return saveConsumerGroup(group, emptySince)
    default:
      return unreachable(group)
  }
}

export function loadGroup(bytes: Uint8Array): SavedState {
  const saved = JSON.parse(Buffer.from(bytes).toString()) as SavedGroup | SavedConsumerGroup // saved by this module
  if (saved.version === 1) return loadClassicGroup(saved)
  return { group: loadConsumerGroup(saved), emptySince: saved.emptySince }
}

const noBytes = Buffer.alloc(0)
