// What a whole cluster does on a full disk: it serves what it can, every request gets a response, and it recovers.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { TestClient } from '../../src/broker/test-client.ts'
import { errorName, readRecords, writeRecords } from '../../src/kafka/index.ts'
import { freePorts, program, startProgram } from './support.ts'

const parent = mkdtempSync(join(tmpdir(), 'penstock-disk-'))
after(() => rmSync(parent, { recursive: true, force: true }))
const disk = join(parent, 'disk')

/** Runs a command with its own small disk, if this machine allows mounting one. */
const withSmallDisk = [['-m'], ['-Urm']].find(
  options => spawnSync('unshare', [...options, 'mount', '-t', 'tmpfs', 'tmpfs', parent]).status === 0,
)
const skip = withSmallDisk === undefined ? 'no file system may be mounted here' : false

test('a cluster on a full disk', { skip }, async t => {
  // The disk lives as long as this process, whose namespace the cluster enters.
  const keeper = spawn('unshare', [
    ...withSmallDisk!,
    'sh',
    '-c',
    `mkdir ${disk} && mount -t tmpfs -o size=32m tmpfs ${disk} && echo ready && exec sleep 600`,
  ])
  t.after(() => keeper.kill())
  await new Promise(resolve => keeper.stdout.once('data', resolve))
  const wrapper = join(parent, 'start')
  const user = withSmallDisk!.includes('-Urm') ? '--user --preserve-credentials' : ''
  writeFileSync(wrapper, `#!/bin/sh\nexec nsenter --target ${keeper.pid} --mount ${user} ${program} "$@"\n`, {
    mode: 0o755,
  })
  const start = () => startProgram(['standalone', `-dataDir=${disk}/data`, ...freePorts], {}, wrapper)

  let server = await start()
  t.after(() => server.stop('SIGKILL'))
  const connect = () => TestClient.open(Number(server.kafkaAddress.split(':').at(-1)))
  let client = await connect()
  for (const name of ['keep', 'big', 'other']) await create(client, name)
  assert.equal(await produce(client, 'keep', Buffer.from('kept')), 'NONE')

  await t.test('refuses records with an error that producers retry', async () => {
    assert.deepEqual(await fill(client), new Set(['KAFKA_STORAGE_ERROR']))
  })

  await t.test('still lets groups read and commit', async () => {
    assert.deepEqual(await read(client, 'keep'), ['kept'])
    const offsets = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }]
    const { memberId, generationId } = await client.call('JoinGroup', 3, firstJoin)
    const assignments = [{ memberId, assignment: Buffer.alloc(0) }]
    const synced = await client.call('SyncGroup', 2, { groupId: 'g', memberId, generationId, assignments })
    assert.equal(errorName(synced.errorCode), 'NONE')
    const commit = { groupId: 'g', generationIdOrMemberEpoch: generationId, memberId }
    const { topics } = await client.call('OffsetCommit', 7, {
      ...commit,
      topics: [{ name: 'keep', partitions: offsets }],
    })
    assert.equal(errorName(topics[0]!.partitions[0]!.errorCode), 'NONE')
  })

  await t.test('carries out administrative operations', async () => {
    const alter = { name: 'retention.ms', configOperation: 0, value: '1000' }
    const resources = [{ resourceType: 2, resourceName: 'other', configs: [alter] }]
    const timeoutMs = 10_000
    const codes = [
      (await client.call('InitProducerId', 4, { transactionalId: null, transactionTimeoutMs: 1000 })).errorCode,
      (await client.call('IncrementalAlterConfigs', 1, { resources, validateOnly: false })).responses[0]!.errorCode,
      (
        await client.call('CreatePartitions', 3, {
          topics: [{ name: 'other', count: 3, assignments: null }],
          timeoutMs,
          validateOnly: false,
        })
      ).results[0]!.errorCode,
      (
        await client.call('DeleteRecords', 2, {
          topics: [{ name: 'big', partitions: [{ partitionIndex: 0, offset: -1 }] }],
          timeoutMs,
        })
      ).topics[0]!.partitions[0]!.errorCode,
    ]
    assert.deepEqual(codes.map(errorName), ['NONE', 'NONE', 'NONE', 'NONE'])
  })

  await t.test('restarts after a kill with everything it acknowledged', async () => {
    await fill(client)
    client.close()
    await server.stop('SIGKILL')
    server = await start()
    client = await connect()
    assert.deepEqual(await read(client, 'keep'), ['kept'])
  })

  await t.test('deletes the topic that filled it', async () => {
    const { responses } = await client.call('DeleteTopics', 5, { topicNames: ['big'], timeoutMs: 10_000 })
    assert.equal(errorName(responses[0]!.errorCode), 'NONE')
    assert.equal(server.child.exitCode, null)
  })

  // The deleted records take their room for a while, and nothing that runs in the background may take the rest.
  await t.test('accepts records again once the disk is larger, and after a restart', async () => {
    const larger = ['mount', '-o', 'remount,size=64m', disk]
    const namespace = ['--target', `${keeper.pid}`, '--mount', ...user.split(' ').filter(Boolean)]
    assert.equal(spawnSync('nsenter', [...namespace, ...larger]).status, 0)
    assert.equal(await produce(client, 'keep', Buffer.from('new')), 'NONE')
    client.close()
    await server.stop('SIGTERM')
    server = await start()
    client = await connect()
    for (let round = 0; round < 20; round++) {
      assert.equal(await produce(client, 'keep', Buffer.alloc(1000)), 'NONE')
      await sleep(100)
    }
  })
  client.close()
})

const firstJoin = {
  groupId: 'g',
  sessionTimeoutMs: 30_000,
  rebalanceTimeoutMs: 30_000,
  memberId: '',
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: Buffer.alloc(6) }],
}

async function create(client: TestClient, name: string): Promise<void> {
  const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
  await client.call('CreateTopics', 5, { topics: [topic], timeoutMs: 10_000 })
}

async function produce(client: TestClient, name: string, value: Buffer): Promise<string> {
  const records = writeRecords([{ value }], { timestamp: Date.now() })
  const topicData = [{ name, partitionData: [{ index: 0, records }] }]
  const { responses } = await client.call('Produce', 9, {
    acks: -1,
    timeoutMs: 10_000,
    transactionalId: null,
    topicData,
  })
  return errorName(responses[0]!.partitionResponses[0]!.errorCode)
}

/** Produces until even small records are refused; resolves to the errors. */
async function fill(client: TestClient): Promise<Set<string>> {
  const errors = new Set<string>()
  for (const size of [400_000, 20_000, 500]) {
    let refused = 0
    while (refused < 3) {
      const error = await produce(client, 'big', Buffer.alloc(size, 'x'))
      if (error === 'NONE') continue
      errors.add(error)
      refused++
    }
  }
  return errors
}

async function read(client: TestClient, topic: string): Promise<string[]> {
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1e6 }]
  const { responses } = await client.call('Fetch', 11, {
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 1e6,
    topics: [{ topic, partitions }],
    forgottenTopicsData: [],
    sessionEpoch: -1,
    isolationLevel: 0,
  })
  const { records } = responses[0]!.partitions[0]!
  return Array.from(readRecords(records!), ({ value }) => String(value))
}
