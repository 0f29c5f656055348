import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ErrorCode, errorName } from '../../kafka/index.ts'
import {
  type ClassicGroup,
  type ClassicEvent,
  emptyGroup,
  type GroupEffect,
  type JoinAnswer,
  type JoinEvent,
  type RequestId,
  type SyncAnswer,
  step,
  type Timer,
} from './classic-group.ts'
import { loadClassicGroup, saveClassicGroup, type SavedGroup } from './saved-group.ts'

/** Collects a group's effects, so that a test reads like a conversation with the group. */
class Conversation {
  group: ClassicGroup = emptyGroup
  readonly errors = new Map<RequestId, ErrorCode>()
  readonly joins = new Map<RequestId, JoinAnswer>()
  readonly syncs = new Map<RequestId, SyncAnswer>()
  readonly timers = new Map<string, number>()
  readonly #settings: { initialRebalanceDelayMs: number; maxSize: number }
  #nextRequest = 1

  constructor(settings: Partial<{ initialRebalanceDelayMs: number; maxSize: number }> = {}) {
    this.#settings = { initialRebalanceDelayMs: 0, maxSize: 100, ...settings }
  }

  apply(event: ClassicEvent): void {
    const before = JSON.stringify([...this.group.members])
    const previous = this.group
    const [group, effects] = step(this.group, event, this.#settings)
    assert.equal(JSON.stringify([...previous.members]), before, 'a step must not change the group that it began with')
    this.group = group
    for (const effect of effects) this.#carryOut(effect)
  }

  join(memberId: string, options: Partial<JoinEvent> = {}): RequestId {
    const request = this.#nextRequest++
    this.apply({
      kind: 'join',
      request,
      memberId,
      instanceId: null,
      newMemberId: `new-${request}`,
      requireKnownMemberId: false,
      canSkipAssignment: false,
      clientId: 'client',
      clientHost: '/127.0.0.1',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 20_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.from('m') }],
      ...options,
    })
    return request
  }

  sync(memberId: string, assignments: Record<string, string> = {}, generation = this.group.generation): RequestId {
    const request = this.#nextRequest++
    const map = new Map(Object.entries(assignments).map(([id, assignment]) => [id, Buffer.from(assignment)]))
    const identity = { memberId, instanceId: null, generation, protocolType: null, protocol: null }
    this.apply({ kind: 'sync', request, ...identity, assignments: map })
    return request
  }

  heartbeat(memberId: string, generation = this.group.generation, instanceId: string | null = null): string {
    const request = this.#nextRequest++
    this.apply({ kind: 'heartbeat', request, memberId, instanceId, generation })
    return errorName(this.errors.get(request)!)
  }

  commit(memberId: string, generation = this.group.generation): string {
    const request = this.#nextRequest++
    this.apply({ kind: 'commit', request, memberId, instanceId: null, generation })
    return errorName(this.errors.get(request)!)
  }

  leave(memberId: string, instanceId: string | null = null): string {
    const request = this.#nextRequest++
    this.apply({ kind: 'leave', request, memberId, instanceId })
    return errorName(this.errors.get(request)!)
  }

  expire(timer: Timer): void {
    assert.ok(this.timers.delete(JSON.stringify(timer)), `timer ${JSON.stringify(timer)} is not set`)
    this.apply({ kind: 'timer', timer })
  }

  joined(request: RequestId): JoinAnswer | undefined {
    return this.joins.get(request)
  }

  synced(request: RequestId): SyncAnswer | undefined {
    return this.syncs.get(request)
  }

  #carryOut(effect: GroupEffect): void {
    switch (effect.kind) {
      case 'answer':
        return this.#answer(this.errors, effect.request, effect.errorCode)
      case 'answerJoin':
        return this.#answer(this.joins, effect.request, effect.answer)
      case 'answerSync':
        return this.#answer(this.syncs, effect.request, effect.answer)
      case 'setTimer':
        this.timers.set(JSON.stringify(effect.timer), effect.delayMs)
        return
      case 'clearTimer':
        this.timers.delete(JSON.stringify(effect.timer))
        return
      case 'save':
      case 'answerHeartbeat':
        return
      default:
        return effect satisfies never
    }
  }

  isAnswered(request: RequestId): boolean {
    return this.errors.has(request) || this.joins.has(request) || this.syncs.has(request)
  }

  #answer<Answer>(answers: Map<RequestId, Answer>, request: RequestId, answer: Answer): void {
    assert.ok(!this.isAnswered(request), 'a request is answered once')
    answers.set(request, answer)
  }
}

/** Returns a stable group of these members; the first one leads. */
function stable(count: number): { talk: Conversation; ids: string[] } {
  const talk = new Conversation()
  const ids: string[] = []
  for (let i = 0; i < count; i++) {
    const own = talk.join('')
    for (const id of ids) talk.join(id)
    ids.push(talk.joined(own)!.memberId)
    for (const id of ids.toReversed()) talk.sync(id, Object.fromEntries(ids.map(each => [each, each])))
  }
  assert.equal(talk.group.phase, 'Stable')
  return { talk, ids }
}

describe('a classic group', () => {
  it('accepts its first member immediately and makes it the leader', () => {
    const talk = new Conversation()
    const answer = talk.joined(talk.join(''))!
    assert.equal(answer.generation, 1)
    assert.equal(answer.leader, answer.memberId)
    assert.deepEqual(
      answer.members.map(member => member.id),
      [answer.memberId],
    )
    const own = talk.synced(talk.sync(answer.memberId, { [answer.memberId]: 'all' }))
    assert.equal(own?.assignment.toString(), 'all')
    assert.equal(talk.group.phase, 'Stable')
  })

  it('assigns a new member an id to rejoin with, and forgets an id that is not used', () => {
    const talk = new Conversation()
    const first = talk.joined(talk.join('', { requireKnownMemberId: true }))!
    assert.equal(first.errorCode, ErrorCode.MEMBER_ID_REQUIRED)
    const second = talk.joined(talk.join(first.memberId, { requireKnownMemberId: true }))!
    assert.equal(second.memberId, first.memberId)
    const lost = talk.joined(talk.join('', { requireKnownMemberId: true }))!
    talk.expire({ kind: 'session', memberId: lost.memberId })
    assert.equal(talk.joined(talk.join(lost.memberId))?.errorCode, ErrorCode.UNKNOWN_MEMBER_ID)
  })

  it('rebalances for a second member: the first is notified, both join, only the leader sees all members', () => {
    const { talk, ids } = stable(1)
    const second = talk.join('')
    assert.equal(talk.joined(second), undefined)
    assert.equal(talk.heartbeat(ids[0]!), 'REBALANCE_IN_PROGRESS')
    const first = talk.join(ids[0]!)
    assert.equal(talk.joined(first)?.members.length, 2)
    assert.equal(talk.joined(second)?.members.length, 0)
    assert.equal(talk.joined(second)?.generation, 2)
    const waiting = talk.sync(talk.joined(second)!.memberId)
    assert.equal(talk.synced(waiting), undefined)
    talk.sync(ids[0]!, { [ids[0]!]: 'a', [talk.joined(second)!.memberId]: 'b' })
    assert.equal(talk.synced(waiting)?.assignment.toString(), 'b')
  })

  it('waits for more members when it is new, longer for each one that joins, but not indefinitely', () => {
    const talk = new Conversation({ initialRebalanceDelayMs: 3000 })
    const first = talk.join('', { rebalanceTimeoutMs: 7000 })
    assert.equal(talk.timers.get('{"kind":"rebalance"}'), 3000)
    const second = talk.join('')
    talk.expire({ kind: 'rebalance' })
    const third = talk.join('')
    talk.expire({ kind: 'rebalance' })
    assert.equal(talk.timers.get('{"kind":"rebalance"}'), 1000)
    talk.expire({ kind: 'rebalance' })
    assert.deepEqual(
      [first, second, third].map(request => talk.joined(request)?.generation),
      [1, 1, 1],
    )
  })

  it('does not wait, when it is new, for a client that was assigned an id but never rejoined with it', () => {
    const talk = new Conversation()
    talk.join('', { requireKnownMemberId: true })
    const joined = talk.joined(talk.join(''))
    assert.deepEqual([joined?.errorCode, joined?.generation, joined?.members.length], [ErrorCode.NONE, 1, 1])
  })

  it('removes members that do not rejoin in time', () => {
    const { talk, ids } = stable(2)
    const again = talk.join(ids[0]!, { protocols: [{ name: 'range', metadata: Buffer.from('changed') }] })
    talk.expire({ kind: 'rebalance' })
    assert.deepEqual(
      talk.joined(again)?.members.map(member => member.id),
      [ids[0]],
    )
    assert.equal(talk.heartbeat(ids[1]!), 'UNKNOWN_MEMBER_ID')
  })

  it('removes a member that has joined but never requests its assignment', () => {
    const { talk, ids } = stable(1)
    const silent = talk.join('')
    talk.join(ids[0]!)
    talk.sync(ids[0]!, { [ids[0]!]: 'a' })
    talk.expire({ kind: 'sync' })
    assert.ok(!talk.group.members.has(talk.joined(silent)!.memberId))
    assert.equal(talk.heartbeat(ids[0]!), 'REBALANCE_IN_PROGRESS')
  })

  it('removes a member whose session times out, and rebalances the others', () => {
    const { talk, ids } = stable(2)
    talk.expire({ kind: 'session', memberId: ids[1]! })
    assert.equal(talk.heartbeat(ids[0]!), 'REBALANCE_IN_PROGRESS')
    assert.equal(talk.joined(talk.join(ids[0]!))?.members.length, 1)
  })

  it('does not time out a member that is waiting for a response', () => {
    const { talk, ids } = stable(2)
    talk.join(ids[1]!, { protocols: [{ name: 'range', metadata: Buffer.from('changed') }] })
    assert.ok(!talk.timers.has(JSON.stringify({ kind: 'session', memberId: ids[1] })))
  })

  it('is empty when the last member has left, and keeps counting generations', () => {
    const { talk, ids } = stable(1)
    assert.equal(talk.leave(ids[0]!), 'NONE')
    assert.equal(talk.group.phase, 'Empty')
    assert.equal(talk.timers.size, 0)
    assert.equal(talk.joined(talk.join(''))?.generation, 3)
  })

  it('returns the current generation to a follower that rejoins unchanged', () => {
    const { talk, ids } = stable(2)
    const metadata = talk.group.members.get(ids[1]!)!.protocols[0]!.metadata
    const again = talk.joined(talk.join(ids[1]!, { protocols: [{ name: 'range', metadata }] }))!
    assert.equal(again.generation, talk.group.generation)
    assert.equal(talk.heartbeat(ids[0]!), 'NONE')
  })

  it('rebalances when the leader rejoins, changed or not', () => {
    const { talk, ids } = stable(2)
    const metadata = talk.group.members.get(ids[0]!)!.protocols[0]!.metadata
    assert.equal(talk.joined(talk.join(ids[0]!, { protocols: [{ name: 'range', metadata }] })), undefined)
    assert.equal(talk.heartbeat(ids[1]!), 'REBALANCE_IN_PROGRESS')
  })

  it('tells a member waiting for its assignment that another rebalance has begun', () => {
    const { talk, ids } = stable(2)
    for (const id of ids) talk.join(id, { protocols: [{ name: 'range', metadata: Buffer.from('changed') }] })
    const waiting = talk.sync(ids[1]!)
    talk.join('')
    assert.equal(talk.synced(waiting)?.errorCode, ErrorCode.REBALANCE_IN_PROGRESS)
  })

  it('chooses a protocol that all members support, by vote', () => {
    const protocols = (...names: string[]) => names.map(name => ({ name, metadata: Buffer.from(name) }))
    const talk = new Conversation()
    const first = talk.joined(talk.join('', { protocols: protocols('a', 'b', 'c') }))!.memberId
    talk.join('', { protocols: protocols('c', 'b') })
    talk.join('', { protocols: protocols('b', 'c') })
    const again = talk.joined(talk.join(first, { protocols: protocols('a', 'c', 'b') }))!
    assert.equal(again.protocol, 'c')
    const stranger = talk.join('', { protocols: protocols('z') })
    assert.equal(talk.joined(stranger)?.errorCode, ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  })

  it('lets members commit until they have joined the next generation', () => {
    const { talk, ids } = stable(2)
    assert.equal(talk.commit(ids[1]!), 'NONE')
    assert.equal(talk.commit(ids[1]!, talk.group.generation - 1), 'ILLEGAL_GENERATION')
    assert.equal(talk.commit('', -1), 'UNKNOWN_MEMBER_ID')
    talk.join(ids[1]!, { protocols: [{ name: 'range', metadata: Buffer.from('changed') }] })
    assert.equal(talk.commit(ids[0]!), 'NONE')
    talk.join(ids[0]!)
    assert.equal(talk.commit(ids[0]!), 'REBALANCE_IN_PROGRESS')
  })

  it('accepts commits from any client while it has no members', () => {
    assert.equal(new Conversation().commit('', -1), 'NONE')
  })

  it('rejects members beyond its maximum size', () => {
    const talk = new Conversation({ maxSize: 1 })
    talk.join('')
    assert.equal(talk.joined(talk.join(''))?.errorCode, ErrorCode.GROUP_MAX_SIZE_REACHED)
  })

  it('can only be deleted without members', () => {
    const { talk, ids } = stable(1)
    talk.apply({ kind: 'delete', request: 1000 })
    assert.equal(talk.errors.get(1000), ErrorCode.NON_EMPTY_GROUP)
    talk.leave(ids[0]!)
    talk.apply({ kind: 'delete', request: 1001 })
    assert.equal(talk.errors.get(1001), ErrorCode.NONE)
    assert.equal(talk.joined(talk.join(''))?.errorCode, ErrorCode.COORDINATOR_NOT_AVAILABLE)
  })

  it('is restored unchanged from its saved form', () => {
    const { talk, ids } = stable(2)
    const saved: SavedGroup = JSON.parse(saveClassicGroup(talk.group, null).toString())
    const loaded = loadClassicGroup(saved).group
    assert.deepEqual(loaded, talk.group)
    talk.group = loaded
    assert.equal(talk.heartbeat(ids[0]!), 'NONE')
  })
})

describe('a static member', () => {
  const instanceId = 'one'

  function staticGroup(): { talk: Conversation; id: string } {
    const talk = new Conversation()
    const { memberId: id } = talk.joined(talk.join('', { instanceId }))!
    talk.sync(id, { [id]: 'mine' })
    return { talk, id }
  }

  it('rejoins under a new id with its old assignment and no rebalance, and fences the old id', () => {
    const { talk, id } = staticGroup()
    const back = talk.joined(talk.join('', { instanceId }))!
    assert.notEqual(back.memberId, id)
    assert.equal(back.generation, 1)
    assert.equal(talk.synced(talk.sync(back.memberId))?.assignment.toString(), 'mine')
    assert.equal(talk.heartbeat(id, 1, instanceId), 'FENCED_INSTANCE_ID')
    assert.equal(talk.heartbeat(back.memberId, 1, instanceId), 'NONE')
  })

  it('is told to skip the assignment as leader, or, in older versions, sees another leader', () => {
    const { talk, id } = staticGroup()
    const older = talk.joined(talk.join('', { instanceId }))!
    assert.equal(older.leader, id)
    const newer = talk.joined(talk.join('', { instanceId, canSkipAssignment: true }))!
    assert.equal(newer.leader, newer.memberId)
    assert.ok(newer.skipAssignment)
    assert.equal(newer.members.length, 1)
  })

  it('keeps its membership through a rebalance that it misses', () => {
    const { talk, id } = staticGroup()
    const other = talk.join('')
    talk.expire({ kind: 'rebalance' })
    assert.deepEqual(
      new Set(talk.joined(other)?.members.map(member => member.id)),
      new Set([id, talk.joined(other)!.memberId]),
    )
    assert.equal(talk.group.leader, talk.joined(other)?.memberId)
  })

  it('can be removed by its instance id', () => {
    const { talk } = staticGroup()
    assert.equal(talk.leave('', 'two'), 'UNKNOWN_MEMBER_ID')
    assert.equal(talk.leave('', instanceId), 'NONE')
    assert.equal(talk.group.phase, 'Empty')
  })
})

describe('a group under random events', () => {
  it('answers every request once its timers have run, and never decreases its generation', () => {
    const action = fc.oneof(
      fc.record({ kind: fc.constant('join' as const), who: fc.nat(5), changed: fc.boolean(), known: fc.boolean() }),
      fc.record({ kind: fc.constant('sync' as const), who: fc.nat(5) }),
      fc.record({ kind: fc.constant('leave' as const), who: fc.nat(5) }),
      fc.record({ kind: fc.constant('timer' as const), who: fc.nat(20) }),
    )
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), actions => {
        const talk = new Conversation()
        const asked: RequestId[] = []
        const idOf = (index: number) => [...talk.group.members.keys()][index] ?? ''
        let generation = 0
        for (const [at, each] of actions.entries()) {
          const who = idOf(each.who)
          if (each.kind === 'join') {
            const metadata = Buffer.from(each.changed ? `m${at}` : 'm')
            const requireKnownMemberId = each.known && who === ''
            asked.push(talk.join(who, { requireKnownMemberId, protocols: [{ name: 'range', metadata }] }))
          } else if (each.kind === 'sync') asked.push(talk.sync(who))
          else if (each.kind === 'leave') talk.leave(who)
          else expireOne(talk, each.who)
          assert.ok(talk.group.generation >= generation)
          generation = talk.group.generation
        }
        for (let left = 1000; talk.timers.size > 0 && left > 0; left--) expireOne(talk, 0)
        assert.equal(talk.group.phase, 'Empty')
        for (const request of asked) assert.ok(talk.isAnswered(request), `request ${request} has no answer`)
      }),
      { numRuns: 300 },
    )
  })
})

function expireOne(talk: Conversation, index: number): void {
  const keys = [...talk.timers.keys()]
  const key = keys[index % Math.max(1, keys.length)]
  if (key !== undefined) talk.expire(JSON.parse(key))
}
