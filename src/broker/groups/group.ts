// What the coordinator has to know of a group whatever its protocol is. A second protocol adds its type to `Group`, and
// the compiler finds what it has to answer.
import { unreachable } from '../../base/index.ts'
import {
  type ClassicGroup,
  emptyGroup,
  type GroupEffect,
  type GroupEvent,
  type GroupSettings,
  step,
} from './classic-group.ts'
import { loadClassicGroup, saveClassicGroup } from './saved-group.ts'
import { subscribedTopics } from './subscription.ts'

/** A group of any protocol, told apart by `type`, which is the group type of Kafka's ListGroups. */
export type Group = ClassicGroup

/** A group of which nothing is known yet: the first member decides on its protocol. */
export const unknownGroup: Group = emptyGroup

export function stepGroup(group: Group, event: GroupEvent, settings: GroupSettings): [Group, GroupEffect[]] {
  switch (group.type) {
    case 'classic':
      return step(group, event, settings)
    default:
      return unreachable(group.type)
  }
}

/** Whether there are members, or some that are about to join. */
export function isInUse(group: Group): boolean {
  switch (group.type) {
    case 'classic':
      return group.members.size > 0 || group.pending.size > 0
    default:
      return unreachable(group.type)
  }
}

/** Nobody has ever joined: there is nothing to remember but perhaps offsets, which are elsewhere. */
export function isUnknown(group: Group): boolean {
  switch (group.type) {
    case 'classic':
      return !isInUse(group) && group.generation === 0 && group.phase === 'Empty'
    default:
      return unreachable(group.type)
  }
}

/** The topics that members are subscribed to. */
export function topicsOf(group: Group): ReadonlySet<string> {
  switch (group.type) {
    case 'classic':
      return subscribedTopics(group)
    default:
      return unreachable(group.type)
  }
}

/** The members whose sessions run, with their timeouts in milliseconds. */
export function sessionsOf(group: Group): { readonly id: string; readonly sessionTimeoutMs: number }[] {
  switch (group.type) {
    case 'classic':
      return [...group.members.values()]
    default:
      return unreachable(group.type)
  }
}

/** A group as it survives its coordinator. */
export interface SavedState {
  readonly group: Group
  /** When the last member left, in milliseconds since 1970; null while there are members. */
  readonly emptySince: number | null
}

export function saveGroup({ group, emptySince }: SavedState): Uint8Array {
  switch (group.type) {
    case 'classic':
      return saveClassicGroup(group, emptySince)
    default:
      return unreachable(group.type)
  }
}

export function loadGroup(bytes: Uint8Array): SavedState {
  return loadClassicGroup(bytes)
}
