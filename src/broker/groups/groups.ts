import { type Clock, type Log, type Random, uuid, waitOrAbort } from '../../base/index.ts'
import { ErrorCode } from '../../kafka/index.ts'
import { type Fence, type Metadata, MetadataError, type TopicId } from '../../metadata/index.ts'
import type { Leases } from '../leases.ts'
import type { GroupTimeouts } from '../group-config.ts'
import type {
  CommitEvent,
  GroupEffect,
  GroupSettings,
  HeartbeatEvent,
  JoinAnswer,
  JoinEvent,
  LeaveEvent,
  RequestId,
  SyncAnswer,
  SyncEvent,
  Timer,
} from './classic-group.ts'
import { refusedHeartbeat } from './consumer-draft.ts'
import type { ConsumerHeartbeatAnswer, ConsumerHeartbeatEvent } from './consumer-group.ts'
import { Deadlines } from './deadlines.ts'
import {
  epochOf,
  type Group,
  type GroupEvent,
  isInUse,
  isUnknown,
  loadGroup,
  saveGroup,
  stepGroup,
  type Surroundings,
  timersOf,
  topicsOf,
  unknownGroup,
} from './group.ts'
import { leaseOfGroup } from '../shard.ts'

type Request<Event> = Omit<Event, 'kind' | 'request'>

export interface GroupsOptions {
  readonly metadata: Metadata
  /** A group is coordinated under the lease of `leaseOfGroup`. */
  readonly leases: Leases
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly settings: GroupSettings
  /** What holds for groups of the `consumer` protocol. */
  readonly consumers: {
    readonly maxSize: number
    readonly timeoutsOf: (groupId: string) => GroupTimeouts
  }
  readonly retention: GroupRetention
}

/** When groups are forgotten, by Kafka's names; times are milliseconds. */
interface GroupRetention {
  /** How long after its last member left and its last commit, whichever came later (KIP-211). */
  readonly offsetsRetentionMs: number
  readonly checkIntervalMs: number
}

/** A group as its coordinator describes it; without a group when there is an error. */
export type DescribedGroup =
  | { readonly errorCode: typeof ErrorCode.NONE; readonly group: Group }
  | { readonly errorCode: ErrorCode; readonly group?: undefined }

/** Whether a member may commit offsets, and with which fence. */
export type CommitPermission =
  | { readonly errorCode: typeof ErrorCode.NONE; readonly fence: Fence }
  | { readonly errorCode: ErrorCode; readonly fence?: undefined }

/** A timer of a group as one key. */
interface GroupTimer {
  readonly groupId: string
  readonly timer: Timer
}

interface Entry {
  state: Group
  /** Under which it was loaded; what is saved carries it. */
  readonly fence: Fence
  /** When the last member left; null while there are members, and for groups that never had any. */
  emptySince: number | null
  /** Timers by their text, so that setting one again replaces it. */
  readonly timers: Map<string, GroupTimer>
  /** What was saved last; false when the group has passed to another coordinator. What is answered later waits for it. */
  saved: Promise<boolean>
  /** The write that takes the place of all changes while another one is under way. */
  nextSave: Promise<boolean> | undefined
}

/** A request that waits for its answer. */
interface Waiting {
  readonly groupId: string
  readonly resolve: (answer: never) => void
  /** The answer when the group's state machine gives none. */
  readonly refuse: (errorCode: ErrorCode) => unknown
}

/**
 * The coordinator of groups: runs each group's state machine, keeps its timers, saves it, and answers requests. Groups are
 * loaded when they are first asked for. A group whose lease another broker holds is answered with NOT_COORDINATOR, and
 * what this broker knows of it is dropped as soon as the lease is lost.
 */
export class Groups {
  readonly #options: GroupsOptions
  /** Undefined while another broker coordinates the group. */
  readonly #entries = new Map<string, Promise<Entry | undefined>>()
  readonly #loading = new Set<Promise<Entry | undefined>>()
  readonly #waiting = new Map<RequestId, Waiting>()
  readonly #deadlines: Deadlines<GroupTimer>
  readonly #stop = new AbortController()
  readonly #expiring: Promise<void>
  readonly #stopListening: () => void
  #nextRequest = 1

  constructor(options: GroupsOptions) {
    this.#options = options
    this.#deadlines = new Deadlines(options.clock, due => this.#onDue(due))
    const stopLeases = options.leases.onLost(lease => this.#onLeaseLost(lease))
    const stopTopics = options.metadata.onTopicsChanged(() => this.#onTopicsChanged())
    this.#stopListening = () => {
      stopLeases()
      stopTopics()
    }
    this.#expiring = this.#expireUntilStopped()
  }

  async join(groupId: string, request: Omit<Request<JoinEvent>, 'newMemberId'>): Promise<JoinAnswer> {
    // Nobody new joins without a protocol, whatever group it is and whoever coordinates it.
    if (request.memberId === '' && request.protocols.length === 0)
      return refusedJoin(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, request.memberId)
    const newMemberId = `${request.instanceId ?? request.clientId}-${uuid(this.#options.random)}`
    return this.#ask(
      groupId,
      id => ({ ...request, kind: 'join', request: id, newMemberId }),
      errorCode => refusedJoin(errorCode, request.memberId),
    )
  }

  sync(groupId: string, request: Request<SyncEvent>): Promise<SyncAnswer> {
    return this.#ask(groupId, id => ({ ...request, kind: 'sync', request: id }), refusedSync, true)
  }

  heartbeat(groupId: string, request: Request<HeartbeatEvent>): Promise<ErrorCode> {
    return this.#ask(groupId, id => ({ ...request, kind: 'heartbeat', request: id }), justTheCode, true)
  }

  leave(groupId: string, request: Request<LeaveEvent>): Promise<ErrorCode> {
    return this.#ask(groupId, id => ({ ...request, kind: 'leave', request: id }), justTheCode, true)
  }

  /** A heartbeat of the `consumer` protocol, by which members also join and leave. */
  consumerHeartbeat(
    groupId: string,
    request: Omit<Request<ConsumerHeartbeatEvent>, 'newMemberId'>,
  ): Promise<ConsumerHeartbeatAnswer> {
    const newMemberId = uuid(this.#options.random)
    return this.#ask(
      groupId,
      id => ({ ...request, kind: 'consumerHeartbeat', request: id, newMemberId }),
      errorCode => refusedHeartbeat(errorCode, null, request.memberId),
    )
  }

  /** Whether this member may commit offsets now. The commit has to carry the fence. */
  async mayCommit(groupId: string, request: Request<CommitEvent>): Promise<CommitPermission> {
    const errorCode = await this.#ask<ErrorCode>(
      groupId,
      id => ({ ...request, kind: 'commit', request: id }),
      justTheCode,
    )
    if (errorCode !== ErrorCode.NONE) return { errorCode }
    const fence = this.#options.leases.held(leaseOfGroup(groupId))
    return fence === undefined ? { errorCode: ErrorCode.NOT_COORDINATOR } : { errorCode, fence }
  }

  /** A write to the group under this fence was refused as `fenced`. */
  fenced(fence: Fence): void {
    this.#options.leases.fenced(fence)
  }

  /** The group as it is: GROUP_ID_NOT_FOUND for one of which nothing is known, NOT_COORDINATOR for another broker's. */
  async describe(groupId: string): Promise<DescribedGroup> {
    try {
      const entry = await this.#entry(groupId)
      if (entry === undefined) {
        // Every broker can tell that there is no such group, since a group is saved before a join to it is answered.
        const isKnown = await this.#options.metadata.isGroupKnown(groupId)
        return { errorCode: isKnown ? ErrorCode.NOT_COORDINATOR : ErrorCode.GROUP_ID_NOT_FOUND }
      }
      if (!isUnknown(entry.state)) return { errorCode: ErrorCode.NONE, group: entry.state }
      this.#entries.delete(groupId)
      return (await this.#hasOffsets(groupId))
        ? { errorCode: ErrorCode.NONE, group: entry.state }
        : { errorCode: ErrorCode.GROUP_ID_NOT_FOUND }
    } catch (error) {
      return { errorCode: this.#unavailable(groupId, error) }
    }
  }

  async #hasOffsets(groupId: string): Promise<boolean> {
    return (await this.#options.metadata.groupOffsets(groupId)).length > 0
  }

  /** The groups with members or offsets that this broker coordinates. Those of others are in their lists. */
  async list(): Promise<{ id: string; group: Group }[]> {
    const stored = new Set(await this.#options.metadata.listGroups())
    const ids = stored.union(new Set(this.#entries.keys()))
    await this.#options.leases.acquire([...new Set(Array.from(ids, leaseOfGroup))])
    const groups: { id: string; group: Group }[] = []
    for (const id of ids) {
      const entry = await this.#entry(id)
      if (entry !== undefined && (!isUnknown(entry.state) || stored.has(id))) groups.push({ id, group: entry.state })
    }
    return groups
  }

  /** Deletes a group without members, with its offsets. */
  async delete(groupId: string): Promise<ErrorCode> {
    const { errorCode } = await this.describe(groupId)
    if (errorCode !== ErrorCode.NONE) return errorCode
    return this.#forget(groupId, fence => this.#options.metadata.deleteGroup(groupId, fence))
  }

  /** Deletes the group's offsets of single partitions. */
  async deleteOffsets(
    groupId: string,
    partitions: readonly { topic: TopicId; partition: number }[],
  ): Promise<ErrorCode> {
    const fence = this.#options.leases.held(leaseOfGroup(groupId))
    if (fence === undefined) return ErrorCode.NOT_COORDINATOR
    try {
      await this.#options.metadata.deleteOffsets(groupId, partitions, fence)
    } catch (error) {
      if (!isFenced(error)) throw error
      this.fenced(fence)
      return ErrorCode.NOT_COORDINATOR
    }
    return ErrorCode.NONE
  }

  async #forget(groupId: string, remove: (fence: Fence) => Promise<unknown>): Promise<ErrorCode> {
    const errorCode = await this.#ask<ErrorCode>(groupId, request => ({ kind: 'delete', request }), justTheCode)
    if (errorCode !== ErrorCode.NONE) return errorCode
    const entry = await this.#entries.get(groupId)
    if (entry === undefined) return ErrorCode.NOT_COORDINATOR
    // A write that is still under way would bring the group back.
    await entry.saved
    try {
      // Requests that come in between find it dead, and their clients try again.
      await remove(entry.fence)
    } catch (error) {
      if (!isFenced(error)) throw error
      this.fenced(entry.fence)
      return ErrorCode.NOT_COORDINATOR
    } finally {
      // A group that could not be deleted is loaded again as it was, instead of staying dead.
      this.#entries.delete(groupId)
    }
    return ErrorCode.NONE
  }

  /**
   * Forgets groups without members whose retention is over, with their offsets; answers which. A group whose consumers
   * have nothing to commit is not idle before they leave.
   */
  async expireIdle(): Promise<string[]> {
    const { metadata, clock, retention } = this.#options
    const { offsetsRetentionMs } = retention
    const expired: string[] = []
    for (const groupId of await metadata.idleGroups(offsetsRetentionMs)) {
      if (this.#stop.signal.aborted) break
      const entry = await this.#entry(groupId)
      if (entry === undefined || isInUse(entry.state)) continue
      if (entry.emptySince !== null && entry.emptySince >= clock.now() - offsetsRetentionMs) continue
      // A member may have joined since, which keeps the group; a commit that was let through before is looked for.
      await this.#forget(groupId, async fence => {
        if (await metadata.expireGroup(groupId, offsetsRetentionMs, fence)) expired.push(groupId)
      })
    }
    return expired
  }

  /** The topics that members of the group are subscribed to; undefined when they may be any. */
  async subscribedTopics(groupId: string): Promise<ReadonlySet<string> | undefined> {
    const entry = await this.#entry(groupId)
    return entry === undefined ? new Set() : topicsOf(entry.state, this.#options.metadata.catalog())
  }

  /** Stops all timers. Waiting requests stay unanswered: their connections close as well. */
  async close(): Promise<void> {
    this.#stop.abort()
    this.#stopListening()
    this.#deadlines.close()
    this.#waiting.clear()
    await this.#expiring
    // What is under way is finished before the leases are given back.
    await Promise.allSettled(Array.from(this.#entries.values(), async loading => (await loading)?.saved))
  }

  async #expireUntilStopped(): Promise<void> {
    const { clock, log, retention } = this.#options
    const { signal } = this.#stop
    for (;;) {
      await waitOrAbort(clock, retention.checkIntervalMs, signal)
      if (signal.aborted) return
      try {
        for (const group of await this.expireIdle()) log.info('idle group deleted', { group })
      } catch (error) {
        log.warn('idle groups could not be deleted', { error: String(error) })
      }
    }
  }

  /** @param isOfMember whether it is a member's request, which a group that does not exist has none of */
  async #ask<Answer>(
    groupId: string,
    event: (request: RequestId) => GroupEvent,
    refuse: (errorCode: ErrorCode) => Answer,
    isOfMember = false,
  ): Promise<Answer> {
    for (;;) {
      const loading = this.#entry(groupId)
      let entry: Entry | undefined
      let isKnown = true
      try {
        entry = await loading
        if (entry === undefined && isOfMember) isKnown = await this.#options.metadata.isGroupKnown(groupId)
      } catch (error) {
        return refuse(this.#unavailable(groupId, error))
      }
      if (entry === undefined) return refuse(isKnown ? ErrorCode.NOT_COORDINATOR : ErrorCode.UNKNOWN_MEMBER_ID)
      // Dropped or deleted while it was being loaded: what happens to this entry would be lost.
      if (this.#entries.get(groupId) !== loading) continue
      const current = entry
      const request = this.#nextRequest++
      return new Promise<Answer>(resolve => {
        this.#waiting.set(request, { groupId, resolve, refuse })
        this.#handle(groupId, current, event(request))
        if (isUnknown(current.state)) this.#entries.delete(groupId)
      })
    }
  }

  /** What a client gets to hear while the metadata cannot be used: it tries again. */
  #unavailable(groupId: string, error: unknown): ErrorCode {
    if (!(error instanceof MetadataError)) throw error
    this.#options.log.warn('group could not be loaded', { group: groupId, error: error.message })
    return ErrorCode.COORDINATOR_NOT_AVAILABLE
  }

  #handle(groupId: string, entry: Entry, event: GroupEvent): void {
    const [state, effects] = stepGroup(entry.state, event, this.#surroundings(groupId))
    const { clock, log } = this.#options
    if (state.phase !== entry.state.phase && log.enabled('debug')) {
      log.debug('group changes', {
        group: groupId,
        from: entry.state.phase,
        to: state.phase,
        epoch: epochOf(state),
      })
    }
    if (state.phase !== entry.state.phase) entry.emptySince = state.phase === 'Empty' ? clock.now() : null
    entry.state = state
    for (const effect of effects) this.#carryOut(groupId, entry, effect)
  }

  #carryOut(groupId: string, entry: Entry, effect: GroupEffect): void {
    switch (effect.kind) {
      case 'answerJoin':
      case 'answerSync':
      case 'answerHeartbeat':
        return this.#answer(effect.request, effect.answer, entry)
      case 'answer':
        return this.#answer(effect.request, effect.errorCode, undefined)
      case 'setTimer': {
        const key = timerKey(effect.timer)
        const timer = entry.timers.get(key) ?? { groupId, timer: effect.timer }
        entry.timers.set(key, timer)
        return this.#deadlines.set(timer, effect.delayMs)
      }
      case 'clearTimer': {
        const key = timerKey(effect.timer)
        const timer = entry.timers.get(key)
        if (timer !== undefined) this.#deadlines.clear(timer)
        entry.timers.delete(key)
        return
      }
      case 'save':
        return this.#saveSoon(groupId, entry)
      default:
        return effect satisfies never
    }
  }

  /** Answers once everything is saved that was to be saved before. */
  #answer(request: RequestId, answer: unknown, entry: Entry | undefined): void {
    const waiting = this.#waiting.get(request)
    if (waiting === undefined) return
    this.#waiting.delete(request)
    const { resolve, refuse } = waiting
    // The answer belongs to the request that this promise waits for.
    if (entry === undefined || entry.saved === savedAlready) return resolve(answer as never)
    // The same, or the refusal of that request.
    void entry.saved.then(isOwn => resolve((isOwn ? answer : refuse(ErrorCode.NOT_COORDINATOR)) as never))
  }

  /** Saves the group; what changes while a write is under way is written together after it. */
  #saveSoon(groupId: string, entry: Entry): void {
    if (entry.nextSave !== undefined) return
    const next = entry.saved.then(isOwn => {
      entry.nextSave = undefined
      return isOwn && this.#save(groupId, entry)
    })
    entry.nextSave = next
    entry.saved = next
    void next.then(isOwn => {
      if (isOwn && entry.saved === next) entry.saved = savedAlready
    })
  }

  async #save(groupId: string, { state, emptySince, fence }: Entry): Promise<boolean> {
    try {
      await this.#options.metadata.saveGroup(groupId, saveGroup({ group: state, emptySince }), fence)
    } catch (error) {
      if (isFenced(error)) {
        this.fenced(fence)
        return false
      }
      // The members go on all the same: the next coordinator would make them join again, and no more is lost.
      this.#options.log.warn('group could not be saved', { group: groupId, error: String(error) })
    }
    return true
  }

  #surroundings(groupId: string): Surroundings {
    const { settings, consumers, metadata } = this.#options
    const { maxSize, timeoutsOf } = consumers
    return { classic: settings, consumer: { catalog: metadata.catalog(), timeouts: timeoutsOf(groupId), maxSize } }
  }

  #onTopicsChanged(): void {
    for (const [groupId, loading] of this.#entries) {
      loading.then(
        entry => {
          const isOurs =
            entry !== undefined && this.#options.leases.held(entry.fence.lease)?.epoch === entry.fence.epoch
          if (!isOurs || this.#stop.signal.aborted || entry.state.type !== 'consumer') return
          this.#handle(groupId, entry, { kind: 'topics' })
        },
        () => {}, // it could not be loaded: it looks at the topics when it is
      )
    }
  }

  #onLeaseLost(lease: string): void {
    for (const groupId of this.#entries.keys()) if (leaseOfGroup(groupId) === lease) this.#drop(groupId)
    for (const [request, { groupId, resolve, refuse }] of this.#waiting) {
      if (leaseOfGroup(groupId) !== lease) continue
      this.#waiting.delete(request)
      resolve(refuse(ErrorCode.NOT_COORDINATOR) as never) // made for the request that this promise waits for
    }
  }

  /** Forgets what is known of a group that another broker coordinates from now on. */
  #drop(groupId: string): void {
    const dropped = this.#entries.get(groupId)
    this.#entries.delete(groupId)
    dropped?.then(
      entry => {
        for (const timer of entry?.timers.values() ?? []) this.#deadlines.clear(timer)
      },
      () => {}, // it could not be loaded: there are no timers
    )
  }

  #onDue(due: GroupTimer): void {
    const { groupId, timer } = due
    // Only who certainly coordinates the group may end a session.
    if (this.#options.leases.held(leaseOfGroup(groupId)) === undefined) return
    this.#entries.get(groupId)?.then(
      entry => {
        const key = timerKey(timer)
        // The timer of an entry that was dropped is not one of its successor.
        if (this.#stop.signal.aborted || entry?.timers.get(key) !== due) return
        entry.timers.delete(key)
        this.#handle(groupId, entry, { kind: 'timer', timer })
      },
      (error: unknown) => this.#options.log.error('group timer failed', { group: groupId, error: String(error) }),
    )
  }

  /** The group, loaded if it is not yet; undefined when another broker coordinates it. */
  #entry(groupId: string): Promise<Entry | undefined> {
    // Asking drops the groups of a lease that is not held any more.
    const isHeld = this.#options.leases.held(leaseOfGroup(groupId)) !== undefined
    const known = this.#entries.get(groupId)
    if (known !== undefined && (isHeld || this.#loading.has(known))) return known
    const loading = this.#load(groupId)
    this.#entries.set(groupId, loading)
    this.#loading.add(loading)
    const loaded = (entry?: Entry) => {
      this.#loading.delete(loading)
      // What could not be loaded, or belongs to another broker, is tried again by the next request.
      if (entry === undefined && this.#entries.get(groupId) === loading) this.#entries.delete(groupId)
    }
    loading.then(loaded, () => loaded())
    return loading
  }

  async #load(groupId: string): Promise<Entry | undefined> {
    const { metadata, leases, clock } = this.#options
    const [fence] = await leases.acquire([leaseOfGroup(groupId)])
    if (fence === undefined) return undefined
    const bytes = await metadata.loadGroup(groupId)
    // Lost while it was being read: another coordinator may have changed it since.
    if (leases.held(fence.lease)?.epoch !== fence.epoch) return undefined
    const { group: state, emptySince } = bytes === null ? { group: unknownGroup, emptySince: null } : loadGroup(bytes)
    const entry: Entry = { state, fence, emptySince, timers: new Map(), saved: savedAlready, nextSave: undefined }
    if (bytes !== null && emptySince === null && !isInUse(state)) {
      // An earlier program did not note it, so that it counts from now on.
      entry.emptySince = clock.now()
      this.#saveSoon(groupId, entry)
    }
    for (const { timer, delayMs } of timersOf(state, this.#surroundings(groupId).consumer)) {
      this.#carryOut(groupId, entry, { kind: 'setTimer', timer, delayMs })
    }
    // Topics may have changed while nobody coordinated the group.
    if (state.type === 'consumer') this.#handle(groupId, entry, { kind: 'topics' })
    return entry
  }
}

const savedAlready = Promise.resolve(true)

function isFenced(error: unknown): boolean {
  return error instanceof MetadataError && error.code === 'fenced'
}

const justTheCode = (errorCode: ErrorCode) => errorCode

function refusedJoin(errorCode: ErrorCode, memberId: string): JoinAnswer {
  const nothing = { generation: -1, protocolType: null, protocol: null, leader: '', skipAssignment: false, members: [] }
  return { ...nothing, errorCode, memberId }
}

function refusedSync(errorCode: ErrorCode): SyncAnswer {
  return { errorCode, protocolType: null, protocol: null, assignment: Buffer.alloc(0) }
}

function timerKey(timer: Timer): string {
  return 'memberId' in timer ? `${timer.kind} ${timer.memberId}` : timer.kind
}
