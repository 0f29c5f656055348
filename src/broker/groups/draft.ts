import { ErrorCode } from '../../kafka/index.ts'
import type {
  ClassicGroup,
  GroupEffect,
  GroupSettings,
  JoinEvent,
  Member,
  MemberId,
  Phase,
  Protocol,
  RequestId,
  Timer,
} from './classic-group.ts'

/** A group in the middle of one step: its new state and the effects. The original group is not modified. */
export class Draft {
  readonly settings: GroupSettings
  phase: Phase
  generation: number
  protocolType: string | null
  protocol: string | null
  leader: MemberId | null
  initialDelayLeftMs: number | null
  joinedDuringDelay: boolean
  readonly #before: ClassicGroup
  #members: Map<MemberId, Member> | undefined
  #pending: Set<MemberId> | undefined
  readonly #effects: GroupEffect[] = []

  constructor(before: ClassicGroup, settings: GroupSettings) {
    this.#before = before
    this.settings = settings
    this.phase = before.phase
    this.generation = before.generation
    this.protocolType = before.protocolType
    this.protocol = before.protocol
    this.leader = before.leader
    this.initialDelayLeftMs = before.initialDelayLeftMs
    this.joinedDuringDelay = before.joinedDuringDelay
  }

  result(): [ClassicGroup, GroupEffect[]] {
    const { phase, generation, protocolType, protocol, leader, members, pending, initialDelayLeftMs } = this
    const { joinedDuringDelay } = this
    const after: ClassicGroup = {
      type: 'classic',
      phase,
      generation,
      protocolType,
      protocol,
      leader,
      members,
      pending,
      initialDelayLeftMs,
      joinedDuringDelay,
    }
    return [after, this.#effects]
  }

  get members(): ReadonlyMap<MemberId, Member> {
    return this.#members ?? this.#before.members
  }

  get pending(): ReadonlySet<MemberId> {
    return this.#pending ?? this.#before.pending
  }

  byInstance(instanceId: string): Member | undefined {
    for (const member of this.members.values()) if (member.instanceId === instanceId) return member
    return undefined
  }

  /**
   * Whether a member with these protocols is compatible: of the same type, with a protocol that all members support.
   */
  supports(protocolType: string, protocols: readonly Protocol[]): boolean {
    if (protocolType === '' || protocols.length === 0) return false
    if (this.members.size === 0) return true
    if (protocolType !== this.protocolType) return false
    const common = this.#commonProtocols()
    return protocols.some(({ name }) => common.has(name))
  }

  /** Each member votes for the first of its protocols that all support; the leader's order breaks a tie. */
  selectProtocol(): string {
    const common = this.#commonProtocols()
    const votes = new Map<string, number>()
    const leader = this.members.get(this.leader ?? '')
    for (const { name } of leader?.protocols ?? []) if (common.has(name)) votes.set(name, 0)
    for (const member of this.members.values()) {
      const choice = member.protocols.find(({ name }) => common.has(name))?.name
      if (choice !== undefined) votes.set(choice, (votes.get(choice) ?? 0) + 1)
    }
    let [winner, most] = ['', -1]
    for (const [name, count] of votes) if (count > most) [winner, most] = [name, count]
    return winner
  }

  /** The longest rebalance timeout of all members. */
  rebalanceTimeoutMs(): number {
    let longest = 0
    for (const { rebalanceTimeoutMs } of this.members.values()) longest = Math.max(longest, rebalanceTimeoutMs)
    return longest
  }

  putMember(member: Member): void {
    this.#ownMembers().set(member.id, member)
  }

  /** Puts a member in another one's place, with its position and leadership. */
  replaceMember(oldId: MemberId, member: Member): void {
    this.#members = new Map([...this.members].map(([id, other]) => (id === oldId ? [member.id, member] : [id, other])))
    if (this.leader === oldId) this.leader = member.id
    this.clearSession(oldId)
  }

  /** Removes a member and answers its pending requests. */
  dropMember(member: Member): void {
    this.#ownMembers().delete(member.id)
    this.clearSession(member.id)
    if (member.joining !== null) this.answerJoinError(member.joining, ErrorCode.UNKNOWN_MEMBER_ID, member.id)
    if (member.syncing !== null) this.answerSyncError(member.syncing, ErrorCode.UNKNOWN_MEMBER_ID)
    if (this.leader === member.id) this.leader = this.members.keys().next().value ?? null
  }

  addPending(id: MemberId, sessionTimeoutMs: number): void {
    this.#ownPending().add(id)
    this.setTimer({ kind: 'session', memberId: id }, sessionTimeoutMs)
  }

  removePending(id: MemberId): void {
    this.#ownPending().delete(id)
    this.clearSession(id)
  }

  /** Distributes the leader's assignment: every waiting member gets its part. */
  assign(assignments: ReadonlyMap<MemberId, Buffer>): void {
    this.phase = 'Stable'
    this.save()
    for (const member of this.members.values()) {
      const assignment = assignments.get(member.id) ?? Buffer.alloc(0)
      this.putMember({ ...member, assignment, syncing: null })
      if (member.syncing === null) continue
      this.answerSync(member.syncing, assignment)
      this.renewSession(member.id)
    }
  }

  /** A rebalance begins before the last one finished: members that wait for their assignment must rejoin. */
  dropAssignments(): void {
    for (const member of this.members.values()) {
      this.putMember({ ...member, assignment: Buffer.alloc(0), syncing: null })
      if (member.syncing === null) continue
      this.answerSyncError(member.syncing, ErrorCode.REBALANCE_IN_PROGRESS)
      this.renewSession(member.id)
    }
  }

  becomeEmpty(): void {
    this.phase = 'Empty'
    this.protocol = null
    this.leader = null
    this.save()
  }

  save(): void {
    this.#effects.push({ kind: 'save' })
  }

  answer(request: RequestId, errorCode: ErrorCode): void {
    this.#effects.push({ kind: 'answer', request, errorCode })
  }

  /** Sends a member the generation; the leader also gets the list of members. */
  answerJoin(
    request: RequestId,
    memberId: MemberId,
    { leader, skipAssignment, tellsAll }: { leader: MemberId; skipAssignment: boolean; tellsAll: boolean },
  ): void {
    const { generation, protocolType, protocol } = this
    const members = tellsAll ? this.#membersForLeader() : []
    const answer = {
      errorCode: ErrorCode.NONE,
      memberId,
      generation,
      protocolType,
      protocol,
      leader,
      skipAssignment,
      members,
    }
    this.#effects.push({ kind: 'answerJoin', request, answer })
  }

  refuseJoin(event: JoinEvent, errorCode: ErrorCode, memberId = event.memberId): void {
    this.answerJoinError(event.request, errorCode, memberId)
  }

  answerJoinError(request: RequestId, errorCode: ErrorCode, memberId: MemberId): void {
    const nothing = {
      generation: -1,
      protocolType: null,
      protocol: null,
      leader: '',
      skipAssignment: false,
      members: [],
    }
    this.#effects.push({ kind: 'answerJoin', request, answer: { errorCode, memberId, ...nothing } })
  }

  answerSync(request: RequestId, assignment: Buffer): void {
    const { protocolType, protocol } = this
    const answer = { errorCode: ErrorCode.NONE, protocolType, protocol, assignment }
    this.#effects.push({ kind: 'answerSync', request, answer })
  }

  answerSyncError(request: RequestId, errorCode: ErrorCode): void {
    const answer = { errorCode, protocolType: null, protocol: null, assignment: Buffer.alloc(0) }
    this.#effects.push({ kind: 'answerSync', request, answer })
  }

  /** Restarts the session of a member that was heard from. A member with a pending join counts as alive anyway. */
  renewSession(memberId: MemberId): void {
    const member = this.members.get(memberId)
    if (member === undefined || member.joining !== null) return
    this.setTimer({ kind: 'session', memberId }, member.sessionTimeoutMs)
  }

  clearSession(memberId: MemberId): void {
    this.clearTimer({ kind: 'session', memberId })
  }

  setTimer(timer: Timer, delayMs: number): void {
    this.#effects.push({ kind: 'setTimer', timer, delayMs })
  }

  clearTimer(timer: Timer): void {
    this.#effects.push({ kind: 'clearTimer', timer })
  }

  #commonProtocols(): Set<string> {
    let common: Set<string> | undefined
    for (const { protocols } of this.members.values()) {
      const names = new Set(protocols.map(({ name }) => name))
      common = common === undefined ? names : common.intersection(names)
    }
    return common ?? new Set()
  }

  #membersForLeader() {
    return [...this.members.values()].map(({ id, instanceId, protocols }) => ({
      id,
      instanceId,
      metadata: protocols.find(({ name }) => name === this.protocol)?.metadata ?? Buffer.alloc(0),
    }))
  }

  #ownMembers(): Map<MemberId, Member> {
    return (this.#members ??= new Map(this.#before.members))
  }

  #ownPending(): Set<MemberId> {
    return (this.#pending ??= new Set(this.#before.pending))
  }
}
