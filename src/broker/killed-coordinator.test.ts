import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { hasPostgres, startPostgresServer } from '../../test/servers/postgres-server.ts'
import { ErrorCode } from '../kafka/index.ts'
import { TestClient } from './test-client.ts'
import { until } from '../base/until.suite.ts'

const skip = hasPostgres() ? false : 'PostgreSQL is not installed'

test('a group whose coordinator is killed continues on another one with the same members and offsets', {
  skip,
}, async t => {
  const closers: (() => unknown)[] = []
  t.after(async () => {
    for (const close of closers.toReversed()) await close()
  })
  const server = await startPostgresServer()
  closers.push(() => server.close())
  const folder = await mkdtemp(join(tmpdir(), 'penstock-killed-'))
  closers.push(() => rm(folder, { recursive: true }))
  const [first, second] = [await spawnBroker(1, folder, server.url), await spawnBroker(2, folder, server.url)]
  closers.push(() => Promise.all([first.end('SIGKILL'), second.end('SIGTERM')]))
  const [one, other] = [await TestClient.open(first.port), await TestClient.open(second.port)]
  closers.push(() => [one, other].forEach(client => client.close()))

  const coordinatorBy = async (client: TestClient) =>
    (await client.call('FindCoordinator', 3, { key: 'g', keyType: 0 })).nodeId
  assert.equal(await coordinatorBy(one), 1)
  assert.equal(await coordinatorBy(other), 1)

  const member = await joinAlone(one)
  await one.call('CreateTopics', 5, {
    topics: [{ name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 10_000,
  })
  const heartbeat = async (client: TestClient) => (await client.call('Heartbeat', 3, member)).errorCode
  const commit = async (client: TestClient, committedOffset: number) => {
    const partitions = [{ partitionIndex: 0, committedOffset, committedLeaderEpoch: -1, committedMetadata: '' }]
    const { generationId: generationIdOrMemberEpoch, ...rest } = member
    const request = { ...rest, generationIdOrMemberEpoch, topics: [{ name: 't', partitions }] }
    return (await client.call('OffsetCommit', 7, request)).topics[0]!.partitions[0]!.errorCode
  }
  assert.equal(await commit(one, 5), ErrorCode.NONE)
  assert.equal(await heartbeat(one), ErrorCode.NONE)
  assert.equal(await heartbeat(other), ErrorCode.NOT_COORDINATOR)
  assert.equal(await commit(other, 4), ErrorCode.NOT_COORDINATOR)

  await first.end('SIGKILL')
  await until(async () => (await coordinatorBy(other)) === 2)
  assert.equal(await heartbeat(other), ErrorCode.NONE)
  const wanted = [{ name: 't', partitionIndexes: [0] }]
  const { topics } = await other.call('OffsetFetch', 5, { groupId: 'g', topics: wanted })
  assert.equal(topics[0]!.partitions[0]!.committedOffset, 5)
  assert.equal(await commit(other, 6), ErrorCode.NONE)
})

/** A broker in a separate process. */
async function spawnBroker(nodeId: number, folder: string, database: string) {
  const script = join(import.meta.dirname, '../../tools/broker.ts')
  const flags = [
    '--node-id',
    `${nodeId}`,
    '--data',
    folder,
    '--database',
    database,
    '--lease-ms',
    '2000',
    '--port',
    '0',
  ]
  const child: ChildProcess = spawn(process.execPath, [script, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const [line] = await once(createInterface(child.stdout!), 'line')
  return {
    port: Number(/:(\d+)$/.exec(String(line))![1]),
    async end(signal: NodeJS.Signals) {
      child.kill(signal)
      await exited
    },
  }
}

/** Joins the group with one member, which gets all partitions. */
async function joinAlone(client: TestClient) {
  const { memberId, generationId, errorCode } = await client.call('JoinGroup', 3, {
    groupId: 'g',
    sessionTimeoutMs: 60_000,
    rebalanceTimeoutMs: 60_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
  })
  assert.equal(errorCode, ErrorCode.NONE)
  const member = { groupId: 'g', memberId, generationId, groupInstanceId: null }
  await client.call('SyncGroup', 3, { ...member, assignments: [{ memberId, assignment: Buffer.from('all') }] })
  return member
}
