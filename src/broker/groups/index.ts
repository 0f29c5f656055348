import { type Clock, type Log, type Random, waitOrAbort } from '../../base/index.ts'
import { ErrorCode } from '../../kafka/index.ts'
import type { Metadata } from '../../metadata/index.ts'
import {
  type ClassicGroup,
  type CommitEvent,
  emptyGroup,
  type GroupEffect,
  type GroupEvent,
  type GroupSettings,
  type HeartbeatEvent,
  type JoinAnswer,
  type JoinEvent,
  type LeaveEvent,
  type RequestId,
  type SyncAnswer,
  type SyncEvent,
  step,
  type Timer,
} from './classic-group.ts'
import { Deadlines } from './deadlines.ts'
import { loadGroup, saveGroup } from './saved-group.ts'
import { subscribedTopics } from './subscription.ts'

export type { ClassicGroup, Identity, JoinAnswer, Member, Phase, Protocol, SyncAnswer } from './classic-group.ts'

type Request<Event> = Omit<Event, 'kind' | 'request'>

export interface GroupsOptions {
  readonly metadata: Metadata
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly settings: GroupSettings
  readonly retention: GroupRetention
}

/** When groups are forgotten, by Kafka's names; times are milliseconds. */
export interface GroupRetention {
  /** So long after its last member left and its last commit, whichever came later (KIP-211). */
  readonly offsetsRetentionMs: number
  /** How often that is looked after. */
  readonly checkIntervalMs: number
}

/** A timer of a group as one key. */
interface GroupTimer {
  readonly groupId: string
  readonly timer: Timer
}

interface Entry {
  state: ClassicGroup
  /** When the last member left; null while there are members, and for groups that never had any. */
  emptySince: number | null
  /** Timers by their text, so that setting one again replaces it. */
  readonly timers: Map<string, GroupTimer>
  /** What was saved last, so that what is answered afterwards can wait for it. */
  saved: Promise<void>
}

/**
 * The coordinator of consumer groups: runs each group's state machine, keeps its timers, saves it, and answers who waits.
 * Groups are loaded when they are first asked for.
 */
export class Groups {
  readonly #options: GroupsOptions
  readonly #entries = new Map<string, Promise<Entry>>()
  readonly #waiting = new Map<RequestId, (answer: never) => void>()
  readonly #deadlines: Deadlines<GroupTimer>
  readonly #stop = new AbortController()
  readonly #expiring: Promise<void>
  #nextRequest = 1

  constructor(options: GroupsOptions) {
    this.#options = options
    this.#deadlines = new Deadlines(options.clock, due => this.#onDue(due))
    this.#expiring = this.#expireNowAndThen()
  }

  join(groupId: string, request: Omit<Request<JoinEvent>, 'newMemberId'>): Promise<JoinAnswer> {
    const newMemberId = `${request.instanceId ?? request.clientId}-${uuid(this.#options.random)}`
    return this.#ask(groupId, id => ({ ...request, kind: 'join', request: id, newMemberId }))
  }

  sync(groupId: string, request: Request<SyncEvent>): Promise<SyncAnswer> {
    return this.#ask(groupId, id => ({ ...request, kind: 'sync', request: id }))
  }

  heartbeat(groupId: string, request: Request<HeartbeatEvent>): Promise<ErrorCode> {
    return this.#ask(groupId, id => ({ ...request, kind: 'heartbeat', request: id }))
  }

  leave(groupId: string, request: Request<LeaveEvent>): Promise<ErrorCode> {
    return this.#ask(groupId, id => ({ ...request, kind: 'leave', request: id }))
  }

  /** Whether this member may commit offsets now. */
  mayCommit(groupId: string, request: Request<CommitEvent>): Promise<ErrorCode> {
    return this.#ask(groupId, id => ({ ...request, kind: 'commit', request: id }))
  }

  /** The group as it is, or undefined when nobody knows it. */
  async describe(groupId: string): Promise<ClassicGroup | undefined> {
    const { state } = await this.#entry(groupId)
    if (!isUnknown(state)) return state
    this.#entries.delete(groupId)
    const offsets = await this.#options.metadata.groupOffsets(groupId)
    return offsets.length > 0 ? state : undefined
  }

  /** All groups that are known: with members, or with offsets. */
  async list(): Promise<{ id: string; group: ClassicGroup }[]> {
    const stored = new Set(await this.#options.metadata.listGroups())
    const groups: { id: string; group: ClassicGroup }[] = []
    for (const id of stored.union(new Set(this.#entries.keys()))) {
      const { state } = await this.#entry(id)
      if (!isUnknown(state) || stored.has(id)) groups.push({ id, group: state })
    }
    return groups
  }

  /** Deletes a group without members, with its offsets. */
  async delete(groupId: string): Promise<ErrorCode> {
    if ((await this.describe(groupId)) === undefined) return ErrorCode.GROUP_ID_NOT_FOUND
    return this.#forget(groupId, () => this.#options.metadata.deleteGroups([groupId]))
  }

  async #forget(groupId: string, remove: () => Promise<unknown>): Promise<ErrorCode> {
    const errorCode = await this.#ask<ErrorCode>(groupId, request => ({ kind: 'delete', request }))
    if (errorCode !== ErrorCode.NONE) return errorCode
    try {
      // Whoever comes in between finds it dead and tries again.
      await remove()
    } finally {
      // A group that could not be deleted is loaded again as it was, instead of being dead for ever.
      this.#entries.delete(groupId)
    }
    return ErrorCode.NONE
  }

  /**
   * Forgets groups without members whose retention is over, with their offsets; answers which. A group whose consumers were
   * there all the time and had nothing to commit is not idle before they leave.
   */
  async expireIdle(): Promise<string[]> {
    const { metadata, clock, retention } = this.#options
    const { offsetsRetentionMs } = retention
    const expired: string[] = []
    for (const groupId of await metadata.idleGroups(offsetsRetentionMs)) {
      if (this.#stop.signal.aborted) break
      const { state, emptySince } = await this.#entry(groupId)
      if (isInUse(state) || (emptySince !== null && emptySince >= clock.now() - offsetsRetentionMs)) continue
      const errorCode = await this.#forget(groupId, async () => {
        // Somebody may have committed meanwhile, whom the group let do so while it was not dead yet.
        const [isGone] = await metadata.expireGroups([groupId], offsetsRetentionMs)
        if (isGone === true) expired.push(groupId)
      })
      if (errorCode !== ErrorCode.NONE) continue // somebody joined meanwhile
    }
    return expired
  }

  /** The topics that members of the group are subscribed to. */
  async subscribedTopics(groupId: string): Promise<ReadonlySet<string>> {
    return subscribedTopics((await this.#entry(groupId)).state)
  }

  /** Stops all timers. Who still waits is not answered any more: the connections close as well. */
  async close(): Promise<void> {
    this.#stop.abort()
    this.#deadlines.close()
    this.#waiting.clear()
    await this.#expiring
  }

  async #expireNowAndThen(): Promise<void> {
    const { clock, log, retention } = this.#options
    const { signal } = this.#stop
    for (;;) {
      await waitOrAbort(clock, retention.checkIntervalMs, signal)
      if (signal.aborted) return
      try {
        for (const group of await this.expireIdle()) log.info('idle group is forgotten', { group })
      } catch (error) {
        log.warn('could not forget idle groups', { error: String(error) })
      }
    }
  }

  async #ask<Answer>(groupId: string, event: (request: RequestId) => GroupEvent): Promise<Answer> {
    for (;;) {
      const loading = this.#entry(groupId)
      const entry = await loading
      // Forgotten or deleted while it was being loaded: what happens to this entry would be lost.
      if (this.#entries.get(groupId) !== loading) continue
      const request = this.#nextRequest++
      return new Promise<Answer>(resolve => {
        this.#waiting.set(request, resolve)
        this.#handle(groupId, entry, event(request))
        if (isUnknown(entry.state)) this.#entries.delete(groupId)
      })
    }
  }

  #handle(groupId: string, entry: Entry, event: GroupEvent): void {
    const [state, effects] = step(entry.state, event, this.#options.settings)
    const { clock, log } = this.#options
    if (state.phase !== entry.state.phase && log.enabled('debug')) {
      log.debug('group changes', {
        group: groupId,
        from: entry.state.phase,
        to: state.phase,
        generation: state.generation,
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
        entry.saved = this.#save(groupId, entry)
        return
      default:
        return effect satisfies never
    }
  }

  /** Answers once everything is saved that was to be saved before. */
  #answer(request: RequestId, answer: unknown, entry: Entry | undefined): void {
    const resolve = this.#waiting.get(request)
    if (resolve === undefined) return
    this.#waiting.delete(request)
    if (entry === undefined || entry.saved === savedAlready) resolve(answer as never)
    else void entry.saved.then(() => resolve(answer as never))
  }

  async #save(groupId: string, { state, emptySince }: Entry): Promise<void> {
    try {
      await this.#options.metadata.saveGroup(groupId, saveGroup(state, emptySince))
    } catch (error) {
      // The members go on all the same: after a restart they would have to join again, and no more is lost.
      this.#options.log.warn('group could not be saved', { group: groupId, error: String(error) })
    }
  }

  #onDue({ groupId, timer }: GroupTimer): void {
    this.#entries
      .get(groupId)
      ?.then(entry => {
        if (this.#stop.signal.aborted) return
        entry.timers.delete(timerKey(timer))
        this.#handle(groupId, entry, { kind: 'timer', timer })
      })
      .catch((error: unknown) =>
        this.#options.log.error('group timer failed', { group: groupId, error: String(error) }),
      )
  }

  #entry(groupId: string): Promise<Entry> {
    let entry = this.#entries.get(groupId)
    if (entry === undefined) {
      entry = this.#load(groupId)
      this.#entries.set(groupId, entry)
      // What could not be loaded is tried again by the next request.
      entry.catch(() => this.#entries.delete(groupId))
    }
    return entry
  }

  async #load(groupId: string): Promise<Entry> {
    const bytes = await this.#options.metadata.loadGroup(groupId)
    const { group: state, emptySince } = bytes === null ? { group: emptyGroup, emptySince: null } : loadGroup(bytes)
    const entry: Entry = { state, emptySince, timers: new Map(), saved: savedAlready }
    if (bytes !== null && state.phase === 'Empty' && emptySince === null) {
      // An earlier program did not note it, so that it counts from now on.
      entry.emptySince = this.#options.clock.now()
      entry.saved = this.#save(groupId, entry)
    }
    for (const { id, sessionTimeoutMs } of state.members.values()) {
      this.#carryOut(groupId, entry, {
        kind: 'setTimer',
        timer: { kind: 'session', memberId: id },
        delayMs: sessionTimeoutMs,
      })
    }
    return entry
  }
}

const savedAlready = Promise.resolve()

function isInUse(group: ClassicGroup): boolean {
  return group.members.size > 0 || group.pending.size > 0
}

/** Nobody has ever joined: there is nothing to remember but perhaps offsets, which are elsewhere. */
function isUnknown(group: ClassicGroup): boolean {
  return !isInUse(group) && group.generation === 0 && group.phase === 'Empty'
}

/** A random UUID of version 4. */
function uuid(random: Random): string {
  const bytes = Buffer.from(random.bytes(16))
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

function timerKey(timer: Timer): string {
  return timer.kind === 'session' ? `session ${timer.memberId}` : timer.kind
}
