import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { nullLog, systemClock, systemRandom } from '../../base/index.ts'
import { readBatchHeader, writeRecords } from '../../kafka/index.ts'
import { type Metadata, openSqliteMetadata, type Topic } from '../../metadata/index.ts'
import { type ObjectStore, openMemoryStore } from '../../storage/index.ts'
import { defaultBrokerConfig } from '../config.ts'
import { topicConfig } from '../topic-config.ts'
import { type BucketFigures, checkBucket } from './bucket-check.ts'
import { localLogConfig } from './config.ts'
import { openRecordLog, type RecordLog } from './record-log.ts'

const config = { ...localLogConfig, lingerMs: 1, housekeepingIntervalMs: 1e6, mergeObjects: 2, mergeSpareObjects: 0 }

describe('the check of a bucket', () => {
  let metadata: Metadata
  let store: ObjectStore
  let log: RecordLog
  let topic: Topic

  beforeEach(async () => {
    metadata = await openSqliteMetadata({ path: ':memory:', clock: systemClock, random: systemRandom })
    store = openMemoryStore()
    const [outcome] = await metadata.createTopics([{ name: 'orders', partitions: 2, configs: {} }])
    assert.ok(outcome?.ok)
    topic = outcome.value
    log = await openRecordLog({
      metadata,
      store,
      clock: systemClock,
      random: systemRandom,
      log: nullLog,
      config,
      topicConfig: of => topicConfig(of, defaultBrokerConfig),
    })
  })
  afterEach(async () => {
    await log.close()
    await metadata.close()
  })

  /** Appends a batch in a separate object; returns the object's key. */
  const put = async (index: number, ...texts: string[]): Promise<string> => {
    const records = writeRecords(
      texts.map(text => ({ value: Buffer.from(text) })),
      { timestamp: Date.now() },
    )
    const before = new Set((await store.list({ prefix: 'data/' })).map(({ key }) => key))
    const append = {
      partition: topic.partitions[index]!,
      records,
      header: readBatchHeader(records)!,
      appendTime: false,
    }
    const [outcome] = await log.append([append])
    assert.ok(outcome?.ok)
    const added = (await store.list({ prefix: 'data/' })).find(({ key }) => !before.has(key))
    assert.ok(added)
    return added.key
  }
  const findings: string[] = []
  const check = (changed: Partial<Metadata> = {}, from = store): Promise<BucketFigures> => {
    findings.length = 0
    return checkBucket({
      metadata: changedBy(metadata, changed),
      store: from,
      clock: systemClock,
      onFinding: ({ severity, where, message }) => findings.push(`${severity}: ${where}: ${message}`),
      signal: new AbortController().signal,
    })
  }

  it('finds nothing in an intact bucket, and counts what it read', async () => {
    await put(0, 'a', 'b')
    await put(0, 'c')
    await put(1, 'd')
    const figures = await check()
    assert.deepEqual(findings, [])
    const { partitions, offsets, extents, objects } = figures
    assert.deepEqual({ partitions, offsets, extents, objects }, { partitions: 2, offsets: 4, extents: 3, objects: 3 })
  })

  it('finds nothing wrong after merging and after records were deleted', async () => {
    for (const text of ['a', 'b', 'c', 'd']) await put(0, text)
    await log.runMaintenance()
    await log.deleteBefore([{ partition: topic.partitions[0]!, offset: 3 }])
    const { offsets } = await check()
    assert.deepEqual([findings, offsets], [[], 1])
  })

  it('finds an object that is missing', async () => {
    await put(0, 'a')
    const key = await put(0, 'b', 'c')
    await store.delete([key])
    await check()
    assert.deepEqual(findings, [`damage: ${key}: orders/0: the object with the offsets 1 to 2 is missing`])
  })

  it('finds a truncated object', async () => {
    const key = await put(1, 'a')
    const body = await store.get(key)
    await store.put(key, [body.subarray(0, recordBytes(body) - 1)])
    await check()
    assert.deepEqual(findings, [`damage: ${key}: orders/1: the object ends before the offsets 0 to 0`])
  })

  it('reads the records of deleted topics that can be restored, and counts their objects as known', async () => {
    const key = await put(0, 'a')
    const topic = (await metadata.refresh()).byName.get('orders')!
    await metadata.deleteTopics([topic.id], 1_000_000)
    const figures = await check()
    assert.deepEqual([findings, figures.partitions, figures.offsets], [[], 2, 1])
    const body = Buffer.from(await store.get(key))
    body[recordBytes(body) - 1]! ^= 1
    await store.put(key, [body])
    await check()
    const [finding] = findings
    assert.equal(finding, `damage: ${key}: orders/0 (deleted): the batch of offset 0 at byte 0 has a wrong checksum`)
    findings.length = 0
    await store.delete([key])
    await check()
    assert.deepEqual(findings, [`damage: ${key}: orders/0 (deleted): the object with the offsets 0 to 0 is missing`])
  })

  it('finds a batch with a flipped bit', async () => {
    const key = await put(0, 'a')
    const body = Buffer.from(await store.get(key))
    body[recordBytes(body) - 1]! ^= 1
    await store.put(key, [body])
    await check()
    assert.deepEqual(findings, [`damage: ${key}: orders/0: the batch of offset 0 at byte 0 has a wrong checksum`])
  })

  it('finds bytes that are not a batch', async () => {
    const key = await put(0, 'a')
    const { length } = await store.get(key)
    await store.put(key, [Buffer.alloc(length)])
    await check()
    assert.deepEqual(findings, [
      `damage: ${key}: orders/0: there is no record batch at byte 0, where offset 0 should be`,
    ])
  })

  it('finds offsets that are in no object, and continues after them', async () => {
    const keys = [await put(0, 'a'), await put(0, 'b'), await put(0, 'c')]
    await store.delete([keys[2]!])
    const without: Metadata['findExtents'] = async queries =>
      (await metadata.findExtents(queries)).map(
        answer => answer && { ...answer, extents: answer.extents.filter(({ key }) => key !== keys[1]) },
      )
    await check({ findExtents: without })
    assert.deepEqual(findings, [
      'damage: orders/0: no object contains the offsets 1 to 1',
      `damage: ${keys[2]}: orders/0: the object with the offsets 2 to 2 is missing`,
    ])
  })

  it('finds a partition that ends before its high watermark', async () => {
    await put(0, 'a', 'b')
    const nothing: Metadata['findExtents'] = async queries =>
      (await metadata.findExtents(queries)).map(answer => answer && { ...answer, extents: [] })
    await check({ findExtents: nothing })
    assert.deepEqual(findings, ['damage: orders/0: no object contains the offsets 0 to 1'])
  })

  it('lists objects unknown to the metadata', async () => {
    await put(0, 'a')
    await store.put('data/99/0000000000', [Buffer.from('x')])
    await check()
    assert.equal(findings.length, 1)
    assert.match(findings[0]!, /^note: data\/99\/0000000000: the metadata does not contain this object/)
  })

  it('finds records of a transaction that will never be ended', async () => {
    await put(0, 'a')
    const producer = { producerId: 7, epoch: 0, lastSequence: 0, updatedAt: 0, transactionStart: 0 }
    await check({ activeProducers: async partitions => partitions.map((_, index) => (index === 1 ? [producer] : [])) })
    assert.equal(findings.length, 1)
    assert.match(findings[0]!, /^damage: orders\/1: producer 7 has had a transaction open since offset 0 that/)
  })

  it('does not report objects that were merged during the check', async () => {
    const key = await put(0, 'a')
    await put(0, 'b')
    let merges = 1
    // The merge must happen between two reads of the check, which cannot be forced with the real store.
    const merging: ObjectStore = {
      ...store,
      async get(...args) {
        if (merges-- > 0) {
          await log.runMaintenance()
          await store.delete([key])
        }
        return store.get(...args)
      },
    }
    const { offsets } = await check({}, merging)
    assert.deepEqual([findings, offsets], [[], 2])
    await assert.rejects(store.get(key), { code: 'not_found' })
  })

  it('does not mistake an unreachable store for one that has lost its objects', async () => {
    await put(0, 'a')
    const error = Object.assign(new Error('no route'), { code: 'unavailable' })
    await assert.rejects(check({}, { ...store, get: () => Promise.reject(error) }), { code: 'unavailable' })
    assert.deepEqual(findings, [])
  })
})

function changedBy(metadata: Metadata, changed: Partial<Metadata>): Metadata {
  return new Proxy(metadata, {
    get(target, name) {
      const member: unknown = Reflect.get(changed, name) ?? Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

/** The number of bytes before the self-description of an object with one batch. */
function recordBytes(body: Buffer): number {
  return readBatchHeader(body)!.sizeBytes
}
