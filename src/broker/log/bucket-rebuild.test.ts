import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { nullLog, systemClock, systemRandom } from '../../base/index.ts'
import { openSqlite } from '../../database/index.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readBatchHeader, readRecords, writeRecords } from '../../kafka/index.ts'
import {
  type Metadata,
  openSqliteMetadata,
  restoreSnapshot,
  type SnapshotTable,
  type Topic,
} from '../../metadata/index.ts'
import { type ObjectStore, openMemoryStore } from '../../storage/index.ts'
import { abortOpenTransactions } from '../abort-open.ts'
import { defaultBrokerConfig } from '../config.ts'
import { topicConfig } from '../topic-config.ts'
import type { BucketFinding } from './bucket-check.ts'
import { checkBucket } from './bucket-check.ts'
import { rebuildMetadata } from './bucket-rebuild.ts'
import { type LogConfig, localLogConfig } from './config.ts'
import { compressInThreads, manifestKeys, writeManifest } from './manifest.ts'
import { openRecordLog, type RecordLog } from './record-log.ts'

const signal = new AbortController().signal
/** Only the test writes manifests. */
const withoutJobs: Partial<LogConfig> = { runsJobs: false }

describe('metadata rebuilt from a bucket', () => {
  it('place every record at its old offset, including those written after the manifest', async t => {
    const cluster = await Cluster.open(t)
    const [orders] = await cluster.create('orders', 2)
    await cluster.put(orders!, ['a', 'b'])
    await cluster.put(orders!, ['c'], 1)
    await cluster.manifest()
    await cluster.put(orders!, ['d', 'e', 'f'])
    await cluster.note()
    await cluster.put(orders!, ['g'])
    const before = await cluster.read(orders!)
    const { findings, figures, metadata } = await cluster.lose()
    assert.deepEqual(findings, [])
    assert.equal(figures.guessedOffsets, 1, 'the last one was not noted')
    assert.deepEqual(await cluster.read(await topicOf(metadata, 'orders')), before)
    assert.deepEqual(before, [['a', 'b', 'd', 'e', 'f', 'g'], ['c']])
    assert.equal((await topicOf(metadata, 'orders')).id, orders!.id)
    assert.deepEqual(await cluster.put(orders!, ['h']), 6)
  })

  it('follow merges and compaction, and mark objects without live records as garbage', async t => {
    const cluster = await Cluster.open(t, { mergeObjects: 4, mergeSpareObjects: 0 })
    const compaction = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0' }
    const [plain, latest] = await cluster.create('plain', 1, {}, ['latest', compaction])
    for (let count = 0; count < 6; count++) {
      await cluster.put(plain!, [`p${count}`])
      await cluster.put(latest!, [`l${count}`], 0, { key: `k${count % 2}` })
    }
    await cluster.manifest()
    await cluster.log.runMaintenance()
    await cluster.put(latest!, ['l6'], 0, { key: 'k0' })
    const before = [await cluster.read(plain!), await cluster.read(latest!)]
    const { findings, metadata } = await cluster.lose()
    assert.deepEqual(findings, [])
    const after = [await topicOf(metadata, 'plain'), await topicOf(metadata, 'latest')]
    assert.deepEqual(await Promise.all(after.map(topic => cluster.read(topic))), before)
    assert.deepEqual(before[1], [['l4', 'l5', 'l6']])
    assert.deepEqual(after[1]!.configs, compaction)
    await cluster.checkSound()
  })

  it('know idempotent producers, and have open transactions aborted', async t => {
    const cluster = await Cluster.open(t)
    const [topic] = await cluster.create('t')
    const [partition] = topic!.partitions
    const producer = { producerId: await cluster.log.newProducerId(), producerEpoch: 0 }
    await cluster.manifest()
    await cluster.put(topic!, ['a'], 0, { ...producer, baseSequence: 0 })
    const other = { producerId: await cluster.log.newProducerId(), producerEpoch: 3 }
    await cluster.put(topic!, ['open'], 0, { ...other, baseSequence: 0, transactional: true })
    await cluster.put(topic!, ['b'], 0, { ...producer, baseSequence: 1 })
    const { findings, metadata, open } = await cluster.lose()
    assert.deepEqual(findings, [])
    assert.deepEqual(open, [{ partition, producerId: other.producerId, epoch: 3 }])
    const [bounds] = await metadata.bounds([partition!])
    assert.deepEqual([bounds!.highWatermark, bounds!.lastStableOffset], [4, 4])
    assert.deepEqual(await cluster.read(topic!, true), [['a', 'b']])
    assert.equal(await cluster.put(topic!, ['b'], 0, { ...producer, baseSequence: 1 }), 2, 'it was there already')
    assert.equal(await cluster.put(topic!, ['c'], 0, { ...producer, baseSequence: 2 }), 4)
    assert.ok((await cluster.log.newProducerId()) > other.producerId)
  })

  it('keep committed and aborted transactions, restorable deleted topics and group offsets', async t => {
    const cluster = await Cluster.open(t)
    const [topic, deleted] = await cluster.create('t', 1, {}, ['deleted', {}])
    const [partition] = topic!.partitions
    const producer = { producerId: 5, producerEpoch: 0 }
    await cluster.put(topic!, ['no'], 0, { ...producer, baseSequence: 0, transactional: true })
    await cluster.end(producer, false, partition!)
    await cluster.put(deleted!, ['d'])
    await cluster.metadata.deleteTopics([deleted!.id], 1_000_000)
    const fence = { lease: 'groups/1', epoch: 1 }
    await cluster.metadata.raiseFence(fence)
    const offset = { topic: topic!.id, partition: 0, offset: 1, leaderEpoch: -1, metadata: 'm', committedAt: 7 }
    await cluster.metadata.commitOffsets('g', [offset], fence)
    await cluster.manifest()
    await cluster.put(topic!, ['late'], 0, { ...producer, baseSequence: 1, transactional: true })
    await cluster.end(producer, false, partition!)
    await cluster.put(topic!, ['yes'], 0, { ...producer, baseSequence: 2, transactional: true })
    await cluster.end(producer, true, partition!)
    const { findings, metadata, open } = await cluster.lose()
    assert.deepEqual([findings, open], [[], []])
    assert.deepEqual(await cluster.read(topic!, true), [['yes']])
    assert.deepEqual(await metadata.groupOffsets('g'), [offset])
    assert.deepEqual((await metadata.undeleteTopics([deleted!.id]))[0]!.ok, true)
    assert.deepEqual(await cluster.read(await topicOf(metadata, 'deleted')), [['d']])
    await cluster.checkSound()
  })

  it('are rebuilt without a manifest from what objects record about themselves', async t => {
    const cluster = await Cluster.open(t)
    const [topic] = await cluster.create('t', 2)
    await cluster.put(topic!, ['a'])
    await cluster.put(topic!, ['b'], 1)
    await cluster.put(topic!, ['c'])
    await cluster.store.delete(await manifestKeys(cluster.store))
    const { findings } = await cluster.lose()
    assert.deepEqual(
      findings.map(({ severity, where }) => [severity, where]),
      [
        ['note', cluster.store.url],
        ['note', 't'],
      ],
    )
    assert.deepEqual(await cluster.read(topic!), [['a', 'c'], ['b']])
  })

  for (const [table, when] of [
    ['topics', 'before partitions were read'],
    ['deleted_partitions', 'before objects were read'],
  ] as const) {
    it(`have topics that were created while the manifest was being written, ${when}`, async t => {
      const cluster = await Cluster.open(t, withoutJobs)
      const topics: Topic[] = []
      // On every read, so that the manifest never sees topics and partitions of one moment.
      await cluster.manifest(async read => {
        if (read !== table) return
        const [topic] = await cluster.create(`t${topics.length}`)
        topics.push(topic!)
        await cluster.put(topic!, ['a', 'b'])
      })
      const { findings, metadata } = await cluster.lose()
      assert.ok(findings.every(({ severity }) => severity === 'note'))
      const found = await Promise.all(topics.map(async ({ name }) => cluster.read(await topicOf(metadata, name))))
      assert.deepEqual(
        found,
        topics.map(() => [['a', 'b']]),
      )
      await cluster.checkSound()
    })
  }

  it('have a topic that was restored while the manifest was being written', async t => {
    const cluster = await Cluster.open(t, withoutJobs)
    const [topic] = await cluster.create('t')
    await cluster.put(topic!, ['a'])
    await cluster.metadata.deleteTopics([topic!.id], 1_000_000)
    let isBack = false
    await cluster.manifest(async read => {
      if (read !== 'topics' || isBack) return
      isBack = true
      assert.ok((await cluster.metadata.undeleteTopics([topic!.id]))[0]!.ok)
    })
    const { findings, metadata } = await cluster.lose()
    assert.deepEqual(findings, [])
    assert.deepEqual(await cluster.read(await topicOf(metadata, 't')), [['a']])
  })

  it('come with a report of lost offsets and unidentifiable objects', async t => {
    const cluster = await Cluster.open(t)
    const [topic] = await cluster.create('t')
    await cluster.put(topic!, ['a'])
    await cluster.put(topic!, ['b'])
    await cluster.put(topic!, ['c'])
    await cluster.manifest()
    const [, second] = await cluster.store.list({ prefix: 'data/' })
    await cluster.store.delete([second!.key])
    await cluster.store.put('data/1/9999999999', [Buffer.from('of a former version')])
    const { findings } = await cluster.lose()
    assert.deepEqual(
      findings.map(({ severity, where, message }) => [severity, where, message.slice(0, 40)]),
      [
        ['note', 'data/1/9999999999', 'the object has no index and is not in th'],
        ['damage', 't/0', 'no object contains the offsets 1 to 1'],
      ],
    )
    assert.deepEqual(await cluster.read(topic!), [['a', 'c']])
    await cluster.log.runMaintenance()
    assert.ok((await cluster.store.list({ prefix: 'data/1/9999999999' })).length > 0, 'it is kept')
  })

  it('contain a batch once that an idempotent producer resent after an agent died between put and commit', async t => {
    const cluster = await Cluster.open(t)
    const [topic] = await cluster.create('t')
    const producer = { producerId: await cluster.log.newProducerId(), producerEpoch: 0 }
    await cluster.put(topic!, ['a'], 0, { ...producer, baseSequence: 0 })
    await cluster.note()
    const [object] = await cluster.store.list({ prefix: 'data/' })
    // In an epoch that stays open, so that housekeeping leaves it alone.
    await cluster.store.put('data/999/8888888888', [await cluster.store.get(object!.key)])
    const { findings } = await cluster.lose()
    assert.deepEqual(
      findings.filter(({ severity }) => severity === 'damage'),
      [],
    )
    assert.deepEqual(await cluster.read(topic!), [['a']])
    assert.equal(await cluster.put(topic!, ['b'], 0, { ...producer, baseSequence: 1 }), 1)
  })

  it('are not written over existing metadata', async t => {
    const cluster = await Cluster.open(t)
    await cluster.create('t')
    await cluster.log.close()
    await cluster.metadata.close()
    const database = await openSqlite({ path: cluster.path })
    t.after(() => database.close())
    await assert.rejects(restoreSnapshot(database, new Map()), /the metadata is not empty: it has topics/)
  })

  it('come from the previous manifest where the latest one cannot be read', async t => {
    const cluster = await Cluster.open(t)
    const [topic] = await cluster.create('t')
    await cluster.put(topic!, ['a'])
    await cluster.manifest()
    await cluster.put(topic!, ['b'])
    await cluster.manifest()
    const [latest] = await manifestKeys(cluster.store)
    await cluster.store.put(latest!, [Buffer.from('broken')])
    const { findings } = await cluster.lose()
    assert.deepEqual(
      findings.map(({ where }) => where),
      [latest],
    )
    assert.deepEqual(await cluster.read(topic!), [['a', 'b']])
  })
})

interface Batch {
  readonly key?: string
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly transactional?: boolean
}

/** A log over a bucket in memory, whose database can be lost. */
class Cluster {
  readonly store: ObjectStore = openMemoryStore()
  readonly #folder: string
  readonly #config: LogConfig
  metadata!: Metadata
  log!: RecordLog
  #times = 0

  static async open(t: TestContext, config: Partial<LogConfig> = {}): Promise<Cluster> {
    const folder = await mkdtemp(join(tmpdir(), 'penstock-rebuild-'))
    const cluster = new Cluster(folder, { ...localLogConfig, deadObjectGraceMs: 1_000_000, lingerMs: 0, ...config })
    await cluster.#open()
    t.after(async () => {
      await cluster.log.close()
      await cluster.metadata.close()
      await rm(folder, { recursive: true })
    })
    return cluster
  }

  private constructor(folder: string, config: LogConfig) {
    this.#folder = folder
    this.#config = config
  }

  get path(): string {
    return join(this.#folder, `metadata-${this.#times}.sqlite`)
  }

  async #open(): Promise<void> {
    this.metadata = await openSqliteMetadata({ path: this.path, clock: systemClock, random: systemRandom })
    await this.#openLog()
  }

  async #openLog(): Promise<void> {
    this.log = await openRecordLog({
      metadata: this.metadata,
      store: this.store,
      clock: systemClock,
      random: systemRandom,
      log: nullLog,
      config: this.#config,
      topicConfig: of => topicConfig(of, defaultBrokerConfig),
    })
  }

  async create(
    name: string,
    partitions = 1,
    configs: Record<string, string> = {},
    ...others: [string, Record<string, string>][]
  ): Promise<Topic[]> {
    const more = others.map(([other, own]) => ({ name: other, partitions: 1, configs: own }))
    const outcomes = await this.metadata.createTopics([{ name, partitions, configs }, ...more])
    return outcomes.map(outcome => {
      assert.ok(outcome.ok)
      return outcome.value
    })
  }

  /** Appends a batch; returns the offset of the first record. */
  async put(topic: Topic, values: readonly string[], index = 0, { key, ...fields }: Batch = {}): Promise<number> {
    const records = writeRecords(
      values.map(value => ({ key: key === undefined ? null : Buffer.from(key), value: Buffer.from(value) })),
      { timestamp: Date.now(), ...fields },
    )
    const header = readBatchHeader(records)!
    const partition = topic.partitions[index]!
    if (fields.transactional) await this.#begin(fields.producerId!, fields.producerEpoch!, partition)
    const transaction = { kind: 'records', id: `tx-${fields.producerId}`, joins: true } as const
    const append = { partition, records, header, appendTime: false, ...(fields.transactional && { transaction }) }
    const [outcome] = await this.log.append([append])
    assert.ok(outcome!.ok, JSON.stringify(outcome))
    return outcome!.baseOffset
  }

  /** Assigns this producer to a transactional id. */
  async #begin(producerId: number, epoch: number, partition: number): Promise<void> {
    const id = `tx-${producerId}`
    const fence = { lease: 'transactions/1', epoch: 1 }
    await this.metadata.raiseFence(fence)
    const [known] = await this.metadata.findTransactions([id])
    const event = { kind: 'init', producer: null, timeoutMs: 60_000, freshProducerId: producerId } as const
    if (!known) for (let count = 0; count <= epoch; count++) await this.metadata.stepTransaction(id, event, [], fence)
    const begin = { kind: 'begin', producer: { producerId, epoch } } as const
    await this.metadata.stepTransaction(id, begin, [partition], fence)
  }

  async end(
    { producerId, producerEpoch: epoch }: { producerId: number; producerEpoch: number },
    commit: boolean,
    partition: number,
  ) {
    const producer = { producerId, epoch }
    const end = { id: `tx-${producerId}`, producer, commit, markerEpoch: epoch, next: producer }
    const [outcome] = await this.log.endTransaction(end, [partition], 0)
    assert.ok(outcome!.ok)
  }

  /** Writes a manifest; `onRead` runs concurrent changes after a table was read. */
  manifest(onRead: (table: SnapshotTable) => Promise<void> = async () => {}): Promise<void> {
    const { metadata } = this
    const watched = new Proxy(metadata, {
      get(target, name) {
        if (name === 'snapshotRows')
          return async (...asked: Parameters<Metadata['snapshotRows']>) => {
            const rows = await target.snapshotRows(...asked)
            await onRead(asked[0])
            return rows
          }
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    return writeManifest(watched, this.store, Date.now() + this.#times++ - this.#times, compressInThreads)
  }

  /**
   * Writes the commit notes, as housekeeping does every few seconds: closes the log, which writes them, and reopens it.
   */
  async note(): Promise<void> {
    await this.log.close()
    await this.#openLog()
  }

  /** The values by partition, each once, in offset order. */
  async read({ partitions }: Topic, readCommitted = false): Promise<string[][]> {
    const all: string[][] = []
    for (const partition of partitions) {
      const values: string[] = []
      const [bounds] = await this.log.bounds([partition])
      for (let offset = bounds!.logStartOffset; offset < bounds!.highWatermark; ) {
        const limits = { minBytes: 0, maxWaitMs: 0, maxBytes: 1e6, readCommitted }
        const [fetched] = await this.log.fetch([{ partition, offset, maxBytes: 1e6 }], limits, signal)
        assert.equal(fetched!.error, 'NONE')
        const aborted = new Set(fetched!.aborted.map(({ producerId, firstOffset }) => `${producerId} ${firstOffset}`))
        const open = new Set<number>()
        const bytes = Buffer.concat(fetched!.records)
        if (bytes.length === 0) break
        for (let start = 0; start < bytes.length; ) {
          const header = readBatchHeader(bytes, start)!
          const batch = bytes.subarray(start, start + header.sizeBytes)
          if (header.control) open.delete(header.producerId)
          else {
            if (aborted.has(`${header.producerId} ${header.baseOffset}`)) open.add(header.producerId)
            if (!header.transactional || !open.has(header.producerId))
              values.push(...readRecords(batch).map(({ value }) => String(value)))
          }
          offset = header.baseOffset + header.lastOffsetDelta + 1
          start += header.sizeBytes
        }
      }
      all.push(values)
    }
    return all
  }

  /** Loses the database, and the process with any commits not noted, and rebuilds both from the bucket. */
  async lose() {
    const findings: BucketFinding[] = []
    const rebuilt = await rebuildMetadata({
      store: this.store,
      clusterId: 'anew',
      now: Date.now(),
      onFinding: finding => findings.push(finding),
      signal,
    })
    await this.log.close()
    await this.metadata.close()
    this.#times++
    const database = await openSqlite({ path: this.path })
    await restoreSnapshot(database, rebuilt.rows)
    await database.close()
    await this.#open()
    const { metadata, store } = this
    const world = { metadata, store, clock: systemClock, random: systemRandom, log: nullLog }
    assert.equal(await abortOpenTransactions(rebuilt.open, world), 0)
    return { findings, figures: rebuilt.figures, open: rebuilt.open, metadata }
  }

  /** Asserts that the check of the bucket finds no damage. */
  async checkSound(): Promise<void> {
    const damage: BucketFinding[] = []
    await checkBucket({
      metadata: this.metadata,
      store: this.store,
      clock: systemClock,
      onFinding: finding => {
        if (finding.severity === 'damage') damage.push(finding)
      },
      signal,
    })
    assert.deepEqual(damage, [])
  }
}

async function topicOf(metadata: Metadata, name: string): Promise<Topic> {
  const topic = (await metadata.refresh()).byName.get(name)
  assert.ok(topic)
  return topic
}
