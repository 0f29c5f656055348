import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readBatchHeader, readRecords, writeRecords } from '../../kafka/index.ts'
import type { Extent } from '../../metadata/index.ts'
import { openMemoryStore, type Range } from '../../storage/index.ts'
import { ExtentCache } from './extent-cache.ts'
import { CorruptObjectError } from './place-extent.ts'
import { Holds, SlabPool } from './slabs.ts'

// A reader may find an extent in the metadata and load it before the appender, which
// has the bytes, learns of its own commit.
test('a reader gets batches with their offsets, even if the extent was inserted while it was loading', async () => {
  const body = writeRecords([{ value: Buffer.from('a') }], { timestamp: 1 })
  const extent = extentOf(41, body.length)
  const store = openMemoryStore()
  await store.put(extent.key, [body])
  const isInserted = Promise.withResolvers<void>()
  const get: typeof store.get = async (...args) => {
    const bytes = Buffer.from(await store.get(...args))
    await isInserted.promise
    return bytes
  }
  const cache = new ExtentCache({ ...store, get }, 1e6, new SlabPool(1e6))
  const loading = cache.load([extent], new Holds())
  cache.insert(Buffer.from(body), 0, [extent])
  isInserted.resolve()
  const [loaded] = await loading
  assert.equal(readBatchHeader(loaded!)?.baseOffset, 41)
})

test('the heap memory of many small extents is bounded', () => {
  const body = writeRecords([{ value: Buffer.from('a') }], { timestamp: 1 })
  const cache = new ExtentCache(openMemoryStore(), 1e9, new SlabPool(1e6), 100)
  const extents = Array.from({ length: 150 }, (_, number) => extentOf(number, body.length))
  for (const extent of extents) cache.insert(Buffer.from(body), 0, [extent])
  assert.deepEqual(
    extents.filter(extent => cache.has(extent)),
    extents.slice(50),
  )
})

test('whole blocks are read where the store reads these fastest', async () => {
  const batches = [1, 2, 3].map(size => writeRecords([{ value: Buffer.alloc(1000 * size) }], { timestamp: 1 }))
  const store = openMemoryStore()
  await store.put('data/1/0', batches)
  const ranges: (Range | undefined)[] = []
  const get: typeof store.get = (key, range, ...rest) => {
    ranges.push(range)
    return store.get(key, range, ...rest)
  }
  const cache = new ExtentCache({ get, readsInto: true, blockBytes: 512 }, 1e6, new SlabPool(1e6))
  const [first, second] = [batches[0]!.length, batches[1]!.length]
  const at = { key: 'data/1/0', position: first }
  const [loaded] = await cache.load([{ ...extentOf(1, second), ...at }], new Holds())
  assert.equal(readRecords(loaded!)[0]!.value!.length, 2000)
  assert.deepEqual(ranges, [{ position: 1024, length: 2560, orLess: true }])
  const last = { ...extentOf(2, batches[2]!.length), ...at, position: first + second }
  await assert.rejects(cache.load([{ ...last, sizeBytes: last.sizeBytes + 1 }], new Holds()), CorruptObjectError)
  assert.equal((await cache.load([last], new Holds()))[0]!.length, batches[2]!.length)
})

test('a reader that is far behind does not evict the latest records', async () => {
  const body = writeRecords([{ value: Buffer.alloc(1000) }], { timestamp: 1 })
  const store = openMemoryStore()
  for (let number = 0; number < 20; number++) await store.put(extentOf(number, body.length).key, [body])
  // Without memory that is used again each extent is a block of its own, of 1.6 kB.
  const cache = new ExtentCache({ get: store.get }, 10 * 1700, new SlabPool(1e6))
  for (let number = 20; number < 40; number++) cache.insert(Buffer.from(body), 0, [extentOf(number, body.length)])
  const known = () =>
    Array.from({ length: 46 }, (_, number) => number).filter(number => cache.has(extentOf(number, body.length)))
  assert.deepEqual(known(), [30, 31, 32, 33, 34, 35, 36, 37, 38, 39], 'all of it without a reader')
  for (let number = 0; number < 20; number++) await cache.load([extentOf(number, body.length)], new Holds())
  assert.deepEqual(known(), [15, 16, 17, 18, 19, 35, 36, 37, 38, 39])
  for (let number = 35; number < 38; number++) await cache.load([extentOf(number, body.length)], new Holds())
  for (let number = 40; number < 45; number++) cache.insert(Buffer.from(body), 0, [extentOf(number, body.length)])
  assert.deepEqual(known(), [18, 19, 35, 36, 37, 40, 41, 42, 43, 44], 'what was not used for longest goes')
})

function extentOf(number: number, sizeBytes: number): Extent {
  return {
    partition: 1,
    baseOffset: number,
    lastOffset: number,
    key: `data/1/${number}`,
    position: 0,
    sizeBytes,
    maxTimestamp: 1,
    appendTimestamp: -1,
  }
}
