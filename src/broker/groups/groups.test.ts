import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type Clock, nullLog, systemClock, systemRandom } from '../../base/index.ts'
import { ErrorCode } from '../../kafka/index.ts'
import { type Metadata, MetadataError, openSqliteMetadata } from '../../metadata/index.ts'
import { Groups } from './index.ts'

const day = 24 * 60 * 60 * 1000

function openGroups(metadata: Metadata, clock: Clock = systemClock, checkIntervalMs = 20 * day): Groups {
  const retention = { offsetsRetentionMs: 7 * day, checkIntervalMs }
  const settings = { initialRebalanceDelayMs: 0, maxSize: 100 }
  return new Groups({ metadata, clock, random: systemRandom, log: nullLog, settings, retention })
}

/** Time that passes when it is told to. */
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
        reject(signal.reason as Error)
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

async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await isSo()) return
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  assert.fail('it did not come to that')
}

describe('the coordinator', () => {
  it('knows its groups again after a restart, so that members go on as if nothing had happened', async () => {
    const metadata = await openSqliteMetadata({ path: ':memory:', clock: systemClock, random: systemRandom })
    const before = openGroups(metadata)
    const who = await stableMember(before, 'g')
    await before.close()
    const after = openGroups(metadata)
    assert.deepEqual(
      (await after.list()).map(({ id, group }) => [id, group.phase]),
      [['g', 'Stable']],
    )
    assert.equal(await after.heartbeat('g', who), ErrorCode.NONE)
    const sync = await after.sync('g', { ...who, protocolType: null, protocol: null, assignments: new Map() })
    assert.equal(sync.assignment.toString(), 'all')
    assert.deepEqual([...(await after.subscribedTopics('g'))], ['t'])
    await after.close()
    await metadata.close()
  })

  it('ends the session of a member that is not heard of', async () => {
    const metadata = await openSqliteMetadata({ path: ':memory:', clock: systemClock, random: systemRandom })
    const groups = openGroups(metadata)
    const who = await stableMember(groups, 'g', 60)
    await new Promise(resolve => setTimeout(resolve, 40))
    assert.equal(await groups.heartbeat('g', who), ErrorCode.NONE)
    await new Promise(resolve => setTimeout(resolve, 40))
    assert.equal(await groups.heartbeat('g', who), ErrorCode.NONE)
    await new Promise(resolve => setTimeout(resolve, 150))
    assert.equal(await groups.heartbeat('g', who), ErrorCode.UNKNOWN_MEMBER_ID)
    assert.equal((await groups.describe('g'))?.phase, 'Empty')
    await groups.close()
    await metadata.close()
  })

  it('keeps a group that could not be deleted', async () => {
    const metadata = await openSqliteMetadata({ path: ':memory:', clock: systemClock, random: systemRandom })
    const deleteGroups = metadata.deleteGroups.bind(metadata)
    metadata.deleteGroups = () => Promise.reject(new MetadataError('busy', 'locked'))
    const groups = openGroups(metadata)
    const who = await stableMember(groups, 'g')
    await groups.leave('g', who)
    await assert.rejects(groups.delete('g'), MetadataError)
    metadata.deleteGroups = deleteGroups
    assert.equal((await groups.join('g', newcomer)).errorCode, ErrorCode.NONE)
    await groups.close()
    await metadata.close()
  })

  describe('with groups that are idle', () => {
    const clock = new FakeClock()
    let metadata: Metadata
    let groups: Groups
    let topic: string
    beforeEach(async () => {
      metadata = await openSqliteMetadata({ path: ':memory:', clock, random: systemRandom })
      const [created] = await metadata.createTopics([{ name: 't', partitions: 1, configs: {} }])
      assert.ok(created?.ok)
      topic = created.value.id
      groups = openGroups(metadata, clock)
    })
    afterEach(async () => {
      await groups.close()
      await metadata.close()
    })
    const commit = async (group: string) => {
      const offset = { topic, partition: 0, offset: 5, leaderEpoch: -1, metadata: '', committedAt: clock.now() }
      assert.deepEqual(await metadata.commitOffsets(group, [offset]), [null])
    }

    it('forgets their offsets seven days after the last commit', async () => {
      await commit('g')
      await commit('h')
      await clock.pass(7 * day)
      assert.deepEqual(await groups.expireIdle(), [])
      await commit('h')
      await clock.pass(1)
      assert.deepEqual(await groups.expireIdle(), ['g'])
      assert.deepEqual(await metadata.listGroups(), ['h'])
      assert.equal(await groups.describe('g'), undefined)
    })

    it('keeps those that have members, however long ago they have committed', async () => {
      const who = await stableMember(groups, 'g', 60 * day)
      await commit('g')
      await clock.pass(30 * day)
      assert.deepEqual(await groups.expireIdle(), [])
      assert.equal(await groups.heartbeat('g', who), ErrorCode.NONE)
    })

    it('counts from when the last member left, also over a restart', async () => {
      const who = await stableMember(groups, 'g', 60 * day)
      await commit('g')
      await clock.pass(30 * day)
      await groups.leave('g', who)
      await groups.close()
      groups = openGroups(metadata, clock)
      await clock.pass(7 * day)
      assert.deepEqual(await groups.expireIdle(), [])
      assert.equal((await metadata.groupOffsets('g')).length, 1)
      await clock.pass(1)
      assert.deepEqual(await groups.expireIdle(), ['g'])
      assert.deepEqual(await metadata.listGroups(), [])
    })

    it('counts from now on where an earlier program did not say when the last member left', async () => {
      const saved = { version: 1, generation: 3, protocolType: 'consumer', protocol: null, leader: null, members: [] }
      await metadata.saveGroup('g', Buffer.from(JSON.stringify(saved)))
      await commit('g')
      await clock.pass(30 * day)
      assert.deepEqual(await groups.expireIdle(), [])
      await clock.pass(6 * day)
      await groups.close()
      groups = openGroups(metadata, clock)
      assert.deepEqual(await groups.expireIdle(), [])
      await clock.pass(day + 1)
      assert.deepEqual(await groups.expireIdle(), ['g'])
    })

    it('keeps what was committed while it looked', async () => {
      await commit('g')
      await clock.pass(8 * day)
      const expireGroups = metadata.expireGroups.bind(metadata)
      metadata.expireGroups = async (...call) => {
        await commit('g')
        return await expireGroups(...call)
      }
      assert.deepEqual(await groups.expireIdle(), [])
      assert.equal((await metadata.groupOffsets('g')).length, 1)
      // And the group is not dead for that.
      assert.equal(await groups.mayCommit('g', { memberId: '', instanceId: null, generation: -1 }), ErrorCode.NONE)
    })

    it('looks after it by itself now and then', async () => {
      await groups.close()
      groups = openGroups(metadata, clock, 600_000)
      await commit('g')
      await clock.pass(8 * day)
      await eventually(async () => (await metadata.listGroups()).length === 0)
      await commit('h')
      await clock.pass(8 * day)
      await eventually(async () => (await metadata.listGroups()).length === 0)
    })
  })

  it('does not remember who only asked, and forgets what is deleted', async () => {
    const metadata = await openSqliteMetadata({ path: ':memory:', clock: systemClock, random: systemRandom })
    const groups = openGroups(metadata)
    assert.equal(
      await groups.heartbeat('no', { memberId: 'm', instanceId: null, generation: 1 }),
      ErrorCode.UNKNOWN_MEMBER_ID,
    )
    assert.equal(await groups.describe('no'), undefined)
    assert.deepEqual(await groups.list(), [])
    const who = await stableMember(groups, 'g')
    assert.equal(await groups.delete('g'), ErrorCode.NON_EMPTY_GROUP)
    await groups.leave('g', who)
    assert.equal(await groups.delete('g'), ErrorCode.NONE)
    assert.equal(await groups.delete('g'), ErrorCode.GROUP_ID_NOT_FOUND)
    await groups.close()
    await metadata.close()
  })
})
