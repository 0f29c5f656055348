// The classic group protocol as a pure state machine: members join, a leader receives their list, its assignment is
// distributed, and heartbeats keep it alive. Rules and error codes are those of Kafka's group coordinator.
import { ErrorCode } from '../../kafka/index.ts'
import type { ConsumerHeartbeatAnswer } from './consumer-group.ts'
import { Draft } from './draft.ts'

export type MemberId = string

/** Identifies a request that waits for its answer. */
export type RequestId = number

/**
 * Empty: no members, perhaps offsets. PreparingRebalance: waits until all members have rejoined. CompletingRebalance:
 * waits for the leader's assignment. Dead: deleted.
 */
export type Phase = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

export interface Protocol {
  readonly name: string
  readonly metadata: Buffer
}

export interface Member {
  readonly id: MemberId
  /** The name of a static member (KIP-345), or null. */
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  /** In order of preference. */
  readonly protocols: readonly Protocol[]
  readonly assignment: Buffer
  /** The pending JoinGroup, or null. */
  readonly joining: RequestId | null
  /** The pending SyncGroup, or null. */
  readonly syncing: RequestId | null
  /** Whether it has requested its assignment in this generation. */
  readonly hasSynced: boolean
}

export interface ClassicGroup {
  readonly type: 'classic'
  readonly phase: Phase
  readonly generation: number
  /** "consumer", "connect" and so on; null before the first member. */
  readonly protocolType: string | null
  readonly protocol: string | null
  readonly leader: MemberId | null
  /** In the order in which they first joined. */
  readonly members: ReadonlyMap<MemberId, Member>
  /** Ids assigned with MEMBER_ID_REQUIRED that have not rejoined yet. */
  readonly pending: ReadonlySet<MemberId>
  /** How much longer a new group may wait for more members, in milliseconds; null while it does not wait. */
  readonly initialDelayLeftMs: number | null
  /** Whether a member has joined since that wait began. */
  readonly joinedDuringDelay: boolean
}

export const emptyGroup: ClassicGroup = {
  type: 'classic',
  phase: 'Empty',
  generation: 0,
  protocolType: null,
  protocol: null,
  leader: null,
  members: new Map(),
  pending: new Set(),
  initialDelayLeftMs: null,
  joinedDuringDelay: false,
}

export interface GroupSettings {
  readonly initialRebalanceDelayMs: number
  readonly maxSize: number
}

/** The sender of a request: a member id, and an instance id for static members. */
export interface Identity {
  readonly memberId: MemberId
  readonly instanceId: string | null
}

export interface JoinEvent extends Identity {
  readonly kind: 'join'
  readonly request: RequestId
  /** The id to use if a new one is needed. */
  readonly newMemberId: MemberId
  /** A new member must join again with the id that it is given (KIP-394). */
  readonly requireKnownMemberId: boolean
  /** A static leader may be told to skip the assignment (KIP-814). */
  readonly canSkipAssignment: boolean
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly protocolType: string
  readonly protocols: readonly Protocol[]
}

export interface SyncEvent extends Identity {
  readonly kind: 'sync'
  readonly request: RequestId
  readonly generation: number
  /** Null if the version does not carry it. */
  readonly protocolType: string | null
  readonly protocol: string | null
  /** By member, from the leader; empty from the others. */
  readonly assignments: ReadonlyMap<MemberId, Buffer>
}

export interface HeartbeatEvent extends Identity {
  readonly kind: 'heartbeat'
  readonly request: RequestId
  readonly generation: number
}

export interface LeaveEvent extends Identity {
  readonly kind: 'leave'
  readonly request: RequestId
}

/** Asks whether offsets may be committed. */
export interface CommitEvent extends Identity {
  readonly kind: 'commit'
  readonly request: RequestId
  /** Below 0 if the sender is not a member. */
  readonly generation: number
  /** The offsets belong to a transaction, whose producer need not identify the member (KIP-447). */
  readonly isTransactional?: boolean
}

export type Timer =
  | { readonly kind: 'session'; readonly memberId: MemberId }
  | { readonly kind: 'rebalance' }
  | { readonly kind: 'sync' }
  /** Timers of the `consumer` protocol: a member must have revoked partitions, and a target assignment is due. */
  | { readonly kind: 'revoke'; readonly memberId: MemberId }
  | { readonly kind: 'assign' }

export type ClassicEvent =
  | JoinEvent
  | SyncEvent
  | HeartbeatEvent
  | LeaveEvent
  | CommitEvent
  | { readonly kind: 'timer'; readonly timer: Timer }
  | { readonly kind: 'delete'; readonly request: RequestId }

export interface JoinAnswer {
  readonly errorCode: ErrorCode
  readonly memberId: MemberId
  readonly generation: number
  readonly protocolType: string | null
  readonly protocol: string | null
  readonly leader: MemberId
  readonly skipAssignment: boolean
  /** For the leader only; otherwise empty. */
  readonly members: readonly { readonly id: MemberId; readonly instanceId: string | null; readonly metadata: Buffer }[]
}

export interface SyncAnswer {
  readonly errorCode: ErrorCode
  readonly protocolType: string | null
  readonly protocol: string | null
  readonly assignment: Buffer
}

export type GroupEffect =
  | { readonly kind: 'answerJoin'; readonly request: RequestId; readonly answer: JoinAnswer }
  | { readonly kind: 'answerSync'; readonly request: RequestId; readonly answer: SyncAnswer }
  | { readonly kind: 'answerHeartbeat'; readonly request: RequestId; readonly answer: ConsumerHeartbeatAnswer }
  /** Answers a heartbeat, a leave, a commit or a deletion. */
  | { readonly kind: 'answer'; readonly request: RequestId; readonly errorCode: ErrorCode }
  /** Starts or restarts a timer. */
  | { readonly kind: 'setTimer'; readonly timer: Timer; readonly delayMs: number }
  | { readonly kind: 'clearTimer'; readonly timer: Timer }
  /** Saves the state to be found after a restart; later answers must wait for it. */
  | { readonly kind: 'save' }

/** Computes a group's reaction to an event. Pure: the same state and event always yield the same result. */
export function step(group: ClassicGroup, event: ClassicEvent, settings: GroupSettings): [ClassicGroup, GroupEffect[]] {
  const draft = new Draft(group, settings)
  handle(draft, event)
  return draft.result()
}

/** Starts a rebalance, in which the members agree on a new assignment. */
export function beginRebalance(group: ClassicGroup, settings: GroupSettings): [ClassicGroup, GroupEffect[]] {
  const draft = new Draft(group, settings)
  draft.save()
  prepareRebalance(draft)
  return draft.result()
}

function handle(draft: Draft, event: ClassicEvent): void {
  switch (event.kind) {
    case 'join':
      return join(draft, event)
    case 'sync':
      return sync(draft, event)
    case 'heartbeat':
      return draft.answer(event.request, heartbeat(draft, event))
    case 'leave':
      return draft.answer(event.request, leave(draft, event))
    case 'commit':
      return draft.answer(event.request, commit(draft, event))
    case 'timer':
      return expire(draft, event.timer)
    case 'delete':
      return draft.answer(event.request, remove(draft))
    default:
      return event satisfies never
  }
}

function join(draft: Draft, event: JoinEvent): void {
  if (draft.phase === 'Dead') return draft.refuseJoin(event, ErrorCode.COORDINATOR_NOT_AVAILABLE)
  if (!draft.supports(event.protocolType, event.protocols)) {
    return draft.refuseJoin(event, ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  }
  if (event.memberId === '') return joinAsNew(draft, event)
  if (draft.pending.has(event.memberId)) {
    draft.removePending(event.memberId)
    return joinWith(draft, event, event.memberId)
  }
  const stranger = checkMember(draft, event)
  if (stranger !== ErrorCode.NONE) return draft.refuseJoin(event, stranger)
  joinAgain(draft, event, draft.members.get(event.memberId)!)
}

function joinAsNew(draft: Draft, event: JoinEvent): void {
  const { instanceId, newMemberId } = event
  const returning = instanceId === null ? undefined : draft.byInstance(instanceId)
  if (returning !== undefined) return joinAsReturning(draft, event, returning)
  if (draft.members.size + draft.pending.size >= draft.settings.maxSize) {
    return draft.refuseJoin(event, ErrorCode.GROUP_MAX_SIZE_REACHED)
  }
  if (instanceId === null && event.requireKnownMemberId) {
    draft.addPending(newMemberId, event.sessionTimeoutMs)
    return draft.refuseJoin(event, ErrorCode.MEMBER_ID_REQUIRED, newMemberId)
  }
  joinWith(draft, event, newMemberId)
}

function joinWith(draft: Draft, event: JoinEvent, id: MemberId): void {
  if (draft.members.size === 0) draft.protocolType = event.protocolType
  draft.leader ??= id
  draft.putMember({
    ...memberOf(event),
    id,
    assignment: noBytes,
    joining: event.request,
    syncing: null,
    hasSynced: false,
  })
  draft.joinedDuringDelay = true
  draft.clearSession(id)
  rebalanceOrComplete(draft)
}

/**
 * A static member returns with a new id, and the old id is fenced. In a stable group nothing changes for the others,
 * unless the member no longer supports the protocol.
 */
function joinAsReturning(draft: Draft, event: JoinEvent, before: Member): void {
  const id = event.newMemberId
  const leaderBefore = draft.leader
  if (before.joining !== null) draft.answerJoinError(before.joining, ErrorCode.FENCED_INSTANCE_ID, before.id)
  if (before.syncing !== null) draft.answerSyncError(before.syncing, ErrorCode.FENCED_INSTANCE_ID)
  draft.replaceMember(before.id, { ...before, ...memberOf(event), id, joining: null, syncing: null })
  if (draft.phase === 'Stable' && draft.selectProtocol() === draft.protocol) {
    const isLeader = draft.leader === id
    const tellsAll = isLeader && event.canSkipAssignment
    // An older client must not assume that it leads: a stable group would not distribute its assignment.
    const leader = event.canSkipAssignment ? draft.leader : leaderBefore
    // Saved before the answer: after a restart the old id must not be the known one.
    draft.save()
    draft.answerJoin(event.request, id, { leader: leader ?? '', skipAssignment: tellsAll, tellsAll })
    draft.renewSession(id)
    return
  }
  draft.putMember({ ...draft.members.get(id)!, joining: event.request })
  draft.clearSession(id)
  rebalanceOrComplete(draft)
}

function joinAgain(draft: Draft, event: JoinEvent, member: Member): void {
  const isUnchanged = sameProtocols(member.protocols, event.protocols)
  const isLeader = draft.leader === member.id
  // The answer to its join may have been lost; and a follower may join a stable group again just to learn its state.
  const wantsAnswerAgain = draft.phase === 'CompletingRebalance' || (draft.phase === 'Stable' && !isLeader)
  if (isUnchanged && wantsAnswerAgain) {
    draft.answerJoin(event.request, member.id, {
      leader: draft.leader ?? '',
      skipAssignment: false,
      tellsAll: isLeader,
    })
    draft.renewSession(member.id)
    return
  }
  if (member.joining !== null) draft.answerJoinError(member.joining, ErrorCode.UNKNOWN_MEMBER_ID, member.id)
  draft.putMember({ ...member, ...memberOf(event), joining: event.request })
  draft.clearSession(member.id)
  rebalanceOrComplete(draft)
}

function sync(draft: Draft, event: SyncEvent): void {
  const refuse = (errorCode: ErrorCode) => draft.answerSyncError(event.request, errorCode)
  const problem = checkMember(draft, event, event.generation)
  if (problem !== ErrorCode.NONE) return refuse(problem)
  if (
    (event.protocolType !== null && event.protocolType !== draft.protocolType) ||
    (event.protocol !== null && event.protocol !== draft.protocol)
  ) {
    return refuse(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  }
  const member = draft.members.get(event.memberId)!
  switch (draft.phase) {
    case 'Empty':
    case 'Dead':
      return refuse(ErrorCode.UNKNOWN_MEMBER_ID)
    case 'PreparingRebalance':
      return refuse(ErrorCode.REBALANCE_IN_PROGRESS)
    case 'CompletingRebalance':
      if (member.syncing !== null) draft.answerSyncError(member.syncing, ErrorCode.REBALANCE_IN_PROGRESS)
      draft.putMember({ ...member, syncing: event.request, hasSynced: true })
      draft.clearSession(member.id)
      if (draft.leader === member.id) draft.assign(event.assignments)
      return
    case 'Stable':
      draft.putMember({ ...member, hasSynced: true })
      draft.answerSync(event.request, member.assignment)
      draft.renewSession(member.id)
      return
    default:
      return draft.phase satisfies never
  }
}

function heartbeat(draft: Draft, event: HeartbeatEvent): ErrorCode {
  const problem = checkMember(draft, event, event.generation)
  if (problem !== ErrorCode.NONE) return problem
  draft.renewSession(event.memberId)
  return draft.phase === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE
}

function commit(draft: Draft, event: CommitEvent): ErrorCode {
  if (draft.phase === 'Dead') return ErrorCode.COORDINATOR_NOT_AVAILABLE
  const isStranger = event.generation < 0 && event.memberId === '' && event.instanceId === null
  // A consumer that manages its own partitions may commit as long as the group has no members.
  if (event.generation < 0 && draft.phase === 'Empty') return ErrorCode.NONE
  if (isStranger) return event.isTransactional ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID
  const problem = checkMember(draft, event, event.generation)
  if (problem !== ErrorCode.NONE) return problem
  // The member has joined the new generation, but has no partitions in it yet to commit for.
  if (draft.phase === 'CompletingRebalance' && !event.isTransactional) return ErrorCode.REBALANCE_IN_PROGRESS
  draft.renewSession(event.memberId)
  return ErrorCode.NONE
}

function leave(draft: Draft, event: LeaveEvent): ErrorCode {
  if (draft.phase === 'Dead') return ErrorCode.COORDINATOR_NOT_AVAILABLE
  if (draft.pending.has(event.memberId)) {
    draft.removePending(event.memberId)
    tryCompleteJoin(draft)
    return ErrorCode.NONE
  }
  const { instanceId } = event
  if (event.memberId === '' && instanceId !== null) {
    const member = draft.byInstance(instanceId)
    if (member === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
    removeMember(draft, member)
    return ErrorCode.NONE
  }
  const problem = checkMember(draft, event)
  if (problem !== ErrorCode.NONE) return problem
  removeMember(draft, draft.members.get(event.memberId)!)
  return ErrorCode.NONE
}

function remove(draft: Draft): ErrorCode {
  // An assigned id that has not rejoined is not a member yet; such a group must still be deletable.
  if (draft.members.size > 0) return ErrorCode.NON_EMPTY_GROUP
  draft.phase = 'Dead'
  return ErrorCode.NONE
}

function expire(draft: Draft, timer: Timer): void {
  switch (timer.kind) {
    case 'session': {
      if (draft.pending.has(timer.memberId)) {
        draft.removePending(timer.memberId)
        return tryCompleteJoin(draft)
      }
      const member = draft.members.get(timer.memberId)
      if (member !== undefined) removeMember(draft, member)
      return
    }
    case 'rebalance':
      return expireRebalance(draft)
    case 'sync':
      return expireSync(draft)
    case 'revoke':
    case 'assign':
      // Timers of the other protocol, set before the group was converted.
      return
    default:
      return timer satisfies never
  }
}

function expireRebalance(draft: Draft): void {
  if (draft.phase !== 'PreparingRebalance') return
  const leftMs = draft.initialDelayLeftMs
  if (leftMs !== null && leftMs > 0 && draft.joinedDuringDelay) return waitForMore(draft, leftMs)
  draft.initialDelayLeftMs = null
  completeJoin(draft)
}

/**
 * Removes members that joined but never requested their assignment, which would otherwise hold partitions indefinitely.
 */
function expireSync(draft: Draft): void {
  if (draft.phase !== 'CompletingRebalance' && draft.phase !== 'Stable') return
  const silent = [...draft.members.values()].filter(member => !member.hasSynced)
  if (silent.length === 0) return
  for (const member of silent) draft.dropMember(member)
  prepareRebalance(draft)
}

function removeMember(draft: Draft, member: Member): void {
  draft.dropMember(member)
  rebalanceOrComplete(draft)
}

function rebalanceOrComplete(draft: Draft): void {
  if (draft.phase === 'PreparingRebalance') tryCompleteJoin(draft)
  else prepareRebalance(draft)
}

function prepareRebalance(draft: Draft): void {
  if (draft.phase === 'CompletingRebalance') draft.dropAssignments()
  const isNew = draft.phase === 'Empty'
  draft.phase = 'PreparingRebalance'
  draft.clearTimer({ kind: 'sync' })
  const timeoutMs = draft.rebalanceTimeoutMs()
  // A client that has taken a member id and not joined with it holds up the rebalances of a group, but not its first.
  if (isNew) return draft.settings.initialRebalanceDelayMs > 0 ? waitForMore(draft, timeoutMs) : completeJoin(draft)
  draft.setTimer({ kind: 'rebalance' }, timeoutMs)
  tryCompleteJoin(draft)
}

/**
 * A new group waits briefly, since its members tend to start together, and again after each newcomer, but with a limit.
 */
function waitForMore(draft: Draft, leftMs: number): void {
  const delayMs = Math.min(draft.settings.initialRebalanceDelayMs, leftMs)
  draft.initialDelayLeftMs = leftMs - delayMs
  draft.joinedDuringDelay = false
  draft.setTimer({ kind: 'rebalance' }, delayMs)
}

function tryCompleteJoin(draft: Draft): void {
  if (draft.phase !== 'PreparingRebalance' || draft.initialDelayLeftMs !== null || draft.pending.size > 0) return
  for (const member of draft.members.values()) if (member.joining === null) return
  completeJoin(draft)
}

function completeJoin(draft: Draft): void {
  // An absent static member keeps its place until its session ends; the others are removed.
  for (const member of draft.members.values()) {
    if (member.joining === null && member.instanceId === null) draft.dropMember(member)
  }
  const joined = [...draft.members.values()].filter(member => member.joining !== null)
  if (draft.members.size > 0 && joined.length === 0) {
    return draft.setTimer({ kind: 'rebalance' }, draft.rebalanceTimeoutMs())
  }
  draft.clearTimer({ kind: 'rebalance' })
  draft.joinedDuringDelay = false
  draft.generation++
  // From the first answer to a join, every broker must be able to tell that the group exists (Groups.describe).
  if (draft.generation === 1) draft.save()
  if (draft.members.size === 0) return draft.becomeEmpty()
  if (draft.members.get(draft.leader ?? '')?.joining == null) draft.leader = joined[0]!.id
  draft.protocol = draft.selectProtocol()
  draft.phase = 'CompletingRebalance'
  for (const member of joined) {
    draft.putMember({ ...member, joining: null, hasSynced: false })
    draft.renewSession(member.id)
  }
  for (const member of joined) {
    const isLeader = member.id === draft.leader
    draft.answerJoin(member.joining!, member.id, { leader: draft.leader!, skipAssignment: false, tellsAll: isLeader })
  }
  draft.setTimer({ kind: 'sync' }, draft.rebalanceTimeoutMs())
}

/** Checks that the sender is a member, and, if a generation is given, that it is the current one. */
function checkMember(draft: Draft, { memberId, instanceId }: Identity, generation?: number): ErrorCode {
  if (draft.phase === 'Dead') return ErrorCode.COORDINATOR_NOT_AVAILABLE
  if (instanceId !== null) {
    const holder = draft.byInstance(instanceId)
    if (holder === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
    if (holder.id !== memberId) return ErrorCode.FENCED_INSTANCE_ID
  }
  if (!draft.members.has(memberId)) return ErrorCode.UNKNOWN_MEMBER_ID
  if (generation !== undefined && generation !== draft.generation) return ErrorCode.ILLEGAL_GENERATION
  return ErrorCode.NONE
}

function memberOf(event: JoinEvent) {
  const { instanceId, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs, protocols } = event
  return { instanceId, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs, protocols }
}

function sameProtocols(a: readonly Protocol[], b: readonly Protocol[]): boolean {
  return (
    a.length === b.length &&
    a.every((protocol, i) => protocol.name === b[i]!.name && protocol.metadata.equals(b[i]!.metadata))
  )
}

const noBytes = Buffer.alloc(0)
