import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type ErrorCode, errorName, Writer } from '../../kafka/index.ts'
import type { Catalog, Topic } from '../../metadata/index.ts'
import type { Assignment } from './assignors.ts'
import type { GroupEffect, JoinAnswer, RequestId, SyncAnswer, Timer } from './classic-group.ts'
import type { ConsumerGroup, ConsumerHeartbeatAnswer, ConsumerHeartbeatEvent } from './consumer-group.ts'
import { type NamedPartitions, readAssignment } from './consumer-protocol.ts'
import { type Group, type GroupEvent, loadGroup, saveGroup, stepGroup, unknownGroup } from './group.ts'

function catalogOf(sizes: Record<string, number>): Catalog {
  const topics = Object.entries(sizes).map(([name, count]): Topic => {
    return {
      id: `id-${name}`,
      name,
      partitions: Array.from({ length: count }, (_, i) => i + 1),
      configs: {},
      createdAt: 0,
    }
  })
  return {
    byName: new Map(topics.map(topic => [topic.name, topic])),
    byId: new Map(topics.map(topic => [topic.id, topic])),
    version: 1,
  }
}

/** Collects a group's effects, so that a test reads like a conversation with the group. */
class Conversation {
  group: Group = unknownGroup
  catalog: Catalog
  maxSize = 100
  readonly heartbeats = new Map<RequestId, ConsumerHeartbeatAnswer>()
  readonly joins = new Map<RequestId, JoinAnswer>()
  readonly syncs = new Map<RequestId, SyncAnswer>()
  readonly errors = new Map<RequestId, ErrorCode>()
  readonly timers = new Map<string, number>()
  #nextRequest = 1

  constructor(sizes: Record<string, number>) {
    this.catalog = catalogOf(sizes)
  }

  apply(event: GroupEvent): void {
    const timeouts = { sessionTimeoutMs: 45_000, heartbeatIntervalMs: 5_000 }
    const [group, effects] = stepGroup(this.group, event, {
      classic: { initialRebalanceDelayMs: 0, maxSize: this.maxSize },
      consumer: { catalog: this.catalog, timeouts, maxSize: this.maxSize },
    })
    this.group = group
    for (const effect of effects) this.#carryOut(effect)
  }

  /** Sends an event to the group and returns its answer from `answers`. */
  ask<Answer>(answers: ReadonlyMap<RequestId, Answer>, event: (request: RequestId) => GroupEvent): Answer {
    const request = this.#nextRequest++
    this.apply(event(request))
    assert.ok(answers.has(request), 'there is no such answer')
    return answers.get(request)!
  }

  heartbeat(memberId: string, memberEpoch: number, given: Partial<ConsumerHeartbeatEvent> = {}) {
    return this.ask(this.heartbeats, request => ({
      kind: 'consumerHeartbeat',
      request,
      memberId,
      memberEpoch,
      instanceId: null,
      newMemberId: `new-${request}`,
      rackId: null,
      clientId: 'client',
      clientHost: '/127.0.0.1',
      rebalanceTimeoutMs: -1,
      topicNames: null,
      topicPattern: null,
      mayDescribe: null,
      assignor: null,
      owned: null,
      ...given,
    }))
  }

  commit(memberId: string, generation: number): string {
    return errorName(
      this.ask(this.errors, request => ({ kind: 'commit', request, memberId, instanceId: null, generation })),
    )
  }

  delete(): string {
    return errorName(this.ask(this.errors, request => ({ kind: 'delete', request })))
  }

  expire(timer: Timer): void {
    assert.ok(this.timers.delete(JSON.stringify(timer)), `timer ${JSON.stringify(timer)} is not set`)
    this.apply({ kind: 'timer', timer })
  }

  restart(): void {
    this.group = loadGroup(saveGroup({ group: this.group, emptySince: null })).group
  }

  get consumer(): ConsumerGroup {
    const { group } = this
    assert.ok(group.type === 'consumer')
    return group
  }

  #carryOut(effect: GroupEffect): void {
    switch (effect.kind) {
      case 'answer':
        return this.#answer(this.errors, effect.request, effect.errorCode)
      case 'answerJoin':
        return this.#answer(this.joins, effect.request, effect.answer)
      case 'answerSync':
        return this.#answer(this.syncs, effect.request, effect.answer)
      case 'answerHeartbeat':
        return this.#answer(this.heartbeats, effect.request, effect.answer)
      case 'setTimer':
        return void this.timers.set(JSON.stringify(effect.timer), effect.delayMs)
      case 'clearTimer':
        return void this.timers.delete(JSON.stringify(effect.timer))
      case 'save':
        return
      default:
        return effect satisfies never
    }
  }

  #answer<Answer>(answers: Map<RequestId, Answer>, request: RequestId, answer: Answer): void {
    const isAnswered = [this.heartbeats, this.joins, this.syncs, this.errors].some(each => each.has(request))
    assert.ok(!isAnswered, 'a request is answered once')
    answers.set(request, answer)
  }
}

/** A member that follows the group's instructions. */
class Consumer {
  readonly id: string
  epoch = 0
  owned: Assignment = new Map()
  readonly #talk: Conversation

  constructor(talk: Conversation, id: string, given: Partial<ConsumerHeartbeatEvent> = {}) {
    this.#talk = talk
    this.id = id
    this.join(given)
  }

  join(given: Partial<ConsumerHeartbeatEvent> = {}): void {
    this.owned = new Map()
    this.#take(this.#talk.heartbeat(this.id, 0, { ...joining, ...given }))
  }

  beat(given: Partial<ConsumerHeartbeatEvent> = {}): void {
    this.#take(this.#talk.heartbeat(this.id, this.epoch, { owned: this.owned, ...given }))
  }

  leave(): void {
    this.#talk.heartbeat(this.id, -1)
  }

  get count(): number {
    return [...this.owned.values()].reduce((sum, list) => sum + list.length, 0)
  }

  #take(answer: ConsumerHeartbeatAnswer): void {
    assert.equal(errorName(answer.errorCode), 'NONE', answer.errorMessage ?? '')
    this.epoch = answer.memberEpoch
    if (answer.assignment !== null) this.owned = answer.assignment
  }
}

const joining = { rebalanceTimeoutMs: 8000, topicNames: ['t'], owned: new Map() }

/** Makes all members send heartbeats until nothing changes any more. */
function settle(...members: Consumer[]): number[] {
  for (let round = 0; round < 10; round++) for (const member of members) member.beat()
  return members.map(({ count }) => count)
}

describe('a group of the consumer protocol', () => {
  it('assigns everything to its first member immediately', () => {
    const talk = new Conversation({ t: 4 })
    const a = new Consumer(talk, 'a')
    assert.deepEqual(a.owned, new Map([['id-t', [0, 1, 2, 3]]]))
    assert.equal(a.epoch, 1)
    assert.equal(talk.group.phase, 'Stable')
  })

  it('assigns a partition to another member only after its owner has revoked it', () => {
    const talk = new Conversation({ t: 4 })
    const a = new Consumer(talk, 'a')
    const b = new Consumer(talk, 'b')
    assert.equal(b.count, 0)
    assert.equal(talk.group.phase, 'Reconciling')
    // The answer revokes two partitions; the member owns them until it confirms the revocation.
    a.beat()
    assert.equal(a.count, 2)
    b.beat()
    assert.equal(b.count, 0)
    a.beat()
    b.beat()
    assert.deepEqual([a.count, b.count], [2, 2])
    assert.equal(talk.group.phase, 'Stable')
    b.leave()
    assert.deepEqual(settle(a), [4])
  })

  it('generates an id for a member that has none', () => {
    const talk = new Conversation({ t: 1 })
    const answer = talk.heartbeat('', 0, joining)
    assert.match(answer.memberId, /^new-/)
  })

  it('fences members with a wrong epoch, and rejects unknown members', () => {
    const talk = new Conversation({ t: 1 })
    const a = new Consumer(talk, 'a')
    assert.equal(errorName(talk.heartbeat('a', a.epoch + 7).errorCode), 'FENCED_MEMBER_EPOCH')
    assert.equal(errorName(talk.heartbeat('b', 3).errorCode), 'UNKNOWN_MEMBER_ID')
  })

  it('accepts the previous epoch from a member that has not yet received the current one', () => {
    const talk = new Conversation({ t: 2 })
    const a = new Consumer(talk, 'a')
    const before = a.epoch
    talk.catalog = catalogOf({ t: 3 })
    talk.apply({ kind: 'topics' })
    talk.heartbeat('a', before, { owned: a.owned })
    assert.equal(errorName(talk.heartbeat('a', before, { owned: a.owned }).errorCode), 'NONE')
    assert.equal(errorName(talk.heartbeat('a', before).errorCode), 'FENCED_MEMBER_EPOCH')
  })

  it('rejects unsupported assignors and invalid patterns, and stays unchanged', () => {
    const talk = new Conversation({ t: 1 })
    const answer = talk.heartbeat('a', 0, { ...joining, assignor: 'no-such' })
    assert.equal(errorName(answer.errorCode), 'UNSUPPORTED_ASSIGNOR')
    const bad = talk.heartbeat('a', 0, { ...joining, topicPattern: '(unclosed' })
    assert.equal(errorName(bad.errorCode), 'INVALID_REGULAR_EXPRESSION')
    assert.equal(talk.group, unknownGroup)
  })

  it('matches patterns against topics created later', () => {
    const talk = new Conversation({ 'orders.one': 1, other: 1 })
    const a = new Consumer(talk, 'a', { topicNames: null, topicPattern: 'orders\\..*' })
    assert.deepEqual([...a.owned.keys()], ['id-orders.one'])
    talk.catalog = catalogOf({ 'orders.one': 1, 'orders.two': 2, other: 1 })
    talk.apply({ kind: 'topics' })
    assert.deepEqual(settle(a), [3])
  })

  it('assigns a member that subscribes by a pattern only topics that it may describe', () => {
    const talk = new Conversation({ open: 1, secret: 1 })
    const onlyOpen = (topic: string) => topic === 'open'
    const a = new Consumer(talk, 'a', { topicNames: null, topicPattern: '.*', mayDescribe: onlyOpen })
    assert.deepEqual([...a.owned.keys()], ['id-open'])
    // A topic that is created later stays hidden until the member's next heartbeat determines whether it may see it.
    talk.catalog = catalogOf({ open: 1, secret: 1, other: 1 })
    talk.apply({ kind: 'topics' })
    talk.restart()
    assert.deepEqual([...talk.consumer.topics.keys()], ['id-open'])
    const { memberEpoch } = talk.heartbeat('a', a.epoch, { mayDescribe: topic => topic !== 'secret' })
    assert.ok(memberEpoch > a.epoch)
    assert.deepEqual([...talk.consumer.topics.keys()].toSorted(), ['id-open', 'id-other'])
  })

  it('uses the assignor that most of its members prefer', () => {
    const talk = new Conversation({ t: 3 })
    const a = new Consumer(talk, 'a', { assignor: 'range' })
    assert.equal(talk.consumer.assignor, 'range')
    const b = new Consumer(talk, 'b')
    assert.deepEqual(settle(a, b), [2, 1])
  })

  it('removes a member whose session times out, and one that does not revoke in time', () => {
    const talk = new Conversation({ t: 4 })
    const a = new Consumer(talk, 'a')
    const b = new Consumer(talk, 'b')
    a.beat()
    talk.expire({ kind: 'revoke', memberId: 'a' })
    assert.deepEqual(settle(b), [4])
    talk.expire({ kind: 'session', memberId: 'b' })
    assert.equal(talk.group.phase, 'Empty')
    assert.equal(talk.timers.size, 0)
  })

  it('keeps the place of an absent static member, for the same instance only', () => {
    const talk = new Conversation({ t: 2 })
    const instanceId = 'one'
    const a = new Consumer(talk, 'a', { instanceId })
    const taken = talk.heartbeat('b', 0, { ...joining, instanceId })
    assert.equal(errorName(taken.errorCode), 'UNRELEASED_INSTANCE_ID')
    assert.equal(errorName(talk.heartbeat('a', -2, { instanceId }).errorCode), 'NONE')
    const epoch = talk.consumer.epoch
    const b = new Consumer(talk, 'b', { instanceId })
    assert.equal(b.count, 2)
    assert.equal(talk.consumer.epoch, epoch)
    assert.equal(errorName(talk.heartbeat('a', a.epoch, { instanceId }).errorCode), 'FENCED_INSTANCE_ID')
  })

  it('accepts commits from members at their epoch', () => {
    const talk = new Conversation({ t: 1 })
    assert.equal(talk.commit('', -1), 'NONE')
    const a = new Consumer(talk, 'a')
    assert.equal(talk.commit('a', a.epoch), 'NONE')
    assert.equal(talk.commit('a', a.epoch + 5), 'STALE_MEMBER_EPOCH')
    assert.equal(talk.commit('nobody', a.epoch), 'UNKNOWN_MEMBER_ID')
  })

  it('rejects members beyond its maximum size, and can only be deleted without members', () => {
    const talk = new Conversation({ t: 1 })
    talk.maxSize = 1
    const a = new Consumer(talk, 'a')
    assert.equal(errorName(talk.heartbeat('b', 0, joining).errorCode), 'GROUP_MAX_SIZE_REACHED')
    assert.equal(talk.delete(), 'NON_EMPTY_GROUP')
    a.leave()
    assert.equal(talk.delete(), 'NONE')
    assert.equal(errorName(talk.heartbeat('a', 0, joining).errorCode), 'COORDINATOR_NOT_AVAILABLE')
  })

  it('is restored unchanged from its saved form', () => {
    const talk = new Conversation({ t: 4 })
    const a = new Consumer(talk, 'a')
    const b = new Consumer(talk, 'b', { instanceId: 'two' })
    a.beat()
    const before = talk.group
    talk.restart()
    assert.deepEqual(talk.group, before)
    assert.deepEqual(settle(a, b), [2, 2])
  })

  it('batches the changes of a large group briefly', () => {
    const talk = new Conversation({ t: 600 })
    talk.maxSize = 1000
    const members = Array.from({ length: 300 }, (_, i) => new Consumer(talk, `m${i}`))
    assert.equal(talk.group.phase, 'Assigning')
    talk.expire({ kind: 'assign' })
    assert.deepEqual(new Set(settle(...members)), new Set([2]))
    assert.equal(talk.group.phase, 'Stable')
  })

  it('never lets two members own a partition, and converges, under random events', () => {
    const action = fc.record({
      kind: fc.constantFrom('join', 'beat', 'silent', 'leave', 'expire', 'grow', 'restart', 'subscribe'),
      who: fc.nat(4),
    })
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), actions => {
        let size = 3
        const talk = new Conversation({ t: size, u: 2 })
        const members = new Map<number, Consumer>()
        const checkOwners = () => {
          const owners = new Map<string, string>()
          for (const { id, owned } of members.values()) {
            for (const [topic, list] of owned) {
              for (const partition of list) {
                const key = `${topic}/${partition}`
                assert.equal(owners.get(key), undefined, `${id} and ${owners.get(key)} own ${key}`)
                owners.set(key, id)
              }
            }
          }
        }
        for (const { kind, who } of actions) {
          const member = members.get(who)
          switch (kind) {
            case 'join':
              if (member === undefined) members.set(who, new Consumer(talk, `m${who}`))
              else member.join()
              break
            case 'beat':
              member?.beat()
              break
            case 'silent':
              member?.beat({ owned: null })
              break
            case 'subscribe':
              member?.beat({ topicNames: ['t', 'u'] })
              break
            case 'leave':
              member?.leave()
              members.delete(who)
              break
            case 'expire':
              if (member === undefined) break
              talk.expire({ kind: 'session', memberId: member.id })
              members.delete(who)
              break
            case 'grow':
              talk.catalog = catalogOf({ t: ++size, u: 2 })
              talk.apply({ kind: 'topics' })
              break
            case 'restart':
              if (talk.group.type === 'consumer') talk.restart()
              break
            default:
              kind satisfies never
          }
          checkOwners()
        }
        const counts = settle(...members.values())
        checkOwners()
        if (members.size === 0) return
        assert.equal(talk.group.phase, 'Stable')
        assert.ok(counts.reduce((sum, count) => sum + count, 0) >= size)
      }),
      { numRuns: 300 },
    )
  })
})

describe('a group that changes protocol', () => {
  /** The subscription of a cooperative consumer of the classic protocol. */
  function subscription(owned: readonly NamedPartitions[]): Buffer {
    const writer = new Writer()
    writer.int16(1)
    writer.int32(1)
    writer.string('t')
    writer.int32(-1)
    writer.int32(owned.length)
    for (const { topic, partitions } of owned) {
      writer.string(topic)
      writer.int32(partitions.length)
      for (const partition of partitions) writer.int32(partition)
    }
    return Buffer.concat(writer.finish())
  }

  /** A cooperative consumer of the classic protocol, reduced to what the tests need. */
  class ClassicConsumer {
    id = ''
    generation = -1
    owned: NamedPartitions[] = []
    readonly #talk: Conversation

    constructor(talk: Conversation) {
      this.#talk = talk
      this.join()
    }

    join(): JoinAnswer {
      const answer = this.#talk.ask(this.#talk.joins, request => ({
        kind: 'join',
        request,
        memberId: this.id,
        instanceId: null,
        newMemberId: `classic-${request}`,
        requireKnownMemberId: false,
        canSkipAssignment: true,
        clientId: 'client',
        clientHost: '/127.0.0.1',
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 20_000,
        protocolType: 'consumer',
        protocols: [{ name: 'cooperative-sticky', metadata: subscription(this.owned) }],
      }))
      assert.equal(errorName(answer.errorCode), 'NONE')
      this.id = answer.memberId
      this.generation = answer.generation
      return answer
    }

    sync(assignments: ReadonlyMap<string, Buffer> = new Map()): void {
      const answer = this.askSync(assignments)
      assert.equal(errorName(answer.errorCode), 'NONE')
      this.owned = readAssignment(answer.assignment)!
    }

    askSync(assignments: ReadonlyMap<string, Buffer>) {
      return this.#talk.ask(this.#talk.syncs, request => ({
        kind: 'sync',
        request,
        memberId: this.id,
        instanceId: null,
        generation: this.generation,
        protocolType: 'consumer',
        protocol: 'cooperative-sticky',
        assignments,
      }))
    }

    heartbeat(): string {
      const { id: memberId, generation } = this
      return errorName(
        this.#talk.ask(this.#talk.errors, request => ({
          kind: 'heartbeat',
          request,
          memberId,
          instanceId: null,
          generation,
        })),
      )
    }

    /** Does what such a client does when a heartbeat makes it rejoin. */
    beat(): void {
      if (this.heartbeat() === 'NONE') return
      this.join()
      this.sync()
    }

    get count(): number {
      return this.owned.reduce((sum, { partitions }) => sum + partitions.length, 0)
    }
  }

  function classicGroup(): { talk: Conversation; old: ClassicConsumer } {
    const talk = new Conversation({ t: 4 })
    const old = new ClassicConsumer(talk)
    const all = Buffer.from([0, 0, 0, 0, 0, 1, 0, 1, 0x74, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3])
    old.sync(new Map([[old.id, Buffer.concat([all, Buffer.from([255, 255, 255, 255])])]]))
    assert.equal(old.count, 4)
    return { talk, old }
  }

  it('admits a member of the new protocol to a running classic group without taking more than its share from others', () => {
    const { talk, old } = classicGroup()
    const young = new Consumer(talk, 'young')
    assert.equal(talk.group.type, 'consumer')
    assert.equal(young.count, 0)
    assert.equal(old.heartbeat(), 'REBALANCE_IN_PROGRESS')
    for (let round = 0; round < 5; round++) {
      old.beat()
      young.beat()
    }
    assert.deepEqual([old.count, young.count], [2, 2])
    assert.equal(talk.commit(old.id, old.generation), 'NONE')
    assert.equal(talk.commit(old.id, old.generation + 1), 'ILLEGAL_GENERATION')
  })

  it('makes a classic member rejoin instead of returning an outdated assignment', () => {
    const { talk, old } = classicGroup()
    const young = new Consumer(talk, 'young')
    const { errorCode } = old.askSync(new Map())
    assert.equal(errorName(errorCode), 'REBALANCE_IN_PROGRESS')
    for (let round = 0; round < 5; round++) {
      old.beat()
      young.beat()
    }
    assert.deepEqual([old.count, young.count], [2, 2])
  })

  it('survives the loss of its coordinator in the middle of the change', () => {
    const { talk, old } = classicGroup()
    const young = new Consumer(talk, 'young')
    old.beat()
    talk.restart()
    for (let round = 0; round < 5; round++) {
      old.beat()
      young.beat()
    }
    assert.deepEqual([old.count, young.count], [2, 2])
  })

  it('is a classic group again when the last member of the new protocol has left', () => {
    const { talk, old } = classicGroup()
    const young = new Consumer(talk, 'young')
    for (let round = 0; round < 5; round++) {
      old.beat()
      young.beat()
    }
    young.leave()
    assert.equal(talk.group.type, 'classic')
    assert.equal(old.heartbeat(), 'REBALANCE_IN_PROGRESS')
    const answer = old.join()
    assert.deepEqual(
      answer.members.map(({ id }) => id),
      [old.id],
    )
    assert.ok(![...talk.timers.keys()].some(timer => timer.includes('revoke') || timer.includes('assign')))
  })

  it('changes protocol in both directions while empty, and keeps increasing its epoch', () => {
    const { talk, old } = classicGroup()
    talk.ask(talk.errors, request => ({ kind: 'leave', request, memberId: old.id, instanceId: null }))
    const epoch = new Consumer(talk, 'young').epoch
    assert.ok(epoch > old.generation)
    talk.heartbeat('young', -1)
    const back = new ClassicConsumer(talk)
    assert.equal(talk.group.type, 'classic')
    assert.ok(back.generation > epoch)
  })

  it('stays classic if its members are not consumers', () => {
    const talk = new Conversation({ t: 1 })
    talk.ask(talk.joins, request => ({
      kind: 'join',
      request,
      memberId: '',
      instanceId: null,
      newMemberId: 'connect-1',
      requireKnownMemberId: false,
      canSkipAssignment: true,
      clientId: 'client',
      clientHost: '/127.0.0.1',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 20_000,
      protocolType: 'connect',
      protocols: [{ name: 'compatible', metadata: Buffer.from('x') }],
    }))
    const before = talk.group
    assert.equal(errorName(talk.heartbeat('a', 0, joining).errorCode), 'GROUP_ID_NOT_FOUND')
    assert.equal(talk.group, before)
  })
})
