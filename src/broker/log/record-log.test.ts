import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type Clock, nullLog, systemClock, systemRandom } from '../../base/index.ts'
import { batchCrcFits, readBatchHeader, readRecords, writeRecords } from '../../kafka/index.ts'
import { type Metadata, openSqliteMetadata, type Topic } from '../../metadata/index.ts'
import { type ObjectStore, openMemoryStore, StorageError } from '../../storage/index.ts'
import { defaultBrokerConfig } from '../config.ts'
import { topicConfig } from '../topic-config.ts'
import { type LogConfig, localLogConfig } from './config.ts'
import type { Append } from './flush-buffer.ts'
import { openRecordLog, type RecordLog } from './record-log.ts'
import { until } from '../../base/until.suite.ts'

const signal = new AbortController().signal
const config: LogConfig = { ...localLogConfig, lingerMs: 1, uploadRetryBackoffMs: 1, housekeepingIntervalMs: 1e6 }

describe('the log', () => {
  let metadata: Metadata
  let store: ObjectStore
  /** Called before each put of an object with records; may throw or wait. */
  let onPut: (key: string) => Promise<void> | void
  let reads: number
  let log: RecordLog
  let topic: Topic

  const open = (changes: Partial<LogConfig> = {}, clock: Clock = systemClock) =>
    openRecordLog({
      metadata,
      store,
      clock,
      random: systemRandom,
      log: nullLog,
      config: { ...config, ...changes },
      topicConfig: of => topicConfig(of, defaultBrokerConfig),
    })

  beforeEach(async () => {
    metadata = await openSqliteMetadata({ path: ':memory:', clock: systemClock, random: systemRandom })
    const memory = openMemoryStore()
    onPut = () => {}
    reads = 0
    store = {
      ...memory,
      async put(key, body, ...rest) {
        if (key.startsWith('data/')) await onPut(key)
        return memory.put(key, body, ...rest)
      },
      get(...args) {
        reads++
        return memory.get(...args)
      },
    }
    topic = await createTopic('one', 3)
    log = await open()
  })
  afterEach(async () => {
    await log.close()
    await metadata.close()
  })

  /** The objects with records. */
  const objects = () => store.list({ prefix: 'data/' })

  async function createTopic(name: string, partitions: number, configs = {}): Promise<Topic> {
    const [outcome] = await metadata.createTopics([{ name, partitions, configs }])
    assert.ok(outcome?.ok)
    return outcome.value
  }
  const partition = (index: number) => topic.partitions[index]!
  const fetch = (index: number, offset: number, limits = {}, maxBytes = 1e6, of = log) =>
    of.fetch([{ partition: partition(index), offset, maxBytes }], { ...NOW, ...limits }, signal)
  const values = async (index: number, offset = 0, of = log) =>
    valuesOf((await fetch(index, offset, {}, 1e6, of))[0]!.records)
  const put = async (index: number, ...texts: string[]) => {
    const [outcome] = await log.append([batch(partition(index), texts)])
    assert.ok(outcome?.ok)
    return outcome.baseOffset
  }
  /** Reopens the log, which then sees the data as a freshly started process does. */
  const reopened = async () => {
    await log.close()
    log = await open()
  }

  describe('appending', () => {
    it('assigns dense offsets, and appended records can be read immediately', async () => {
      assert.deepEqual([await put(0, 'a', 'b'), await put(0, 'c'), await put(1, 'd')], [0, 2, 0])
      assert.deepEqual(await values(0), ['a', 'b', 'c'])
      assert.deepEqual(await values(0, 2), ['c'])
      assert.deepEqual(await values(1), ['d'])
    })

    it('keeps the order of appends issued without waiting', async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 200 }, (_, index) => log.append([batch(partition(index % 3), [`${index}`])])),
      )
      assert.deepEqual(
        outcomes.map(([outcome]) => outcome?.ok && outcome.baseOffset),
        Array.from({ length: 200 }, (_, index) => Math.floor(index / 3)),
      )
      assert.deepEqual(
        await values(1),
        Array.from({ length: 67 }, (_, index) => `${index * 3 + 1}`),
      )
    })

    it('writes concurrent appends into one object', async () => {
      await log.close()
      log = await open({ lingerMs: 50 })
      await Promise.all(Array.from({ length: 50 }, (_, index) => log.append([batch(partition(index % 3), ['x'])])))
      assert.equal((await objects()).length, 1)
    })

    // With a linger of an hour, a test that waits for it does not end.
    it('does not delay a request when no others are in flight', { timeout: 30_000 }, async () => {
      await log.close()
      log = await open({ lingerMs: 3_600_000, maxLingerMs: 3_600_000 })
      for (const text of ['a', 'b', 'c']) await put(0, text)
      assert.equal((await objects()).length, 3)
    })

    it('waits for as many requests as it answered last, or half of them if they are large', {
      timeout: 30_000,
    }, async () => {
      await log.close()
      log = await open({ lingerMs: 3_600_000, maxLingerMs: 3_600_000, overlapBytes: 2000 })
      const send = (count: number) => Array.from({ length: count }, () => log.append([batch(partition(0), ['x'])]))
      await Promise.all(send(5))
      const early = send(4)
      // Lets everything run that is due at this moment.
      await new Promise(resolve => setImmediate(resolve))
      assert.equal((await objects()).length, 1)
      await Promise.all([...early, ...send(1)])
      await Promise.all([log.append([batch(partition(0), ['x'.repeat(2000)])]), ...send(2)])
      assert.equal((await objects()).length, 3)
    })

    it('flushes a full buffer without waiting for more requests', async () => {
      await log.close()
      log = await open({ lingerMs: 60_000, flushBytes: 1000 })
      const outcomes = await log.append([batch(partition(0), ['x'.repeat(1000)])])
      assert.equal(outcomes[0]?.ok, true)
    })

    it('writes several objects concurrently and commits them in order', async () => {
      await log.close()
      log = await open({ lingerMs: 0, overlapBytes: 1 })
      const puts: (() => void)[] = []
      onPut = () => new Promise(resolve => puts.push(resolve))
      const first = log.append([batch(partition(0), ['a'])])
      await until(() => puts.length === 1)
      const second = log.append([batch(partition(0), ['b'])])
      await until(() => puts.length === 2)
      puts[1]!()
      assert.equal(await Promise.race([second.then(() => 'answered'), settle()]), 'not yet')
      puts[0]!()
      assert.deepEqual(
        (await Promise.all([first, second])).map(([outcome]) => outcome?.ok && outcome.baseOffset),
        [0, 1],
      )
    })

    it('retries a failed write', async () => {
      let failures = 2
      onPut = () => {
        if (failures-- > 0) throw new StorageError('unavailable', 'not now')
      }
      assert.equal(await put(0, 'a'), 0)
    })

    it('never acknowledges records that it failed to write, and keeps serving', async () => {
      onPut = () => {
        throw new StorageError('failed', 'the disk is gone')
      }
      const outcomes = await log.append([batch(partition(0), ['a'])])
      assert.deepEqual(outcomes, [{ ok: false, code: 'KAFKA_STORAGE_ERROR', logStartOffset: -1 }])
      onPut = () => {}
      assert.equal(await put(0, 'b'), 0)
      assert.deepEqual(await values(0), ['b'])
    })

    it('rejects later batches of a producer after an earlier one was lost', async () => {
      await log.close()
      log = await open({ lingerMs: 0, overlapBytes: 1, uploadRetries: 0 })
      const puts: ((error?: Error) => void)[] = []
      onPut = () => new Promise((resolve, reject) => puts.push(error => (error ? reject(error) : resolve())))
      const first = log.append([batch(partition(0), ['a'], { producerId: 7, producerEpoch: 0, baseSequence: 0 })])
      await until(() => puts.length === 1)
      const second = log.append([
        batch(partition(0), ['b'], { producerId: 7, producerEpoch: 0, baseSequence: 1 }),
        batch(partition(0), ['other']),
      ])
      await until(() => puts.length === 2)
      puts[1]!()
      puts[0]!(new StorageError('failed', 'lost'))
      assert.deepEqual(
        (await Promise.all([first, second])).flat().map(outcome => (outcome.ok ? outcome.baseOffset : outcome.code)),
        ['KAFKA_STORAGE_ERROR', 'KAFKA_STORAGE_ERROR', 0],
      )
      onPut = () => {}
      const again = await log.append([batch(partition(0), ['a'], { producerId: 7, producerEpoch: 0, baseSequence: 0 })])
      assert.equal(again[0]?.ok, true)
      assert.deepEqual(await values(0), ['other', 'a'])
    })

    it('acknowledges a duplicate with its original offset and stores it once', async () => {
      const once = batch(partition(0), ['a', 'b'], { producerId: 7, producerEpoch: 0, baseSequence: 0 })
      await log.append([once])
      await put(0, 'c')
      const [outcome] = await log.append([once])
      assert.deepEqual(outcome?.ok && [outcome.baseOffset, outcome.duplicate], [0, true])
      assert.deepEqual(await values(0), ['a', 'b', 'c'])
    })

    it('opens a new upload epoch when its own was closed', async () => {
      await metadata.closedEpochs(-1)
      const [refused] = await log.append([batch(partition(0), ['a'])])
      assert.equal(refused?.ok, false)
      assert.deepEqual(await objects(), [])
      assert.equal(await put(0, 'b'), 0)
    })

    it('rejects appends while too many bytes are buffered', async () => {
      await log.close()
      log = await open({ maxBufferedBytes: 100 })
      // Independent of when the write begins, which may be late on a busy machine.
      const { promise: released, resolve: release } = Promise.withResolvers<void>()
      onPut = () => released
      const first = log.append([batch(partition(0), ['x'.repeat(200)])])
      const [refused] = await log.append([batch(partition(0), ['y'])])
      assert.deepEqual(refused, { ok: false, code: 'KAFKA_STORAGE_ERROR', logStartOffset: -1 })
      release()
      assert.equal((await first)[0]?.ok, true)
      assert.equal(log.bufferedBytes, 0)
    })

    it('rejects an append to a partition that was deleted in the meantime', async () => {
      const gone = partition(0)
      await metadata.deleteTopics([topic.id], null)
      const [outcome] = await log.append([batch(gone, ['a'])])
      assert.deepEqual(outcome, { ok: false, code: 'UNKNOWN_TOPIC_OR_PARTITION', logStartOffset: -1 })
    })

    it('finishes accepted appends before it closes', async () => {
      const outcome = log.append([batch(partition(0), ['a'])])
      await log.close()
      assert.equal((await outcome)[0]?.ok, true)
      assert.equal((await log.append([batch(partition(0), ['b'])]))[0]?.ok, false)
      log = await open()
    })
  })

  describe('fetching', () => {
    it('reads the end of a log from memory, and the rest from the store', async () => {
      for (const text of ['a', 'b', 'c']) await put(0, text)
      assert.deepEqual(await values(0, 1), ['b', 'c'])
      assert.equal(reads, 0)
      await reopened()
      assert.deepEqual(await values(0, 1), ['b', 'c'])
      assert.equal(reads, 2)
      assert.deepEqual(await values(0, 1), ['b', 'c'])
      assert.equal(reads, 2)
    })

    it('prefetches the next object once for lagging consumers, and not at the log end', async () => {
      for (const text of ['a', 'b', 'c', 'd']) await put(0, text)
      await reopened()
      const first = await fetch(0, 0, {}, 1)
      assert.deepEqual(valuesOf(first[0]!.records), ['a'])
      await settle()
      assert.equal(reads, 2, 'with the next one')
      assert.deepEqual(valuesOf((await fetch(0, 1, {}, 1))[0]!.records), ['b'])
      await settle()
      assert.equal(reads, 3)
      assert.deepEqual(await values(0, 2), ['c', 'd'])
      assert.equal(reads, 4)
      await put(0, 'e')
      assert.deepEqual(await values(0, 4), ['e'])
      assert.equal(reads, 4)
    })

    it('reports a failed prefetch only to the fetch that needs the object', async () => {
      for (const text of ['a', 'b']) await put(0, text)
      const second = (await objects())[1]!
      await reopened()
      await store.delete([second.key])
      assert.deepEqual(valuesOf((await fetch(0, 0, {}, 1))[0]!.records), ['a'])
      await settle()
      assert.equal((await fetch(0, 1, {}, 1))[0]?.error, 'KAFKA_STORAGE_ERROR')
    })

    it('reads adjacent partitions of an object with one request', async () => {
      await log.append([0, 1, 2].map(index => batch(partition(index), [`${index}`])))
      await reopened()
      const queries = topic.partitions.map(id => ({ partition: id, offset: 0, maxBytes: 1000 }))
      const fetched = await log.fetch(queries, NOW, signal)
      assert.deepEqual(
        fetched.map(({ records }) => valuesOf(records)),
        [['0'], ['1'], ['2']],
      )
      assert.equal(reads, 1)
    })

    it('returns whole batches with correct offsets and checksums, from memory and from the store', async () => {
      await Promise.all([log.append([batch(partition(0), ['a', 'b'])]), log.append([batch(partition(0), ['c'])])])
      await put(0, 'd')
      for (const round of ['memory', 'store']) {
        const [fetched] = await fetch(0, 0)
        const batches = batchesOf(fetched!.records)
        assert.deepEqual(
          batches.map(one => readBatchHeader(one)!.baseOffset),
          [0, 2, 3],
          round,
        )
        assert.ok(batches.every(one => batchCrcFits(one)))
        await reopened()
      }
    })

    it('returns the whole batch that contains the offset', async () => {
      await put(0, 'a', 'b', 'c')
      await Promise.all([log.append([batch(partition(0), ['d', 'e'])]), log.append([batch(partition(0), ['f', 'g'])])])
      const firsts = []
      for (const offset of [0, 2, 3, 4, 5, 6]) firsts.push((await values(0, offset))[0])
      assert.deepEqual(firsts, ['a', 'a', 'd', 'd', 'f', 'f'])
    })

    it('respects its size limits after the first batch', async () => {
      const text = 'x'.repeat(1000)
      for (let round = 0; round < 5; round++) await put(0, text)
      await Promise.all(Array.from({ length: 5 }, () => log.append([batch(partition(0), [text])])))
      const count = async (offset: number, limits = {}, maxBytes = 1e6) =>
        valuesOf((await fetch(0, offset, limits, maxBytes))[0]!.records).length
      assert.equal(await count(0, {}, 1), 1)
      assert.equal(await count(0, { maxBytes: 1 }), 1)
      assert.equal(await count(0, {}, 3500), 3)
      assert.equal(await count(0, { maxBytes: 7800 }), 7)
      assert.equal(await count(6, { maxBytes: 2300 }), 2)
      assert.equal(await count(0), 10)
    })

    it('exceeds the size limit for one batch per request, not per partition', async () => {
      for (const index of [0, 1]) await put(index, 'x'.repeat(1000))
      const order = async (...indexes: number[]) => {
        const queries = indexes.map(index => ({ partition: partition(index), offset: 0, maxBytes: 1 }))
        const fetched = await log.fetch(queries, { ...NOW, maxBytes: 10 }, signal)
        return fetched.map(({ sizeBytes }) => sizeBytes > 0)
      }
      assert.deepEqual(await order(0, 1), [true, false])
      assert.deepEqual(await order(1, 0), [true, false])
      assert.deepEqual(await order(2, 0, 1), [false, true, false])
    })

    it('reports offsets out of range and unknown partitions', async () => {
      await put(0, 'a', 'b')
      const error = async (offset: number) => (await fetch(0, offset))[0]?.error
      assert.deepEqual(
        [await error(-1), await error(2), await error(3)],
        ['OFFSET_OUT_OF_RANGE', 'NONE', 'OFFSET_OUT_OF_RANGE'],
      )
      const [unknown] = await log.fetch([{ partition: 999, offset: 0, maxBytes: 1 }], NOW, signal)
      assert.equal(unknown?.error, 'UNKNOWN_TOPIC_OR_PARTITION')
    })

    it('serves nothing below the log start offset', async () => {
      await put(0, 'a', 'b', 'c')
      await put(0, 'd')
      await log.deleteBefore([{ partition: partition(0), offset: 2 }])
      assert.equal((await fetch(0, 1))[0]?.error, 'OFFSET_OUT_OF_RANGE')
      const [fetched] = await fetch(0, 2)
      assert.equal(fetched?.bounds.logStartOffset, 2)
      assert.deepEqual(valuesOf(fetched!.records), ['a', 'b', 'c', 'd'])
    })

    it('waits until minBytes are available', async () => {
      await put(0, 'a')
      const waiting = fetch(0, 0, { maxWaitMs: 10_000, minBytes: 200 })
      assert.equal(await Promise.race([waiting.then(() => 'answered'), settle()]), 'not yet')
      await put(0, 'b')
      await put(0, 'c'.repeat(200))
      assert.equal(valuesOf((await waiting)[0]!.records).length, 3)
    })

    it('does not wait for more bytes than the response may hold', async () => {
      await put(0, 'a')
      await put(0, 'b')
      const wanted = { minBytes: 1e9, maxWaitMs: 60_000, maxBytes: 10 }
      assert.deepEqual(valuesOf((await fetch(0, 0, wanted))[0]!.records), ['a'])
    })

    it('waits no longer than maxWaitMs, and not for an aborted connection', async () => {
      const [fetched] = await fetch(0, 0, { maxWaitMs: 50 })
      assert.equal(fetched?.sizeBytes, 0)
      const connection = new AbortController()
      const query = { partition: partition(0), offset: 0, maxBytes: 1 }
      const aborted = log.fetch([query], { ...NOW, maxWaitMs: 60_000 }, connection.signal)
      await settle()
      connection.abort()
      await aborted
    })

    it('does not wait when a partition has an error', async () => {
      const queries = [0, 1].map(index => ({ partition: partition(index), offset: index, maxBytes: 1 }))
      const fetched = await log.fetch(queries, { ...NOW, maxWaitMs: 60_000 }, signal)
      assert.deepEqual(
        fetched.map(({ error }) => error),
        ['NONE', 'OFFSET_OUT_OF_RANGE'],
      )
    })

    it('ends pending fetches when it closes', async () => {
      const waiting = fetch(0, 0, { maxWaitMs: 60_000 })
      await settle()
      await log.close()
      await waiting
      log = await open()
    })

    it('reports a storage error when an object is missing', async () => {
      await put(0, 'a')
      await reopened()
      await store.delete((await objects()).map(({ key }) => key))
      assert.equal((await fetch(0, 0))[0]?.error, 'KAFKA_STORAGE_ERROR')
    })

    it('reads the other partitions when an object of one is missing', async () => {
      await put(0, 'lost')
      const [object] = await objects()
      await put(1, 'there')
      await store.delete([object!.key])
      await reopened()
      const queries = [0, 1].map(index => ({ partition: partition(index), offset: 0, maxBytes: 1e6 }))
      const [lost, there] = await log.fetch(queries, NOW, signal)
      assert.equal(lost!.error, 'KAFKA_STORAGE_ERROR')
      assert.deepEqual([there!.error, valuesOf(there!.records)], ['NONE', ['there']])
    })

    it('reports a damaged batch instead of serving it, and still serves everything else', async () => {
      await put(0, 'sound')
      const [sound] = await objects()
      await put(0, 'damaged')
      const damaged = (await objects()).find(({ key }) => key !== sound!.key)!
      await put(1, 'there')
      const whole = await store.get(damaged.key)
      const queries = [0, 1].map(index => ({ partition: partition(index), offset: 1 - index, maxBytes: 1e6 }))
      // Corrupts the batch's length, its checksum, its records.
      for (const at of [8, 17, 63]) {
        const bytes = Buffer.from(whole)
        bytes[at]! ^= 1
        await store.delete([damaged.key])
        await store.put(damaged.key, [bytes])
        await reopened()
        const [lost, there] = await log.fetch(queries, NOW, signal)
        assert.deepEqual([lost!.error, lost!.records], ['CORRUPT_MESSAGE', []], `byte ${at}`)
        assert.deepEqual([there!.error, valuesOf(there!.records)], ['NONE', ['there']])
        assert.deepEqual(await values(0), ['sound'])
      }
      await store.delete([damaged.key])
      await store.put(damaged.key, [whole])
      assert.deepEqual(await values(0), ['sound', 'damaged'])
    })

    it('sees what another process appended', async () => {
      const other = await open()
      await put(0, 'a')
      await other.append([batch(partition(0), ['b'])])
      await put(0, 'c')
      assert.deepEqual(await values(0), ['a', 'b', 'c'])
      assert.deepEqual(await values(0, 0, other), ['a', 'b', 'c'])
      await other.close()
    })

    it('does not report an offset that another process has just appended as out of range', async t => {
      // The notification of the other process's append has not arrived yet.
      t.mock.method(metadata, 'onAppend', () => () => {})
      const behind = await open()
      t.after(() => behind.close())
      await put(0, 'a')
      assert.deepEqual(await values(0, 0, behind), ['a'])
      await put(0, 'b')
      await put(0, 'c')
      assert.deepEqual(await values(0, 2, behind), ['c'])
    })
  })

  describe('LogAppendTime', () => {
    it('stamps all records with the commit time, even compressed ones, and fixes the checksums', async () => {
      for (const codec of [0, 1, 4]) {
        const before = Date.now()
        const [outcome] = await log.append([{ ...batch(partition(0), ['a', 'b'], { codec }), appendTime: true }])
        assert.ok(outcome?.ok && outcome.appendTimestamp >= before)
        for (const round of ['memory', 'store']) {
          const [one] = batchesOf((await fetch(0, outcome.baseOffset))[0]!.records)
          assert.ok(batchCrcFits(one!), round)
          assert.deepEqual(
            readRecords(one!).map(({ timestamp }) => timestamp),
            [outcome.appendTimestamp, outcome.appendTimestamp],
          )
          await reopened()
        }
      }
    })
  })

  describe('looking up timestamps', () => {
    const at = (texts: string[], times: number[], codec = 0): Append => {
      const records = texts.map((text, index) => ({ value: Buffer.from(text), timestamp: times[index]! }))
      return appendOf(partition(0), writeRecords(records, { timestamp: 0, codec }))
    }

    it('finds the first record at or after a timestamp, inside batches and where timestamps are out of order', async () => {
      await log.append([at(['a', 'b', 'c'], [100, 300, 200], 1)])
      await log.append([at(['d'], [50])])
      await log.append([at(['e', 'f'], [250, 400], 4)])
      const since = async (timestamp: number, from = 0, end = 6) =>
        (await log.firstSince(partition(0), timestamp, from, end))?.offset
      assert.deepEqual(
        [await since(0), await since(100), await since(101), await since(301), await since(401)],
        [0, 0, 1, 5, undefined],
      )
      assert.deepEqual([await since(300, 2), await since(301, 0, 5), await since(60, 3)], [5, undefined, 4])
    })

    it('finds the largest timestamp', async () => {
      const latest = async (from = 0, end = 6) => {
        const found = await log.latest(partition(0), from, end)
        return found && [found.offset, found.timestamp]
      }
      assert.equal(await latest(0, 0), undefined)
      await log.append([at(['a', 'b', 'c'], [100, 500, 200], 1)])
      await log.append([at(['d'], [50])])
      await log.append([at(['e', 'f'], [250, 400], 4)])
      assert.deepEqual(
        [await latest(), await latest(2), await latest(0, 1)],
        [
          [1, 500],
          [5, 400],
          [0, 100],
        ],
      )
    })
  })

  describe('housekeeping', () => {
    it('removes records past their retention, then deletes their objects', async () => {
      topic = await createTopic('short', 1, { 'retention.ms': '1000' })
      await log.close()
      log = await open({ deadObjectGraceMs: 0 })
      await log.append([
        appendOf(partition(0), writeRecords([{ value: Buffer.from('old'), timestamp: 5 }], { timestamp: 5 })),
      ])
      await log.append([batch(partition(0), ['young'])])
      await log.runMaintenance()
      assert.equal((await objects()).length, 1)
      assert.equal((await fetch(0, 0))[0]?.error, 'OFFSET_OUT_OF_RANGE')
      assert.deepEqual(await values(0, 1), ['young'])
    })

    it('merges small objects without changing what is read', async () => {
      await log.close()
      log = await open({ mergeObjects: 4, mergeSpareObjects: 0, deadObjectGraceMs: 0 })
      const texts = Array.from({ length: 10 }, (_, index) => `${index}`)
      for (const text of texts) {
        const timed = { ...batch(partition(1), [text]), appendTime: true }
        await log.append([batch(partition(0), [text]), timed])
      }
      const before = await fetch(1, 0)
      await log.runMaintenance()
      assert.equal((await objects()).length, 1)
      for (const round of ['the same', 'another']) {
        assert.deepEqual(await values(0), texts, `${round} process`)
        assert.deepEqual(await values(1, 7), ['7', '8', '9'])
        const [after] = await fetch(1, 0)
        assert.deepEqual(Buffer.concat(after!.records), Buffer.concat(before[0]!.records))
        await reopened()
      }
      const [answer] = await metadata.findExtents([
        { partition: partition(1), offset: 0, maxBytes: 1e6, withAborted: true },
      ])
      assert.equal(answer?.extents.length, 1)
      assert.equal((await log.firstSince(partition(0), 0, 5, 10))?.offset, 5)
    })

    it('merges only if that leaves room for records', async () => {
      await log.close()
      let isShort = true
      const { put: putAnyway } = store
      store.put = async (key, body, options, ...rest) => {
        if (isShort && options?.purpose === 'deferrable') throw new StorageError('full', 'no room')
        return putAnyway(key, body, options, ...rest)
      }
      log = await open({ mergeObjects: 4, mergeSpareObjects: 0, deadObjectGraceMs: 0 })
      for (const text of ['a', 'b', 'c', 'd']) await put(0, text)
      await log.runMaintenance()
      assert.equal((await objects()).length, 4)
      isShort = false
      await log.runMaintenance()
      assert.equal((await objects()).length, 1)
      assert.deepEqual(await values(0), ['a', 'b', 'c', 'd'])
    })

    it('merges intact objects and skips damaged and missing ones', async () => {
      await log.close()
      log = await open({ mergeObjects: 4, mergeSpareObjects: 0, deadObjectGraceMs: 0 })
      const keys: string[] = []
      for (let number = 0; number < 10; number++) {
        await put(0, `${number}`)
        keys.push((await objects()).map(({ key }) => key).find(key => !keys.includes(key))!)
      }
      const [damaged, gone] = [keys[3]!, keys[6]!]
      const bytes = Buffer.from(await store.get(damaged))
      bytes[63]! ^= 1
      await store.delete([damaged, gone])
      await store.put(damaged, [bytes])
      await reopened()
      await log.close()
      const told: string[] = []
      log = await openRecordLog({
        metadata,
        store,
        clock: systemClock,
        random: systemRandom,
        log: { ...nullLog, error: (_message, fields) => void told.push(String(fields?.['key'])) },
        config: { ...config, mergeObjects: 4, mergeSpareObjects: 0, deadObjectGraceMs: 0 },
        topicConfig: of => topicConfig(of, defaultBrokerConfig),
      })
      for (let round = 0; round < 3; round++) await log.runMaintenance()
      assert.deepEqual(told.toSorted(), [damaged, gone].toSorted(), 'each of them is logged once')
      const left = (await objects()).map(({ key }) => key)
      assert.equal(left.length, 2)
      assert.ok(left.includes(damaged))
      assert.deepEqual(await values(0), ['0', '1', '2'])
      assert.equal((await fetch(0, 3))[0]?.error, 'CORRUPT_MESSAGE')
      assert.deepEqual(await values(0, 4), ['4', '5'])
      assert.equal((await fetch(0, 6))[0]?.error, 'KAFKA_STORAGE_ERROR')
      assert.deepEqual(await values(0, 7), ['7', '8', '9'])
    })

    it('rewrites mostly deleted objects to reclaim their space', async () => {
      const large = await createTopic('large', 1)
      await log.close()
      log = await open({ deadObjectGraceMs: 0 })
      await log.append([batch(large.partitions[0]!, ['x'.repeat(5000)]), batch(partition(0), ['kept', 'too'])])
      await metadata.deleteTopics([large.id], null)
      await log.runMaintenance()
      const [object, ...others] = await objects()
      assert.deepEqual(others, [])
      assert.ok(object!.sizeBytes < 1000, `${object!.sizeBytes} bytes are left`)
      await reopened()
      assert.deepEqual(await values(0), ['kept', 'too'])
    })

    it('only reports what it would delete in a dry run', async () => {
      await put(0, 'a')
      const epoch = (await objects())[0]!.key.split('/')[1]
      await store.put(`data/${epoch}/0000009999`, [Buffer.from('orphan')])
      await metadata.deleteTopics([topic.id], null)
      await log.close()
      const reported: string[] = []
      const changes = { deadObjectGraceMs: 0, deletesObjects: false }
      log = await openRecordLog({
        metadata,
        store,
        clock: systemClock,
        random: systemRandom,
        log: { ...nullLog, warn: (_message, fields) => void reported.push(String(fields?.['key'])) },
        config: { ...config, ...changes },
        topicConfig: of => topicConfig(of, defaultBrokerConfig),
      })
      await log.runMaintenance()
      await log.runMaintenance()
      assert.deepEqual(reported.toSorted(), [`data/${epoch}/0000000000`, `data/${epoch}/0000009999`])
      assert.equal((await objects()).length, 2)
      await log.close()
      log = await open({ deadObjectGraceMs: 0 })
      await log.runMaintenance()
      assert.deepEqual(await objects(), [])
    })

    it('keeps deleted topics for a while, but not when the disk is nearly full', async () => {
      await put(0, 'a')
      await metadata.deleteTopics([topic.id], 1e6)
      await log.close()
      log = await open({ deadObjectGraceMs: 0 })
      const capacity = { totalBytes: 100, usableBytes: 30 }
      store.capacity = async () => capacity
      await log.runMaintenance()
      assert.equal((await metadata.deletedTopics()).length, 1)
      assert.equal((await objects()).length, 1)
      capacity.usableBytes = 20
      await log.runMaintenance()
      assert.deepEqual(await metadata.deletedTopics(), [])
      assert.deepEqual(await objects(), [])
    })

    it('deletes uncommitted objects once their upload epoch is closed', async () => {
      await put(0, 'a')
      const epoch = (await objects())[0]!.key.split('/')[1]
      await store.put(`data/${epoch}/0000009999`, [Buffer.from('orphan')])
      await log.runMaintenance()
      assert.equal((await objects()).length, 2)
      await reopened()
      await log.runMaintenance()
      assert.equal((await objects()).length, 1)
      assert.deepEqual(await values(0), ['a'])
    })
  })

  describe('housekeeping of a process without jobs', () => {
    it('deletes, merges and compacts nothing, and keeps its upload epoch open', async () => {
      topic = await createTopic('short', 1, {
        'cleanup.policy': 'compact,delete',
        'retention.ms': '3600000',
        'min.cleanable.dirty.ratio': '0',
      })
      await log.append([keyed(partition(0), 5), keyed(partition(0), 5)])
      const left = (await objects())[0]!.key.split('/')[1]
      await store.put(`data/${left}/0000009999`, [Buffer.from('orphan')])
      await log.close()
      const rules = { mergeObjects: 2, mergeSpareObjects: 0, deadObjectGraceMs: 0, producerExpiryMs: 0 }
      log = await open({ ...rules, runsJobs: false })
      await log.append([keyed(partition(0), Date.now())])
      const own = (await objects()).at(-1)!.key.split('/')[1]
      const before = await objects()
      await log.runMaintenance()
      assert.deepEqual(await objects(), before)
      assert.deepEqual(await metadata.cleanedUntil([partition(0)]), [0])
      assert.equal((await metadata.bounds([partition(0)]))[0]?.logStartOffset, 0)
      // An epoch that was not renewed is closed by any process with jobs.
      assert.deepEqual((await metadata.closedEpochs(60_000)).map(String), [left])
      assert.notEqual(own, left)
      await log.close()
      log = await open({ ...rules, runsJobs: true })
      // What one round replaces is deleted by the next.
      await log.runMaintenance()
      await log.runMaintenance()
      assert.equal((await objects()).length, 1)
      assert.equal((await metadata.bounds([partition(0)]))[0]?.logStartOffset, 2)
    })
  })

  it('pauses a compaction after every few milliseconds of work, to let other requests in', async () => {
    topic = await createTopic('compacted', 1, { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0' })
    for (const timestamp of [1, 2, 3]) await log.append([keyed(partition(0), timestamp)])
    await log.close()
    let [time, pauses] = [0, 0]
    // Looking at the clock takes as long as a slice of work may. Longer pauses are those of loops in the background.
    const monotonic = () => (time += 5)
    const sleep: Clock['sleep'] = async (ms, of) => void (ms < 1000 ? pauses++ : await systemClock.sleep(ms, of))
    log = await open({}, { ...systemClock, monotonic, sleep })
    await log.runMaintenance()
    // Each batch is read for its keys, and again to be rewritten.
    assert.equal(pauses, 6)
    assert.deepEqual(await metadata.cleanedUntil([partition(0)]), [3])
  })

  it('assigns every producer a different id', async () => {
    const ids = await Promise.all(Array.from({ length: 2500 }, () => log.newProducerId()))
    assert.equal(new Set(ids).size, 2500)
  })
})

const NOW = { minBytes: 1, maxWaitMs: 0, maxBytes: 1e9, readCommitted: false }

function batch(partition: number, texts: string[], fields: Parameters<typeof writeRecords>[1] | object = {}): Append {
  const records = texts.map(text => ({ value: Buffer.from(text) }))
  return appendOf(partition, writeRecords(records, { timestamp: Date.now(), ...fields }))
}

function keyed(partition: number, timestamp: number): Append {
  return appendOf(partition, writeRecords([{ key: Buffer.from('k'), value: Buffer.from('v') }], { timestamp }))
}

function appendOf(partition: number, records: Buffer): Append {
  return { partition, records, header: readBatchHeader(records)!, appendTime: false }
}

function batchesOf(records: readonly Buffer[]): Buffer[] {
  const bytes = Buffer.concat(records)
  const batches: Buffer[] = []
  for (let start = 0; start < bytes.length; ) {
    const { sizeBytes } = readBatchHeader(bytes, start)!
    batches.push(bytes.subarray(start, start + sizeBytes))
    start += sizeBytes
  }
  return batches
}

function valuesOf(records: readonly Buffer[]): string[] {
  return batchesOf(records).flatMap(one => readRecords(one).map(({ value }) => value!.toString()))
}

async function settle(): Promise<string> {
  await systemClock.sleep(20)
  return 'not yet'
}
