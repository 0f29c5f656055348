import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { asError, type Clock, nullLog, systemClock, systemRandom } from '../../base/index.ts'
import { ErrorCode } from '../../kafka/index.ts'
import { type Metadata, MetadataError, openSqliteMetadata } from '../../metadata/index.ts'
import { Leases } from '../leases.ts'
import { leaseOfGroup } from '../shard.ts'
import { Groups } from './index.ts'

const day = 24 * 60 * 60 * 1000

type Coordinator = Groups & { readonly leases: Leases }

function openGroups(
  metadata: Metadata,
  clock: Clock = systemClock,
  checkIntervalMs = 20 * day,
  id = 'one',
): Coordinator {
  const retention = { offsetsRetentionMs: 7 * day, checkIntervalMs }
  const settings = { initialRebalanceDelayMs: 0, maxSize: 100 }
  const timeouts = { sessionTimeoutMs: 45_000, heartbeatIntervalMs: 5_000 }
  const consumers = { maxSize: 100, timeoutsOf: () => timeouts }
  const holder = { id, nodeId: 1, host: 'here', port: 9092 }
  const leases = new Leases({ metadata, clock, log: nullLog, holder, durationMs: 10_000 })
  const groups = new Groups({
    metadata,
    leases,
    clock,
    random: systemRandom,
    log: nullLog,
    settings,
    consumers,
    retention,
  })
  return Object.assign(groups, { leases })
}

async function closeGroups(groups: Coordinator): Promise<void> {
  await groups.close()
  await groups.leases.close()
}

/** A clock that the test advances, since groups expire after seven days. */
class FakeClock implements Clock {
  readonly #sleepers = new Set<{ readonly until: number; readonly wake: () => void }>()
  #now = 1_700_000_000_000

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#now
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const sleeper = { until: this.#now + ms, wake: resolve }
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', () => {
        this.#sleepers.delete(sleeper)
        reject(asError(signal.reason))
      })
    })
  }

  async pass(ms: number): Promise<void> {
    this.#now += ms
    for (const sleeper of this.#sleepers) {
      if (sleeper.until > this.#now) continue
      this.#sleepers.delete(sleeper)
      sleeper.wake()
    }
    await new Promise(resolve => setImmediate(resolve))
  }
}

const stranger = { memberId: '', instanceId: null, generation: -1 }

const newcomer = {
  memberId: '',
  instanceId: null,
  requireKnownMemberId: false,
  canSkipAssignment: false,
  clientId: 'client',
  clientHost: '/127.0.0.1',
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 10_000,
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: Buffer.from([0, 0, 0, 0, 0, 1, 0, 1, 116]) }],
}

async function stableMember(groups: Groups, group: string, sessionTimeoutMs = 10_000) {
  const { memberId, generation } = await groups.join(group, { ...newcomer, sessionTimeoutMs })
  const assignments = new Map([[memberId, Buffer.from('all')]])
  const who = { memberId, instanceId: null, generation }
  await groups.sync(group, { ...who, protocolType: null, protocol: null, assignments })
  return who
}

async function eventually(condition: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await condition()) return
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  assert.fail('it did not come to that')
}

describe('the coordinator', () => {
  it('restores its groups after a restart, so that members continue undisturbed', async () => {
    const metadata = await openSqliteMetadata({ path: ':memory:', clock: systemClock, random: systemRandom })
    const before = openGroups(metadata)
    const who = await stableMember(before, 'g')
    await closeGroups(before)
    const after = openGroups(metadata)
    assert.deepEqual(
      (await after.list()).map(({ id, group }) => [id, group.phase]),
      [['g', 'Stable']],
    )
    assert.equal(await after.heartbeat('g', who), ErrorCode.NONE)
    const sync = await after.sync('g', { ...who, protocolType: null, protocol: null, assignments: new Map() })
    assert.equal(sync.assignment.toString(), 'all')
    assert.deepEqual(await after.subscribedTopics('g'), new Set(['t']))
    await closeGroups(after)
    await metadata.close()
  })

  it('times out a member that sends no heartbeats', async () => {
    const metadata = await openSqliteMetadata({ path: ':memory:', clock: systemClock, random: systemRandom })
    const groups = openGroups(metadata)
    const who = await stableMember(groups, 'g', 60)
    await new Promise(resolve => setTimeout(resolve, 40))
    assert.equal(await groups.heartbeat('g', who), ErrorCode.NONE)
    await new Promise(resolve => setTimeout(resolve, 40))
    assert.equal(await groups.heartbeat('g', who), ErrorCode.NONE)
    await new Promise(resolve => setTimeout(resolve, 150))
    assert.equal(await groups.heartbeat('g', who), ErrorCode.UNKNOWN_MEMBER_ID)
    assert.equal((await groups.describe('g')).group?.phase, 'Empty')
    await closeGroups(groups)
    await metadata.close()
  })

  it('keeps a group that could not be deleted', async () => {
    const metadata = await openSqliteMetadata({ path: ':memory:', clock: systemClock, random: systemRandom })
    const deleteGroup = metadata.deleteGroup.bind(metadata)
    metadata.deleteGroup = () => Promise.reject(new MetadataError('busy', 'locked'))
    const groups = openGroups(metadata)
    const who = await stableMember(groups, 'g')
    await groups.leave('g', who)
    await assert.rejects(groups.delete('g'), MetadataError)
    metadata.deleteGroup = deleteGroup
    assert.equal((await groups.join('g', newcomer)).errorCode, ErrorCode.NONE)
    await closeGroups(groups)
    await metadata.close()
  })

  describe('with idle groups', () => {
    const clock = new FakeClock()
    let metadata: Metadata
    let groups: Coordinator
    let topic: string
    beforeEach(async () => {
      metadata = await openSqliteMetadata({ path: ':memory:', clock, random: systemRandom })
      const [created] = await metadata.createTopics([{ name: 't', partitions: 1, configs: {} }])
      assert.ok(created?.ok)
      topic = created.value.id
      groups = openGroups(metadata, clock)
    })
    afterEach(async () => {
      await closeGroups(groups)
      await metadata.close()
    })
    const commit = async (group: string) => {
      const offset = { topic, partition: 0, offset: 5, leaderEpoch: -1, metadata: '', committedAt: clock.now() }
      const [fence] = await groups.leases.acquire([leaseOfGroup(group)])
      assert.deepEqual(await metadata.commitOffsets(group, [offset], fence!), [null])
    }

    it('deletes their offsets seven days after the last commit', async () => {
      await commit('g')
      await commit('h')
      await clock.pass(7 * day)
      assert.deepEqual(await groups.expireIdle(), [])
      await commit('h')
      await clock.pass(1)
      assert.deepEqual(await groups.expireIdle(), ['g'])
      assert.deepEqual(await metadata.listGroups(), ['h'])
      assert.equal((await groups.describe('g')).errorCode, ErrorCode.GROUP_ID_NOT_FOUND)
    })

    it('keeps groups with members, however old their last commit', async () => {
      const who = await stableMember(groups, 'g', 60 * day)
      await commit('g')
      await clock.pass(30 * day)
      assert.deepEqual(await groups.expireIdle(), [])
      assert.equal(await groups.heartbeat('g', who), ErrorCode.NONE)
    })

    it('counts from when the last member left, even across a restart', async () => {
      const who = await stableMember(groups, 'g', 60 * day)
      await commit('g')
      await clock.pass(30 * day)
      await groups.leave('g', who)
      await closeGroups(groups)
      groups = openGroups(metadata, clock)
      await clock.pass(7 * day)
      assert.deepEqual(await groups.expireIdle(), [])
      assert.equal((await metadata.groupOffsets('g')).length, 1)
      await clock.pass(1)
      assert.deepEqual(await groups.expireIdle(), ['g'])
      assert.deepEqual(await metadata.listGroups(), [])
    })

    it('counts from now if an earlier version did not record when the last member left', async () => {
      const saved = { version: 1, generation: 3, protocolType: 'consumer', protocol: null, leader: null, members: [] }
      const [fence] = await groups.leases.acquire([leaseOfGroup('g')])
      await metadata.saveGroup('g', Buffer.from(JSON.stringify(saved)), fence!)
      await commit('g')
      await clock.pass(30 * day)
      assert.deepEqual(await groups.expireIdle(), [])
      await clock.pass(6 * day)
      await closeGroups(groups)
      groups = openGroups(metadata, clock)
      assert.deepEqual(await groups.expireIdle(), [])
      await clock.pass(day + 1)
      assert.deepEqual(await groups.expireIdle(), ['g'])
    })

    it('keeps what was committed while it was expiring groups', async () => {
      await commit('g')
      await clock.pass(8 * day)
      const expireGroup = metadata.expireGroup.bind(metadata)
      const offset = { topic, partition: 0, offset: 5, leaderEpoch: -1, metadata: '', committedAt: clock.now() }
      metadata.expireGroup = async (group, idleMs, fence) => {
        await metadata.commitOffsets(group, [offset], fence)
        return await expireGroup(group, idleMs, fence)
      }
      assert.deepEqual(await groups.expireIdle(), [])
      assert.equal((await metadata.groupOffsets('g')).length, 1)
      // And the group is not dead because of that.
      assert.equal((await groups.mayCommit('g', stranger)).errorCode, ErrorCode.NONE)
    })

    it('expires them periodically on its own', async () => {
      await closeGroups(groups)
      groups = openGroups(metadata, clock, 600_000)
      await commit('g')
      await clock.pass(8 * day)
      await eventually(async () => (await metadata.listGroups()).length === 0)
      await commit('h')
      await clock.pass(8 * day)
      await eventually(async () => (await metadata.listGroups()).length === 0)
    })
  })

  it('keeps no state for groups that were only looked up, nor for deleted ones', async () => {
    const metadata = await openSqliteMetadata({ path: ':memory:', clock: systemClock, random: systemRandom })
    const groups = openGroups(metadata)
    assert.equal(
      await groups.heartbeat('no', { memberId: 'm', instanceId: null, generation: 1 }),
      ErrorCode.UNKNOWN_MEMBER_ID,
    )
    assert.equal((await groups.describe('no')).errorCode, ErrorCode.GROUP_ID_NOT_FOUND)
    assert.deepEqual(await groups.list(), [])
    const who = await stableMember(groups, 'g')
    assert.equal(await groups.delete('g'), ErrorCode.NON_EMPTY_GROUP)
    await groups.leave('g', who)
    assert.equal(await groups.delete('g'), ErrorCode.NONE)
    assert.equal(await groups.delete('g'), ErrorCode.GROUP_ID_NOT_FOUND)
    await closeGroups(groups)
    await metadata.close()
  })

  /** Finds another group with the same coordinator. */
  const sameLeaseAs = (group: string) => {
    for (let number = 0; ; number++) if (leaseOfGroup(`g${number}`) === leaseOfGroup(group)) return `g${number}`
  }

  describe('with a second coordinator on the same metadata', () => {
    const clock = new FakeClock()
    let metadata: Metadata
    let first: Coordinator
    let second: Coordinator
    beforeEach(async () => {
      metadata = await openSqliteMetadata({ path: ':memory:', clock, random: systemRandom })
      first = openGroups(metadata, clock, 20 * day, 'first')
      second = openGroups(metadata, clock, 20 * day, 'second')
    })
    afterEach(async () => {
      await closeGroups(first)
      await closeGroups(second)
      await metadata.close()
    })

    it('rejects requests for groups that the other one coordinates', async () => {
      const who = await stableMember(first, 'g')
      const sync = { ...who, protocolType: null, protocol: null, assignments: new Map() }
      assert.equal((await second.join('g', newcomer)).errorCode, ErrorCode.NOT_COORDINATOR)
      assert.equal((await second.sync('g', sync)).errorCode, ErrorCode.NOT_COORDINATOR)
      assert.equal(await second.heartbeat('g', who), ErrorCode.NOT_COORDINATOR)
      assert.equal(await second.leave('g', who), ErrorCode.NOT_COORDINATOR)
      assert.equal((await second.mayCommit('g', who)).errorCode, ErrorCode.NOT_COORDINATOR)
      assert.equal((await second.describe('g')).errorCode, ErrorCode.NOT_COORDINATOR)
      assert.equal(await second.delete('g'), ErrorCode.NOT_COORDINATOR)
      assert.deepEqual(await second.list(), [])
      assert.equal(await first.heartbeat('g', who), ErrorCode.NONE)
    })

    it('distinguishes groups of the other one from unknown groups as soon as a join was answered', async () => {
      // Both have the same lease, which the first coordinator holds.
      const [forming, unknown] = ['forming', sameLeaseAs('forming')]
      const { memberId, generation } = await first.join(forming, newcomer)
      assert.equal((await second.describe(forming)).errorCode, ErrorCode.NOT_COORDINATOR)
      assert.equal((await second.describe(unknown)).errorCode, ErrorCode.GROUP_ID_NOT_FOUND)
      assert.equal(await second.delete(unknown), ErrorCode.GROUP_ID_NOT_FOUND)
      const stranger = { memberId: 'stranger', generation: 1, instanceId: null }
      assert.equal(await second.heartbeat(forming, stranger), ErrorCode.NOT_COORDINATOR)
      assert.equal(await second.heartbeat(unknown, stranger), ErrorCode.UNKNOWN_MEMBER_ID)
      assert.equal((await second.join(unknown, newcomer)).errorCode, ErrorCode.NOT_COORDINATOR)
      const empty = { ...newcomer, protocols: [] }
      assert.equal((await second.join(unknown, empty)).errorCode, ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
      await closeGroups(first)
      // It has no assignment to continue with, so it must rejoin.
      const who = { memberId, generation, instanceId: null }
      assert.equal(await second.heartbeat(forming, who), ErrorCode.UNKNOWN_MEMBER_ID)
    })

    it('takes over the groups of the other one unchanged once it is gone', async () => {
      const who = await stableMember(first, 'g')
      await closeGroups(first)
      assert.equal(await second.heartbeat('g', who), ErrorCode.NONE)
      assert.equal(await first.heartbeat('g', who), ErrorCode.NOT_COORDINATOR)
    })

    it('takes over once the lease of the other one has expired, whose later writes are refused', async () => {
      // The first coordinator's clock stands still, so it still believes that it holds its lease.
      await closeGroups(first)
      first = openGroups(metadata, new FakeClock(), 20 * day, 'still')
      const who = await stableMember(first, 'g', 60_000)
      const { fence } = await first.mayCommit('g', who)
      await clock.pass(9_999)
      assert.equal(await second.heartbeat('g', who), ErrorCode.NOT_COORDINATOR)
      await clock.pass(2)
      assert.equal(await second.heartbeat('g', who), ErrorCode.NONE)
      await assert.rejects(metadata.commitOffsets('g', [], fence!), { code: 'fenced' })
      const leaving = await first.leave('g', who)
      assert.equal(leaving, ErrorCode.NONE, 'it has yet to learn that it was replaced')
      await eventually(async () => (await first.heartbeat('g', who)) === ErrorCode.NOT_COORDINATOR)
      assert.equal(await second.heartbeat('g', who), ErrorCode.NONE, 'the member has not left')
    })

    it('rejects an assignment that it can no longer save', async () => {
      const { memberId, generation } = await first.join('g', newcomer)
      const saved = await metadata.loadGroup('g')
      await metadata.releaseLeases('first')
      const [lease] = await metadata.acquireLeases([leaseOfGroup('g')], { id: 'x', nodeId: 2, host: '', port: 1 }, 1e6)
      assert.equal(lease?.holder.id, 'x')
      const assignments = new Map([[memberId, Buffer.from('all')]])
      const who = { memberId, instanceId: null, generation, protocolType: null, protocol: null }
      assert.equal((await first.sync('g', { ...who, assignments })).errorCode, ErrorCode.NOT_COORDINATOR)
      assert.deepEqual(await metadata.loadGroup('g'), saved)
    })
  })
})
