// The `consumer` group protocol (KIP-848) as a pure state machine: members report what they subscribe to and what they
// own, the broker decides the assignment, and each member moves to it independently. A partition is given to a member
// only after its former owner has revoked it. Rules and error codes are those of Kafka's group coordinator.
//
// Three numbers grow: the group's epoch with every change of members, subscriptions or topics; the
// assignment's epoch, which is the group's epoch at the last target assignment; and each member's epoch, which
// is that of the assignment it has reached.
//
// Members of the classic protocol can be in the group while a running group is converted from one protocol to the
// other. Their JoinGroup reports what they own, SyncGroup gives them their partitions, and Heartbeat makes them rejoin.
import { ErrorCode } from '../../kafka/index.ts'
import type { Catalog, TopicId } from '../../metadata/index.ts'
import type { GroupTimeouts } from '../group-config.ts'
import { type Assignment, assignors, nothingAssigned } from './assignors.ts'
import type {
  ClassicEvent,
  CommitEvent,
  GroupEffect,
  HeartbeatEvent,
  Identity,
  JoinEvent,
  LeaveEvent,
  MemberId,
  Protocol,
  RequestId,
  SyncEvent,
  Timer,
} from './classic-group.ts'
import { ConsumerDraft } from './consumer-draft.ts'
import { readSubscription, withIds } from './consumer-protocol.ts'
import { topicsMatching } from './topic-pattern.ts'
import { patternProblem } from '../pattern.ts'

/** Assigning: a target assignment is due. Reconciling: members are moving to it. */
export type ConsumerPhase = 'Empty' | 'Assigning' | 'Reconciling' | 'Stable' | 'Dead'

export interface ConsumerMember {
  readonly id: MemberId
  /** The name of a static member, or null. */
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  /** The epoch of the assignment it has reached; -2 for a static member that is away. */
  readonly epoch: number
  /** Heartbeats with this epoch are accepted, since the answer with the current one may have been lost. */
  readonly previousEpoch: number
  readonly rebalanceTimeoutMs: number
  readonly topicNames: readonly string[]
  /** In RE2's syntax, or null. */
  readonly topicPattern: string | null
  /** The topics matching the pattern that the member was allowed to describe at its last heartbeat; null for all. */
  readonly visibleTopics: readonly TopicId[] | null
  /** The assignor that it prefers, or null. */
  readonly assignor: string | null
  /** What it may own. */
  readonly assigned: Assignment
  /** What it must revoke before it reaches the next epoch. */
  readonly revoking: Assignment
  /** Whether part of its target is still owned by others. */
  readonly isWaiting: boolean
  /** Its state in the classic protocol, or null for members of this one. */
  readonly classic: ClassicPart | null
}

interface ClassicPart {
  readonly sessionTimeoutMs: number
  readonly protocols: readonly Protocol[]
}

export interface ConsumerGroup {
  readonly type: 'consumer'
  readonly phase: ConsumerPhase
  readonly epoch: number
  readonly assignmentEpoch: number
  /** The assignor of the target assignment. */
  readonly assignor: string
  /** In the order in which they first joined. */
  readonly members: ReadonlyMap<MemberId, ConsumerMember>
  /** The target assignment by member. */
  readonly targets: ReadonlyMap<MemberId, Assignment>
  /** The topics that members subscribe to, with their numbers of partitions at the last check. */
  readonly topics: ReadonlyMap<TopicId, number>
}

export const emptyConsumerGroup: ConsumerGroup = {
  type: 'consumer',
  phase: 'Empty',
  epoch: 0,
  assignmentEpoch: 0,
  assignor: 'uniform',
  members: new Map(),
  targets: new Map(),
  topics: new Map(),
}

/** What a group needs to know about the rest of the cluster at the moment of an event. */
export interface ConsumerSurroundings {
  readonly catalog: Catalog
  readonly timeouts: GroupTimeouts
  readonly maxSize: number
}

/** A heartbeat of the `consumer` protocol. Fields are null if they have not changed. */
export interface ConsumerHeartbeatEvent extends Identity {
  readonly kind: 'consumerHeartbeat'
  readonly request: RequestId
  /** 0 joins, -1 leaves, -2 leaves temporarily. */
  readonly memberEpoch: number
  /** The id for a new member that has none. */
  readonly newMemberId: MemberId
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  /** -1 for unchanged. */
  readonly rebalanceTimeoutMs: number
  readonly topicNames: readonly string[] | null
  /** An empty pattern removes the subscription by pattern. */
  readonly topicPattern: string | null
  /** Which topics the member may describe; null for all. A pattern must not reveal others. */
  readonly mayDescribe: ((topic: string) => boolean) | null
  readonly assignor: string | null
  readonly owned: Assignment | null
}

export type ConsumerEvent =
  | ConsumerHeartbeatEvent
  | ClassicEvent
  /** Topics or partitions were created or deleted. */
  | { readonly kind: 'topics' }

export interface ConsumerHeartbeatAnswer {
  readonly errorCode: ErrorCode
  readonly errorMessage: string | null
  readonly memberId: MemberId
  readonly memberEpoch: number
  readonly heartbeatIntervalMs: number
  /** Null for unchanged. */
  readonly assignment: Assignment | null
}

const LEAVES = -1
const LEAVES_FOR_A_WHILE = -2

/** Computes a group's reaction to an event. Pure: the same state and event always yield the same result. */
export function stepConsumerGroup(
  group: ConsumerGroup,
  event: ConsumerEvent,
  surroundings: ConsumerSurroundings,
): [ConsumerGroup, GroupEffect[]] {
  const draft = new ConsumerDraft(group, surroundings)
  handle(draft, event)
  return draft.result()
}

function handle(draft: ConsumerDraft, event: ConsumerEvent): void {
  switch (event.kind) {
    case 'consumerHeartbeat':
      return heartbeat(draft, event)
    case 'topics':
      return draft.checkTopics()
    case 'join':
      return joinClassic(draft, event)
    case 'sync':
      return syncClassic(draft, event)
    case 'heartbeat':
      return draft.answer(event.request, heartbeatClassic(draft, event))
    case 'leave':
      return draft.answer(event.request, leaveClassic(draft, event))
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

function heartbeat(draft: ConsumerDraft, event: ConsumerHeartbeatEvent): void {
  if (draft.isDead) return draft.refuse(event, ErrorCode.COORDINATOR_NOT_AVAILABLE)
  switch (event.memberEpoch) {
    case LEAVES:
    case LEAVES_FOR_A_WHILE:
      return leave(draft, event)
    case 0:
      return join(draft, event)
    default:
      return goOn(draft, event)
  }
}

function join(draft: ConsumerDraft, event: ConsumerHeartbeatEvent): void {
  const problem = subscriptionProblem(event)
  if (problem !== undefined) return draft.refuse(event, problem.errorCode, problem.message)
  const { instanceId } = event
  const id = event.memberId === '' ? event.newMemberId : event.memberId
  const namesake = instanceId === null ? undefined : draft.byInstance(instanceId)
  if (namesake !== undefined && namesake.id !== id) {
    const isAway = namesake.epoch === LEAVES_FOR_A_WHILE
    if (!isAway && namesake.classic === null) return draft.refuse(event, ErrorCode.UNRELEASED_INSTANCE_ID)
    draft.replaceMember(namesake, id)
  }
  const before = draft.members.get(id)
  if (before === undefined && draft.members.size >= draft.surroundings.maxSize) {
    return draft.refuse(event, ErrorCode.GROUP_MAX_SIZE_REACHED, 'The group has reached its maximum size.')
  }
  // A member that rejoins owns nothing: it is a new member in its old place.
  const known = before ?? newMember(event, id)
  const anew = { epoch: 0, previousEpoch: 0, revoking: nothingAssigned, classic: null }
  draft.putMember({ ...known, ...changesOf(event, known, draft.surroundings), ...anew })
  draft.checkSubscription(before)
  answer(draft, event, id, nothingAssigned, true)
}

function goOn(draft: ConsumerDraft, event: ConsumerHeartbeatEvent): void {
  const stranger = checkIdentity(draft, event)
  if (stranger !== ErrorCode.NONE) return draft.refuse(event, stranger)
  const before = draft.members.get(event.memberId)!
  if (before.classic !== null) return draft.refuse(event, ErrorCode.UNKNOWN_MEMBER_ID)
  if (!isEpochOf(before, event)) {
    const message = `The member epoch is ${before.epoch}, not ${event.memberEpoch}. The member must join again.`
    return draft.refuse(event, ErrorCode.FENCED_MEMBER_EPOCH, message)
  }
  const problem = subscriptionProblem(event)
  if (problem !== undefined) return draft.refuse(event, problem.errorCode, problem.message)
  const changes = changesOf(event, before, draft.surroundings)
  if (Object.keys(changes).length > 0) {
    draft.putMember({ ...before, ...changes })
    draft.checkSubscription(before)
  }
  const isFull = event.rebalanceTimeoutMs !== -1 && event.topicNames !== null && event.owned !== null
  answer(draft, event, before.id, event.owned, isFull, before)
}

/** Advances the member as far as possible and reports its state. */
function answer(
  draft: ConsumerDraft,
  event: ConsumerHeartbeatEvent,
  id: MemberId,
  owned: Assignment | null,
  tellsAssignment: boolean,
  before?: ConsumerMember,
): void {
  draft.reconcile(id, owned)
  draft.renewSession(id)
  const member = draft.members.get(id)!
  draft.answerHeartbeat(event.request, {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    memberId: id,
    memberEpoch: member.epoch,
    heartbeatIntervalMs: draft.surroundings.timeouts.heartbeatIntervalMs,
    assignment: tellsAssignment || member.assigned !== before?.assigned ? member.assigned : null,
  })
}

function leave(draft: ConsumerDraft, event: ConsumerHeartbeatEvent): void {
  const stranger = checkIdentity(draft, event)
  if (stranger !== ErrorCode.NONE) return draft.refuse(event, stranger)
  const member = draft.members.get(event.memberId)!
  if (event.memberEpoch === LEAVES) {
    draft.dropMember(member)
  } else {
    // Its place is kept until its session ends.
    draft.putMember({ ...member, epoch: LEAVES_FOR_A_WHILE, previousEpoch: LEAVES_FOR_A_WHILE })
    draft.clearTimer({ kind: 'revoke', memberId: member.id })
    draft.save()
  }
  draft.answerHeartbeat(event.request, {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    memberId: member.id,
    memberEpoch: event.memberEpoch,
    heartbeatIntervalMs: draft.surroundings.timeouts.heartbeatIntervalMs,
    assignment: null,
  })
}

/** A member of the classic protocol joins, or rejoins and reports what it owns. */
function joinClassic(draft: ConsumerDraft, event: JoinEvent): void {
  if (draft.isDead) return draft.refuseJoin(event, ErrorCode.COORDINATOR_NOT_AVAILABLE)
  const subscription = event.protocols[0] && readSubscription(event.protocols[0].metadata)
  if (event.protocolType !== 'consumer' || subscription === undefined) {
    return draft.refuseJoin(event, ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  }
  const { instanceId } = event
  const namesake = instanceId === null ? undefined : draft.byInstance(instanceId)
  if (event.memberId !== '' && namesake !== undefined && namesake.id !== event.memberId) {
    return draft.refuseJoin(event, ErrorCode.FENCED_INSTANCE_ID)
  }
  if (event.memberId === '' && event.requireKnownMemberId) {
    return draft.refuseJoin(event, ErrorCode.MEMBER_ID_REQUIRED, event.newMemberId)
  }
  const id = event.memberId === '' ? event.newMemberId : event.memberId
  if (namesake !== undefined && namesake.id !== id) draft.replaceMember(namesake, id)
  const before = draft.members.get(id)
  if (before === undefined && draft.members.size >= draft.surroundings.maxSize) {
    return draft.refuseJoin(event, ErrorCode.GROUP_MAX_SIZE_REACHED)
  }
  const { rebalanceTimeoutMs, sessionTimeoutMs, protocols } = event
  draft.putMember({
    ...(before ?? newMember(event, id)),
    rebalanceTimeoutMs,
    topicNames: subscription.topics,
    topicPattern: null,
    visibleTopics: null,
    assignor: null,
    classic: { sessionTimeoutMs, protocols },
  })
  draft.checkSubscription(before)
  draft.reconcile(id, withIds(subscription.owned, draft.surroundings.catalog))
  draft.renewSession(id)
  draft.answerJoin(event.request, draft.members.get(id)!)
}

function syncClassic(draft: ConsumerDraft, event: SyncEvent): void {
  const problem = checkClassic(draft, event, event.generation)
  if (problem !== ErrorCode.NONE) return draft.answerSync(event.request, problem)
  const member = draft.members.get(event.memberId)!
  draft.renewSession(member.id)
  // Its partitions belong to an outdated assignment; rejoining gives it the current one.
  if (draft.isBehind(member)) return draft.answerSync(event.request, ErrorCode.REBALANCE_IN_PROGRESS)
  draft.answerSync(event.request, ErrorCode.NONE, member)
}

function heartbeatClassic(draft: ConsumerDraft, event: HeartbeatEvent): ErrorCode {
  const problem = checkClassic(draft, event, event.generation)
  if (problem !== ErrorCode.NONE) return problem
  const member = draft.members.get(event.memberId)!
  draft.renewSession(member.id)
  return draft.mustMove(member) ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE
}

/** LeaveGroup can remove members of either protocol, which administrators use. */
function leaveClassic(draft: ConsumerDraft, event: LeaveEvent): ErrorCode {
  if (draft.isDead) return ErrorCode.COORDINATOR_NOT_AVAILABLE
  const { memberId, instanceId } = event
  if (memberId === '' && instanceId !== null) {
    const member = draft.byInstance(instanceId)
    if (member === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
    draft.dropMember(member)
    return ErrorCode.NONE
  }
  const stranger = checkIdentity(draft, event)
  if (stranger !== ErrorCode.NONE) return stranger
  draft.dropMember(draft.members.get(memberId)!)
  return ErrorCode.NONE
}

function commit(draft: ConsumerDraft, event: CommitEvent): ErrorCode {
  if (draft.isDead) return ErrorCode.COORDINATOR_NOT_AVAILABLE
  if (event.generation < 0 && draft.members.size === 0) return ErrorCode.NONE
  const stranger = checkIdentity(draft, event)
  if (stranger !== ErrorCode.NONE) return stranger
  const member = draft.members.get(event.memberId)!
  if (member.classic === null) return member.epoch === event.generation ? ErrorCode.NONE : ErrorCode.STALE_MEMBER_EPOCH
  if (member.epoch !== event.generation) return ErrorCode.ILLEGAL_GENERATION
  draft.renewSession(member.id)
  return ErrorCode.NONE
}

function remove(draft: ConsumerDraft): ErrorCode {
  if (draft.members.size > 0) return ErrorCode.NON_EMPTY_GROUP
  draft.isDead = true
  return ErrorCode.NONE
}

function expire(draft: ConsumerDraft, timer: Timer): void {
  switch (timer.kind) {
    case 'session': {
      const member = draft.members.get(timer.memberId)
      if (member !== undefined) draft.dropMember(member)
      return
    }
    case 'revoke': {
      const member = draft.members.get(timer.memberId)
      if (member !== undefined && member.revoking.size > 0) draft.dropMember(member)
      return
    }
    case 'assign':
      return draft.assign()
    case 'rebalance':
    case 'sync':
      // Timers of the classic protocol, set before the group was converted.
      return
    default:
      return timer satisfies never
  }
}

/** Whether the epoch is the member's, or its previous one while it owns nothing that it should not. */
function isEpochOf(member: ConsumerMember, { memberEpoch, owned }: ConsumerHeartbeatEvent): boolean {
  if (memberEpoch === member.epoch) return true
  if (memberEpoch !== member.previousEpoch || owned === null) return false
  return [...owned].every(([topic, list]) => {
    const assigned = new Set(member.assigned.get(topic))
    return list.every(partition => assigned.has(partition))
  })
}

function checkIdentity(draft: ConsumerDraft, { memberId, instanceId }: Identity): ErrorCode {
  if (draft.isDead) return ErrorCode.COORDINATOR_NOT_AVAILABLE
  if (instanceId !== null) {
    const holder = draft.byInstance(instanceId)
    if (holder === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
    if (holder.id !== memberId) return ErrorCode.FENCED_INSTANCE_ID
  }
  return draft.members.has(memberId) ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID
}

function checkClassic(draft: ConsumerDraft, event: Identity, generation: number): ErrorCode {
  const stranger = checkIdentity(draft, event)
  if (stranger !== ErrorCode.NONE) return stranger
  const member = draft.members.get(event.memberId)!
  if (member.classic === null) return ErrorCode.UNKNOWN_MEMBER_ID
  return member.epoch === generation ? ErrorCode.NONE : ErrorCode.ILLEGAL_GENERATION
}

function subscriptionProblem({ assignor, topicPattern }: ConsumerHeartbeatEvent) {
  if (assignor !== null && !Object.hasOwn(assignors, assignor)) {
    const message = `The assignor ${assignor} is not supported. Supported are: ${Object.keys(assignors).join(', ')}.`
    return { errorCode: ErrorCode.UNSUPPORTED_ASSIGNOR, message }
  }
  const problem = topicPattern === null ? undefined : patternProblem(topicPattern)
  if (problem === undefined) return undefined
  const message = `The regular expression ${topicPattern} is not valid: ${problem}`
  return { errorCode: ErrorCode.INVALID_REGULAR_EXPRESSION, message }
}

function newMember(
  { instanceId, clientId, clientHost, rebalanceTimeoutMs }: ConsumerHeartbeatEvent | JoinEvent,
  id: MemberId,
): ConsumerMember {
  return {
    id,
    instanceId,
    rackId: null,
    clientId,
    clientHost,
    epoch: 0,
    previousEpoch: 0,
    rebalanceTimeoutMs,
    topicNames: [],
    topicPattern: null,
    visibleTopics: null,
    assignor: null,
    assigned: nothingAssigned,
    revoking: nothingAssigned,
    isWaiting: false,
    classic: null,
  }
}

/** The changes to a member that a heartbeat reports. */
function changesOf(
  event: ConsumerHeartbeatEvent,
  before: ConsumerMember,
  { catalog }: ConsumerSurroundings,
): Partial<ConsumerMember> {
  const { rackId, rebalanceTimeoutMs, topicNames, topicPattern, mayDescribe, assignor } = event
  const pattern = topicPattern ?? before.topicPattern
  const said: Partial<ConsumerMember> = {
    ...(rackId === null ? {} : { rackId }),
    ...(rebalanceTimeoutMs === -1 ? {} : { rebalanceTimeoutMs }),
    ...(topicNames === null ? {} : { topicNames: [...new Set(topicNames)].toSorted() }),
    ...(topicPattern === null ? {} : { topicPattern: topicPattern === '' ? null : topicPattern }),
    // Evaluated on every heartbeat, because topics and ACLs change.
    visibleTopics: pattern && mayDescribe ? visibleTopics(pattern, mayDescribe, catalog) : null,
    ...(assignor === null ? {} : { assignor }),
  }
  const isNews = ([key, value]: [string, unknown]) =>
    // The keys of a member are its field names.
    JSON.stringify(value) !== JSON.stringify(before[key as keyof ConsumerMember])
  return Object.fromEntries(Object.entries(said).filter(isNews))
}

function visibleTopics(pattern: string, mayDescribe: (topic: string) => boolean, catalog: Catalog): TopicId[] {
  return topicsMatching(pattern, catalog)
    .filter(({ name }) => mayDescribe(name))
    .map(({ id }) => id)
    .toSorted()
}
