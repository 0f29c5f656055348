import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nullLog, systemClock, systemRandom } from '../../base/index.ts'
import { ErrorCode } from '../../kafka/index.ts'
import { type Metadata, MetadataError, openSqliteMetadata } from '../../metadata/index.ts'
import { Groups } from './index.ts'

function openGroups(metadata: Metadata): Groups {
  const settings = { initialRebalanceDelayMs: 0, maxSize: 100 }
  return new Groups({ metadata, clock: systemClock, random: systemRandom, log: nullLog, settings })
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
