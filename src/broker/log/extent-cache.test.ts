import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readBatchHeader, writeRecords } from '../../kafka/index.ts'
import type { Extent } from '../../metadata/index.ts'
import { openMemoryStore } from '../../storage/index.ts'
import { ExtentCache } from './extent-cache.ts'
import { SlabPool } from './slabs.ts'

// A reader may find an extent in the metadata and load it before the appender, which
// has the bytes, learns of its own commit.
test('a reader gets bytes with their offsets, though the extent was inserted while it loaded them', async () => {
  const body = writeRecords([{ value: Buffer.from('a') }], { timestamp: 1 })
  const extent: Extent = {
    partition: 1,
    baseOffset: 41,
    lastOffset: 41,
    key: 'data/1/0',
    position: 0,
    sizeBytes: body.length,
    maxTimestamp: 1,
    appendTimestamp: -1,
  }
  const store = openMemoryStore()
  await store.put(extent.key, [body])
  const isInserted = Promise.withResolvers<void>()
  const get: typeof store.get = async (...args) => {
    const bytes = Buffer.from(await store.get(...args))
    await isInserted.promise
    return bytes
  }
  const cache = new ExtentCache({ ...store, get }, 1e6, new SlabPool(1e6))
  const loading = cache.load([extent])
  cache.insert(Buffer.from(body), 0, [extent])
  isInserted.resolve()
  const [loaded] = await loading
  assert.equal(readBatchHeader(loaded!)?.baseOffset, 41)
})

test('a reader that is far behind does not push out what was written last', async () => {
  const body = writeRecords([{ value: Buffer.alloc(1000) }], { timestamp: 1 })
  const extentOf = (number: number): Extent => ({
    partition: 1,
    baseOffset: number,
    lastOffset: number,
    key: `data/1/${number}`,
    position: 0,
    sizeBytes: body.length,
    maxTimestamp: 1,
    appendTimestamp: -1,
  })
  const store = openMemoryStore()
  for (let number = 0; number < 20; number++) await store.put(extentOf(number).key, [body])
  // Without pooled slabs each extent is a separate block of 1.6 kB.
  const cache = new ExtentCache({ get: store.get }, 10 * 1700, new SlabPool(1e6))
  for (let number = 20; number < 40; number++) cache.insert(Buffer.from(body), 0, [extentOf(number)])
  const known = () => Array.from({ length: 46 }, (_, number) => number).filter(number => cache.has(extentOf(number)))
  assert.deepEqual(known(), [30, 31, 32, 33, 34, 35, 36, 37, 38, 39], 'all of it without a reader')
  for (let number = 0; number < 20; number++) await cache.load([extentOf(number)])
  assert.deepEqual(known(), [15, 16, 17, 18, 19, 35, 36, 37, 38, 39])
  for (let number = 35; number < 38; number++) await cache.load([extentOf(number)])
  for (let number = 40; number < 45; number++) cache.insert(Buffer.from(body), 0, [extentOf(number)])
  assert.deepEqual(known(), [18, 19, 35, 36, 37, 40, 41, 42, 43, 44], 'what was not used for longest goes')
})
