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
  /** Coordinating a group requires the lease `leaseOfGroup`. */
  readonly leases: Leases
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly settings: GroupSettings
  /** Settings for groups of the `consumer` protocol. */
  readonly consumers: {
    readonly maxSize: number
    readonly timeoutsOf: (groupId: string) => GroupTimeouts
  }
  readonly retention: GroupRetention
}

/** When groups expire, by Kafka's names; times are in milliseconds. */
interface GroupRetention {
  /** How long after its last member left or its last commit, whichever came later (KIP-211). */
  readonly offsetsRetentionMs: number
  readonly checkIntervalMs: number
}

/** A group as its coordinator describes it; without a group if there is an error. */
export type DescribedGroup =
  | { readonly errorCode: typeof ErrorCode.NONE; readonly group: Group }
  | { readonly errorCode: ErrorCode; readonly group?: undefined }

/** Whether a member may commit offsets, and under which fence. */
export type CommitPermission =
  | { readonly errorCode: typeof ErrorCode.NONE; readonly fence: Fence }
  | { readonly errorCode: ErrorCode; readonly fence?: undefined }

/** A timer of a group, as one key. */
interface GroupTimer {
  readonly groupId: string
  readonly timer: Timer
}

interface Entry {
  state: Group
  /** The fence under which it was loaded; saves carry it. */
  readonly fence: Fence
  /** When the last member left; null while there are members, and for groups that never had any. */
  emptySince: number | null
  /** Timers by their text, so that setting one again replaces it. */
  readonly timers: Map<string, GroupTimer>
  /** The latest save; resolves to false if the group has passed to another coordinator. Later answers wait for it. */
  saved: Promise<boolean>
  /** The queued save that covers all changes made while another one is in progress. */
  nextSave: Promise<boolean> | undefined
}

/** A request that waits for its answer. */
interface Waiting {
  readonly groupId: string
  readonly resolve: (answer: never) => void
  /** Builds the answer if the group's state machine gives none. */
  readonly refuse: (errorCode: ErrorCode) => unknown
}

/**
 * The coordinator of groups: runs each group's state machine, keeps its timers, saves it, and answers requests. Groups
 * are loaded on first use. If another broker holds a group's lease, requests are answered with NOT_COORDINATOR; a
 * group's state is dropped as soon as its lease is lost.
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
    // A new member needs a protocol, whichever the group and whoever its coordinator.
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

  /** Handles a heartbeat of the `consumer` protocol, by which members also join and leave. */
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

  /** Whether this member may commit offsets now. The commit must carry the returned fence. */
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

  /** Reports that a write to the group under this fence was refused as `fenced`. */
  fenced(fence: Fence): void {
    this.#options.leases.fenced(fence)
  }

  /** Describes a group: GROUP_ID_NOT_FOUND if nothing is known of it, NOT_COORDINATOR if it is another broker's. */
  async describe(groupId: string): Promise<DescribedGroup> {
    try {
      const entry = await this.#entry(groupId)
      if (entry === undefined) {
        // Every broker can tell that a group does not exist, since a group is saved before a join to it is answered.
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

  /** The groups with members or offsets that this broker coordinates. Other brokers list theirs. */
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

  /** Deletes the group's offsets for individual partitions. */
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
    // A save still in progress would bring the group back.
    await entry.saved
    try {
      // Requests that arrive in the meantime find the group dead, and their clients retry.
      await remove(entry.fence)
    } catch (error) {
      if (!isFenced(error)) throw error
      this.fenced(entry.fence)
      return ErrorCode.NOT_COORDINATOR
    } finally {
      // If the deletion failed, the group is reloaded in its old state instead of staying dead.
      this.#entries.delete(groupId)
    }
    return ErrorCode.NONE
  }

  /**
   * Deletes groups without members whose retention is over, with their offsets; returns them. A group whose consumers
   * have nothing to commit does not become idle until they leave.
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
      // A member may have joined since, which keeps the group; expireGroup
      // checks for a commit that was admitted before.
      await this.#forget(groupId, async fence => {
        if (await metadata.expireGroup(groupId, offsetsRetentionMs, fence)) expired.push(groupId)
      })
    }
    return expired
  }

  /** The topics that members of the group subscribe to; undefined if they may be any. */
  async subscribedTopics(groupId: string): Promise<ReadonlySet<string> | undefined> {
    const entry = await this.#entry(groupId)
    return entry === undefined ? new Set() : topicsOf(entry.state, this.#options.metadata.catalog())
  }

  /** Stops all timers. Waiting requests stay unanswered, since their connections close as well. */
  async close(): Promise<void> {
    this.#stop.abort()
    this.#stopListening()
    this.#deadlines.close()
    this.#waiting.clear()
    await this.#expiring
    // Saves in progress finish before the leases are released.
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

  /** @param isOfMember whether the request is from a member, which a group that does not exist cannot have */
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
      // Dropped or deleted while it was being loaded: changes to this entry would be lost.
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

  /** Error code for a client while the metadata is unavailable: it retries. */
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

  /** Sends an answer once every save requested before it has completed. */
  #answer(request: RequestId, answer: unknown, entry: Entry | undefined): void {
    const waiting = this.#waiting.get(request)
    if (waiting === undefined) return
    this.#waiting.delete(request)
    const { resolve, refuse } = waiting
    // The answer has the type of the request that this promise waits for.
    if (entry === undefined || entry.saved === savedAlready) return resolve(answer as never)
    // As above, or the refusal of that request.
    void entry.saved.then(isOwn => resolve((isOwn ? answer : refuse(ErrorCode.NOT_COORDINATOR)) as never))
  }

  /** Saves the group; changes during a save in progress are combined into the next one. */
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
      // The members continue regardless: the next coordinator would make them rejoin, and nothing more is lost.
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
        () => {}, // it could not be loaded; it checks the topics when it is
      )
    }
  }

  #onLeaseLost(lease: string): void {
    for (const groupId of this.#entries.keys()) if (leaseOfGroup(groupId) === lease) this.#drop(groupId)
    for (const [request, { groupId, resolve, refuse }] of this.#waiting) {
      if (leaseOfGroup(groupId) !== lease) continue
      this.#waiting.delete(request)
      resolve(refuse(ErrorCode.NOT_COORDINATOR) as never) // built for the request that this promise waits for
    }
  }

  /** Drops the state of a group that another broker coordinates from now on. */
  #drop(groupId: string): void {
    const dropped = this.#entries.get(groupId)
    this.#entries.delete(groupId)
    dropped?.then(
      entry => {
        for (const timer of entry?.timers.values() ?? []) this.#deadlines.clear(timer)
      },
      () => {}, // it could not be loaded, so there are no timers
    )
  }

  #onDue(due: GroupTimer): void {
    const { groupId, timer } = due
    // Only a broker that certainly coordinates the group may end a session.
    if (this.#options.leases.held(leaseOfGroup(groupId)) === undefined) return
    this.#entries.get(groupId)?.then(
      entry => {
        const key = timerKey(timer)
        // A dropped entry's timer does not apply to its successor.
        if (this.#stop.signal.aborted || entry?.timers.get(key) !== due) return
        entry.timers.delete(key)
        this.#handle(groupId, entry, { kind: 'timer', timer })
      },
      (error: unknown) => this.#options.log.error('group timer failed', { group: groupId, error: String(error) }),
    )
  }

  /** Returns the group, loading it if necessary; undefined if another broker coordinates it. */
  #entry(groupId: string): Promise<Entry | undefined> {
    // `held` drops the groups of a lease that is no longer held.
    const isHeld = this.#options.leases.held(leaseOfGroup(groupId)) !== undefined
    const known = this.#entries.get(groupId)
    if (known !== undefined && (isHeld || this.#loading.has(known))) return known
    const loading = this.#load(groupId)
    this.#entries.set(groupId, loading)
    this.#loading.add(loading)
    const loaded = (entry?: Entry) => {
      this.#loading.delete(loading)
      // If it could not be loaded, or belongs to another broker, the next request tries again.
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
    // The lease was lost while the group was read: another coordinator may have changed it since.
    if (leases.held(fence.lease)?.epoch !== fence.epoch) return undefined
    const { group: state, emptySince } = bytes === null ? { group: unknownGroup, emptySince: null } : loadGroup(bytes)
    const entry: Entry = { state, fence, emptySince, timers: new Map(), saved: savedAlready, nextSave: undefined }
    if (bytes !== null && emptySince === null && !isInUse(state)) {
      // Former versions did not record the time, so it counts from now.
      entry.emptySince = clock.now()
      this.#saveSoon(groupId, entry)
    }
    for (const { timer, delayMs } of timersOf(state, this.#surroundings(groupId).consumer)) {
      this.#carryOut(groupId, entry, { kind: 'setTimer', timer, delayMs })
    }
    // Topics may have changed while the group had no coordinator.
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
