import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { after, describe, it } from 'node:test'
import type { Worker } from 'node:worker_threads'
import { type Clock, nullLog, systemClock, systemRandom } from '../base/index.ts'
import { hasPostgres, startPostgresServer } from '../../test/servers/postgres-server.ts'
import { openPostgres } from '../database/index.ts'
import { MetadataClient } from './client.ts'
import { metadataSuite, type SuiteWorld } from './metadata.suite.ts'
import { batch } from './transactions.suite.ts'
import { openSqliteTransport } from './sqlite.ts'
import {
  type Metadata,
  MetadataError,
  MetadataHub,
  openPostgresMetadata,
  openSqliteMetadata,
  restoreSnapshot,
  snapshotKey,
  type SnapshotRow,
  type SnapshotTable,
  snapshotTableNames,
} from './index.ts'

const folder = await mkdtemp(join(tmpdir(), 'penstock-metadata-'))
after(() => rm(folder, { recursive: true }))
let files = 0
const freshPath = () => join(folder, `${files++}.db`)

/** Opens two clients in one process, as a control plane does. */
async function openOnHub(path: string, { clock, random }: SuiteWorld) {
  const hub = new MetadataHub(await openSqliteTransport(path, clock))
  const open = () => MetadataClient.open(hub.connect(), { random })
  const metadata = await open()
  const close = metadata.close.bind(metadata)
  metadata.close = async () => {
    await close()
    await hub.close()
  }
  return { metadata, again: open }
}

metadataSuite('memory', world => openOnHub(':memory:', world))
metadataSuite('a file, in a thread', world => openOnHub(freshPath(), world))

describe('PostgreSQL', { skip: hasPostgres() ? false : 'PostgreSQL is not installed' }, async () => {
  const server = await startPostgresServer()
  after(() => server.close())
  let schemas = 0
  metadataSuite('PostgreSQL', async world => {
    const schema = `suite_${schemas++}`
    const open = () => openPostgresMetadata({ url: server.url, schema, connections: 4, log: nullLog, ...world })
    return { metadata: await open(), again: open }
  })

  it('is restored from a snapshot, and assigns ids above those in it', async () => {
    const path = freshPath()
    const source = await openSqliteMetadata({ path, clock: systemClock, random: systemRandom })
    const [topic] = await source.createTopics([{ name: 'one', partitions: 3, configs: { 'retention.ms': '5' } }])
    assert.ok(topic?.ok)
    const [p0] = topic.value.partitions
    const epoch = await source.openEpoch()
    await source.commit([{ key: 'a', sizeBytes: 100, epoch, batches: [batch(p0!, { records: 3 })] }])
    const rows = new Map<SnapshotTable, SnapshotRow[]>()
    for (const table of snapshotTableNames) {
      const [first] = await source.snapshotRows(table, null, 1)
      const others = first && (await source.snapshotRows(table, snapshotKey(table, first), 1000))
      rows.set(table, first ? [first, ...others!] : [])
    }
    const database = await openPostgres({ url: server.url, schema: 'restored' })
    await restoreSnapshot(database, rows)
    await assert.rejects(restoreSnapshot(database, rows), /the metadata is not empty: it has topics/)
    await database.close()
    const restored = await openPostgresMetadata({
      url: server.url,
      schema: 'restored',
      random: systemRandom,
      log: nullLog,
    })
    assert.equal(restored.clusterId, source.clusterId)
    assert.deepEqual(restored.catalog().byName.get('one'), topic.value)
    const query = { partition: p0!, offset: 0, maxBytes: 1e6, withAborted: true }
    assert.deepEqual(await restored.findExtents([query]), await source.findExtents([query]))
    const [next] = await restored.createTopics([{ name: 'two', partitions: 1, configs: {} }])
    assert.ok(next?.ok && next.value.partitions[0]! > topic.value.partitions[2]!)
    const later = await restored.openEpoch()
    assert.ok(later > epoch)
    await restored.commit([{ key: 'b', sizeBytes: 100, epoch: later, batches: [batch(p0!, { records: 1 })] }])
    await restored.close()
    await source.close()
  })

  it('takes the time from the database, not from the local clock', async () => {
    const open = (options: { clock?: Clock }) =>
      openPostgresMetadata({ url: server.url, schema: 'time', random: systemRandom, log: nullLog, ...options })
    const [metadata, hourFast] = [
      await open({}),
      await open({ clock: { ...systemClock, now: () => Date.now() + 3_600_000 } }),
    ]
    const holder = { id: 'a', nodeId: 1, host: '', port: 1 }
    const [lease] = await metadata.acquireLeases(['x'], holder, 60_000)
    const database = await openPostgres({ url: server.url })
    const [row] = await database.transaction({ kind: 'read' }, sql =>
      sql.all<{ now: number }>('SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS bigint) AS now'),
    )
    const leftMs = lease!.expiresAt - row!.now
    assert.ok(leftMs > 0 && leftMs <= 60_000, `${leftMs} ms are left`)
    assert.deepEqual(await hourFast.findLeases(['x']), [null], 'a clock of ones own would decide otherwise')
    for (const one of [metadata, hourFast, database]) await one.close()
  })

  it('loses no acknowledged commit and applies none twice while the server crashes', async t => {
    const open = () => openPostgresMetadata({ url: server.url, schema: 'chaos', random: systemRandom, log: nullLog })
    const clients = [await open(), await open()]
    t.after(() => Promise.all(clients.map(client => client.close())))
    const [created] = await clients[0]!.createTopics([{ name: 'one', partitions: 2, configs: {} }])
    assert.ok(created?.ok)
    const { partitions } = created.value
    const answered = new Map<string, number>()
    let isOver = false
    const writer = async (client: Metadata, name: string, producerId: number, firstEpoch: number) => {
      let epoch = firstEpoch
      for (let sequence = 0; ; ) {
        // As an appender does: retries the same batch under a new key until there is an answer.
        const key = `${name}/${sequence}/${crypto.randomUUID()}`
        const idempotent = { producerId, producerEpoch: 0, baseSequence: sequence }
        const batches = partitions.map((partition, at) => batch(partition, { position: at * 100, ...idempotent }))
        try {
          const [assigned] = await client.commit([{ key, sizeBytes: 200, epoch, batches }])
          assigned!.forEach((one, at) => {
            assert.ok(one.ok, `${name} ${sequence}: ${one.ok ? '' : one.code}`)
            answered.set(`${at} ${name} ${sequence}`, one.baseOffset)
          })
          sequence++
          if (isOver) return
        } catch (error) {
          assert.ok(error instanceof MetadataError, String(error))
          assert.ok(['busy', 'unknown_outcome'].includes(error.code), `${error.code}: ${error.message}`)
          await new Promise(resolve => setTimeout(resolve, 20))
          if (error.code === 'unknown_outcome') epoch = await client.openEpoch().catch(() => epoch)
        }
      }
    }
    const epochs: number[] = []
    for (const client of clients) epochs.push(await client.openEpoch(), await client.openEpoch())
    const writers = epochs.map((epoch, index) => {
      return writer(clients[Math.floor(index / 2)]!, `${index}`, index, epoch)
    })
    for (let crash = 0; crash < 4; crash++) {
      const before = answered.size
      while (answered.size < before + 40) await new Promise(resolve => setTimeout(resolve, 10))
      await server.crash()
      await server.start()
    }
    isOver = true
    await Promise.all(writers)
    for (const [at, partition] of partitions.entries()) {
      const offsets = [...answered].filter(([name]) => name.startsWith(`${at} `)).map(([, offset]) => offset)
      const end = (await clients[0]!.bounds([partition]))[0]!.highWatermark
      // Every writer waits for its last answer, so nothing was committed beyond what was answered.
      assert.deepEqual(new Set(offsets), new Set(Array.from({ length: end }, (_, offset) => offset)))
      assert.equal(offsets.length, end, 'no offset was given twice')
      let next = 0
      while (next < end) {
        const [answer] = await clients[1]!.findExtents([{ partition, offset: next, maxBytes: 1e9, withAborted: false }])
        for (const { baseOffset, lastOffset } of answer!.extents) {
          assert.equal(baseOffset, next)
          next = lastOffset + 1
        }
      }
    }
  })

  it('keeps serving after the server was restarted, with all acknowledged changes', async () => {
    const metadata = await openPostgresMetadata({
      url: server.url,
      schema: 'crash',
      random: systemRandom,
      log: nullLog,
    })
    await metadata.createTopics([{ name: 'one', partitions: 1, configs: {} }])
    await server.crash()
    await assert.rejects(metadata.listGroups(), { code: 'busy' })
    await server.start()
    assert.ok((await metadata.refresh()).byName.has('one'))
    await metadata.close()
  })
})

describe('metadata in a file', () => {
  const open = (path: string) => openSqliteMetadata({ path, clock: systemClock, random: systemRandom })

  it('persists after it was closed', async () => {
    const path = freshPath()
    const first = await open(path)
    await first.createTopics([{ name: 'one', partitions: 2, configs: {} }])
    const before = first.catalog().byName.get('one')
    await first.close()
    const second = await open(path)
    assert.equal(second.clusterId, first.clusterId)
    assert.deepEqual(second.catalog().byName.get('one'), before)
    await second.close()
  })

  it("is shared by processes, which see each other's changes when they refresh", async () => {
    const path = freshPath()
    const [one, other] = [await open(path), await open(path)]
    await one.createTopics([{ name: 'one', partitions: 1, configs: {} }])
    assert.equal(other.catalog().byName.size, 0)
    assert.equal((await other.refresh()).byName.size, 1)
    await one.close()
    await other.close()
  })

  it('is lost when its thread ends: listeners are notified once, before pending calls fail', async () => {
    const path = freshPath()
    let thread: Worker | undefined
    process.once('worker', worker => (thread = worker))
    const metadata = await open(path)
    assert.equal(thread?.threadName, 'metadata')
    await metadata.createTopics([{ name: 'one', partitions: 1, configs: {} }])
    const heard: string[] = []
    metadata.onLost(({ message }) => heard.push(message))
    const exited = thread.terminate()
    const waiting = metadata.listGroups().catch((error: Error) => heard.push(error.message))
    await exited
    await waiting
    assert.deepEqual(heard, Array(2).fill('the metadata is lost: the thread of the database ended'))
    await assert.rejects(metadata.listGroups(), { code: 'closed' })
    await metadata.close()
    const again = await open(path)
    assert.ok(again.catalog().byName.has('one'), 'what was answered is kept')
    await again.close()
  })

  it('is not reported as lost when it is closed', async () => {
    const metadata = await open(freshPath())
    let isLost = false
    metadata.onLost(() => (isLost = true))
    await metadata.close()
    assert.equal(isLost, false)
  })

  it('reports that it cannot be opened', async () => {
    await assert.rejects(open(join(folder, 'no', 'such', 'folder.db')), /cannot open/)
  })
})
