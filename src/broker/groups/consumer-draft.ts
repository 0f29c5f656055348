import { ErrorCode } from '../../kafka/index.ts'
import type { TopicId } from '../../metadata/index.ts'
import { type Assignment, type AssignorMember, assignors, defaultAssignor, nothingAssigned } from './assignors.ts'
import type { GroupEffect, JoinEvent, MemberId, RequestId, Timer } from './classic-group.ts'
import type {
  ConsumerGroup,
  ConsumerHeartbeatAnswer,
  ConsumerHeartbeatEvent,
  ConsumerMember,
  ConsumerPhase,
  ConsumerSurroundings,
} from './consumer-group.ts'
import { withNames, writeAssignment } from './consumer-protocol.ts'
import { topicsMatching } from './topic-pattern.ts'

/** Groups of up to this many members get a target assignment immediately; larger ones gather changes for a moment. */
const AT_ONCE_MEMBERS = 256
const GATHER_MS = 500

/** A `consumer` group in the middle of one step: its new state and the effects. */
export class ConsumerDraft {
  readonly surroundings: ConsumerSurroundings
  isDead: boolean
  readonly #before: ConsumerGroup
  #epoch: number
  #assignmentEpoch: number
  #assignor: string
  #members: Map<MemberId, ConsumerMember> | undefined
  #targets: ReadonlyMap<MemberId, Assignment>
  #topics: ReadonlyMap<TopicId, number>
  readonly #effects: GroupEffect[] = []

  constructor(before: ConsumerGroup, surroundings: ConsumerSurroundings) {
    this.surroundings = surroundings
    this.#before = before
    this.isDead = before.phase === 'Dead'
    this.#epoch = before.epoch
    this.#assignmentEpoch = before.assignmentEpoch
    this.#assignor = before.assignor
    this.#targets = before.targets
    this.#topics = before.topics
  }

  result(): [ConsumerGroup, GroupEffect[]] {
    const isUnchanged =
      this.#members === undefined && this.#epoch === this.#before.epoch && this.#targets === this.#before.targets
    if (isUnchanged && !this.isDead && this.#topics === this.#before.topics) return [this.#before, this.#effects]
    const after: ConsumerGroup = {
      type: 'consumer',
      phase: this.#phase(),
      epoch: this.#epoch,
      assignmentEpoch: this.#assignmentEpoch,
      assignor: this.#assignor,
      members: this.members,
      targets: this.#targets,
      topics: this.#topics,
    }
    return [after, this.#effects]
  }

  get members(): ReadonlyMap<MemberId, ConsumerMember> {
    return this.#members ?? this.#before.members
  }

  byInstance(instanceId: string): ConsumerMember | undefined {
    for (const member of this.members.values()) if (member.instanceId === instanceId) return member
    return undefined
  }

  putMember(member: ConsumerMember): void {
    this.#ownMembers().set(member.id, member)
  }

  /**
   * Replaces a static member that returned with another id: it inherits the
   * place, target and partitions of the old one.
   */
  replaceMember(old: ConsumerMember, id: MemberId): void {
    const place = ([known, member]: [MemberId, ConsumerMember]): [MemberId, ConsumerMember] =>
      known === old.id ? [id, { ...member, id }] : [known, member]
    this.#members = new Map([...this.members].map(place))
    this.#targets = new Map([...this.#targets].map(([known, target]) => [known === old.id ? id : known, target]))
    this.#clearTimers(old.id)
    this.save()
  }

  dropMember(member: ConsumerMember): void {
    this.#ownMembers().delete(member.id)
    this.#clearTimers(member.id)
    this.#changed()
  }

  /** Checks whether a member's new subscription changes the target assignment. */
  checkSubscription(before: ConsumerMember | undefined): void {
    const after = before === undefined ? undefined : this.members.get(before.id)
    const isSame =
      before !== undefined &&
      after !== undefined &&
      before.topicPattern === after.topicPattern &&
      before.visibleTopics?.join() === after.visibleTopics?.join() &&
      before.topicNames.join() === after.topicNames.join() &&
      before.assignor === after.assignor
    if (isSame && this.#targets.has(after.id)) this.save()
    else this.#changed()
  }

  /** Checks whether the topics that members subscribe to have changed. */
  checkTopics(): void {
    if (this.isDead || this.members.size === 0) return
    const topics = this.#subscribedTopics()
    const isSame =
      topics.size === this.#topics.size && [...topics].every(([id, count]) => this.#topics.get(id) === count)
    if (!isSame) this.#changed()
  }

  /** Computes the target assignment for the group's epoch. */
  assign(): void {
    if (this.isDead || this.#assignmentEpoch === this.#epoch) return
    this.#topics = this.#subscribedTopics()
    this.#assignor = this.#preferredAssignor()
    const members = [...this.members.values()].map((member): AssignorMember => {
      const { id, instanceId } = member
      return { id, instanceId, topics: this.#topicsOf(member), current: this.#targets.get(id) ?? nothingAssigned }
    })
    this.#targets = assignors[this.#assignor]!(members, this.#topics)
    this.#assignmentEpoch = this.#epoch
    this.clearTimer({ kind: 'assign' })
    this.save()
  }

  /**
   * Moves a member towards its target: it first revokes what is not in it; once it owns none of that, it advances to
   * the epoch of the assignment and gets what is free, and the rest as others release it.
   *
   * @param owned what the member reports to own; null if it reports no change
   */
  reconcile(id: MemberId, owned: Assignment | null): void {
    const member = this.members.get(id)!
    const isAt = member.epoch === this.#assignmentEpoch
    if (isAt && member.revoking.size === 0 && !member.isWaiting) return
    if (member.revoking.size > 0 && (owned === null || overlaps(owned, member.revoking))) return
    const target = this.#targets.get(id) ?? nothingAssigned
    const kept = intersection(member.assigned, target)
    const surplus = difference(member.assigned, target)
    if (surplus.size > 0 && (owned === null || overlaps(owned, surplus))) {
      this.putMember({ ...member, assigned: kept, revoking: surplus, isWaiting: false })
      this.setTimer({ kind: 'revoke', memberId: id }, member.rebalanceTimeoutMs)
      return this.save()
    }
    const wanted = difference(target, kept)
    const free = wanted.size === 0 ? wanted : this.#free(wanted, id)
    const isWaiting = sizeOf(free) < sizeOf(wanted)
    const assigned = free.size === 0 ? kept : union(kept, free)
    if (isAt && free.size === 0 && member.revoking.size === 0 && isWaiting === member.isWaiting) return
    this.clearTimer({ kind: 'revoke', memberId: id })
    this.putMember({
      ...member,
      epoch: this.#assignmentEpoch,
      previousEpoch: isAt ? member.previousEpoch : member.epoch,
      assigned: sameAssignment(assigned, member.assigned) ? member.assigned : assigned,
      revoking: nothingAssigned,
      isWaiting,
    })
    this.save()
  }

  /** Whether there is a newer assignment than the member has received, and nothing that it must revoke first. */
  isBehind(member: ConsumerMember): boolean {
    return member.epoch < this.#assignmentEpoch && member.revoking.size === 0
  }

  /** Whether a member of the classic protocol must rejoin in order to progress. */
  mustMove(member: ConsumerMember): boolean {
    if (member.epoch < this.#assignmentEpoch || member.revoking.size > 0) return true
    if (!member.isWaiting) return false
    const wanted = difference(this.#targets.get(member.id) ?? nothingAssigned, member.assigned)
    return this.#free(wanted, member.id).size > 0
  }

  save(): void {
    if (this.#effects.at(-1)?.kind !== 'save') this.#effects.push({ kind: 'save' })
  }

  answer(request: RequestId, errorCode: ErrorCode): void {
    this.#effects.push({ kind: 'answer', request, errorCode })
  }

  answerHeartbeat(request: RequestId, answer: ConsumerHeartbeatAnswer): void {
    this.#effects.push({ kind: 'answerHeartbeat', request, answer })
  }

  refuse(event: ConsumerHeartbeatEvent, errorCode: ErrorCode, errorMessage: string | null = null): void {
    this.answerHeartbeat(event.request, refusedHeartbeat(errorCode, errorMessage, event.memberId))
  }

  /** A member of the classic protocol never leads, because the broker computes the assignment. */
  answerJoin(request: RequestId, { id, epoch, classic }: ConsumerMember): void {
    const protocol = classic!.protocols[0]!.name
    const nobody = { leader: '', skipAssignment: false, members: [] }
    const answer = { errorCode: ErrorCode.NONE, memberId: id, generation: epoch, protocolType: 'consumer', protocol }
    this.#effects.push({ kind: 'answerJoin', request, answer: { ...answer, ...nobody } })
  }

  refuseJoin({ request, memberId }: JoinEvent, errorCode: ErrorCode, idToUse: MemberId = memberId): void {
    const nothing = {
      generation: -1,
      protocolType: null,
      protocol: null,
      leader: '',
      skipAssignment: false,
      members: [],
    }
    this.#effects.push({ kind: 'answerJoin', request, answer: { errorCode, memberId: idToUse, ...nothing } })
  }

  answerSync(request: RequestId, errorCode: ErrorCode, member?: ConsumerMember): void {
    const answer = {
      errorCode,
      protocolType: member === undefined ? null : 'consumer',
      protocol: member?.classic?.protocols[0]?.name ?? null,
      assignment:
        member === undefined ? Buffer.alloc(0) : writeAssignment(withNames(member.assigned, this.surroundings.catalog)),
    }
    this.#effects.push({ kind: 'answerSync', request, answer })
  }

  renewSession(memberId: MemberId): void {
    const member = this.members.get(memberId)!
    const delayMs = member.classic?.sessionTimeoutMs ?? this.surroundings.timeouts.sessionTimeoutMs
    this.setTimer({ kind: 'session', memberId }, delayMs)
  }

  setTimer(timer: Timer, delayMs: number): void {
    this.#effects.push({ kind: 'setTimer', timer, delayMs })
  }

  clearTimer(timer: Timer): void {
    this.#effects.push({ kind: 'clearTimer', timer })
  }

  /** Members, subscriptions or topics have changed: makes a new target assignment, now or in a moment. */
  #changed(): void {
    const isDue = this.#epoch === this.#assignmentEpoch
    this.#epoch++
    this.save()
    if (this.members.size <= AT_ONCE_MEMBERS || this.#assignmentEpoch === 0) this.assign()
    else if (isDue) this.setTimer({ kind: 'assign' }, GATHER_MS)
  }

  #phase(): ConsumerPhase {
    if (this.isDead) return 'Dead'
    if (this.members.size === 0) return 'Empty'
    if (this.#epoch > this.#assignmentEpoch) return 'Assigning'
    for (const { epoch, revoking, isWaiting } of this.members.values()) {
      if (epoch !== this.#assignmentEpoch || revoking.size > 0 || isWaiting) return 'Reconciling'
    }
    return 'Stable'
  }

  #subscribedTopics(): Map<TopicId, number> {
    const { byId } = this.surroundings.catalog
    const topics = new Map<TopicId, number>()
    for (const member of this.members.values()) {
      for (const id of this.#topicsOf(member)) if (!topics.has(id)) topics.set(id, byId.get(id)!.partitions.length)
    }
    return topics
  }

  #topicsOf({ topicNames, topicPattern, visibleTopics }: ConsumerMember): TopicId[] {
    const { catalog } = this.surroundings
    const ids = new Set<TopicId>()
    for (const name of topicNames) {
      const topic = catalog.byName.get(name)
      if (topic !== undefined) ids.add(topic.id)
    }
    if (topicPattern === null) return [...ids]
    const matching = new Set(topicsMatching(topicPattern, catalog).map(({ id }) => id))
    return [...ids.union(visibleTopics === null ? matching : matching.intersection(new Set(visibleTopics)))]
  }

  /** The assignor that most members prefer. */
  #preferredAssignor(): string {
    const votes = new Map<string, number>()
    for (const { assignor } of this.members.values()) {
      if (assignor !== null) votes.set(assignor, (votes.get(assignor) ?? 0) + 1)
    }
    let [winner, most] = [defaultAssignor, 0]
    for (const [name, count] of votes) if (count > most) [winner, most] = [name, count]
    return winner
  }

  /** The partitions that no other member owns or has yet to revoke. */
  #free(wanted: Assignment, id: MemberId): Assignment {
    const left = new Map([...wanted].map(([topic, list]) => [topic, new Set(list)]))
    for (const member of this.members.values()) {
      if (member.id === id) continue
      for (const owned of [member.assigned, member.revoking]) {
        for (const [topic, partitions] of left) for (const each of owned.get(topic) ?? []) partitions.delete(each)
      }
    }
    const free = new Map<TopicId, readonly number[]>()
    for (const [topic, partitions] of left) if (partitions.size > 0) free.set(topic, [...partitions])
    return free
  }

  #clearTimers(memberId: MemberId): void {
    this.clearTimer({ kind: 'session', memberId })
    this.clearTimer({ kind: 'revoke', memberId })
  }

  #ownMembers(): Map<MemberId, ConsumerMember> {
    return (this.#members ??= new Map(this.#before.members))
  }
}

/** Returns the answer to a refused heartbeat. */
export function refusedHeartbeat(
  errorCode: ErrorCode,
  errorMessage: string | null,
  memberId: MemberId,
): ConsumerHeartbeatAnswer {
  return { errorCode, errorMessage, memberId, memberEpoch: 0, heartbeatIntervalMs: 0, assignment: null }
}

function overlaps(a: Assignment, b: Assignment): boolean {
  for (const [topic, list] of a) {
    const other = b.get(topic)
    if (other === undefined) continue
    const others = new Set(other)
    if (list.some(partition => others.has(partition))) return true
  }
  return false
}

function intersection(a: Assignment, b: Assignment): Assignment {
  return filtered(a, b, true)
}

function difference(a: Assignment, b: Assignment): Assignment {
  return filtered(a, b, false)
}

/** The partitions that are in the other assignment, or those that are not. */
function filtered(assignment: Assignment, other: Assignment, isIn: boolean): Assignment {
  const kept = new Map<TopicId, readonly number[]>()
  for (const [topic, list] of assignment) {
    const others = new Set(other.get(topic))
    const some = list.filter(partition => others.has(partition) === isIn)
    if (some.length > 0) kept.set(topic, some)
  }
  return kept
}

function union(a: Assignment, b: Assignment): Assignment {
  const both = new Map(a)
  for (const [topic, list] of b)
    both.set(
      topic,
      [...(both.get(topic) ?? []), ...list].toSorted((x, y) => x - y),
    )
  return both
}

function sizeOf(assignment: Assignment): number {
  let size = 0
  for (const list of assignment.values()) size += list.length
  return size
}

function sameAssignment(a: Assignment, b: Assignment): boolean {
  return a.size === b.size && [...a].every(([topic, list]) => b.get(topic)?.join() === list.join())
}
