import assert from 'node:assert/strict'
import process from 'node:process'
import { describe, it } from 'node:test'
import { until } from '../../base/until.suite.ts'
import { readRecords, writeRecords } from '../../kafka/index.ts'
import type { Extent } from '../../metadata/index.ts'
import { isDirectMemory, openMemoryStore } from '../../storage/index.ts'
import { ExtentCache } from './extent-cache.ts'
import { Holds, SlabPool } from './slabs.ts'

const KIB = 1024
/** A pool with slabs of 1 KiB. */
const newPool = () => new SlabPool(8 * KIB)

describe('reused memory', () => {
  it('is cut into pieces that do not overlap', () => {
    const pool = newPool()
    const [one, other] = [pool.take(300), pool.take(300)]
    one.bytes.fill(1)
    other.bytes.fill(2)
    assert.equal(one.slab, other.slab)
    assert.ok(one.bytes.every(byte => byte === 1))
  })

  it('is reused once all of its pieces are released, not before', () => {
    const pool = newPool()
    const first = pool.take(KIB)
    const second = pool.take(KIB)
    assert.notEqual(second.slab, first.slab)
    first.slab!.release()
    assert.equal(pool.take(KIB).slab, first.slab)
    assert.notEqual(pool.take(KIB).slab, second.slab)
  })

  it('is not reused while pieces may still be cut from it', () => {
    const pool = newPool()
    const one = pool.take(100)
    one.slab!.release()
    const other = pool.take(100)
    assert.notEqual(other.bytes.byteOffset, one.bytes.byteOffset)
  })

  it('is not reused after neverReuse, because it may still be referenced', () => {
    const pool = newPool()
    const one = pool.take(KIB)
    one.slab!.neverReuse()
    pool.take(KIB)
    one.slab!.release()
    assert.notEqual(pool.take(KIB).slab, one.slab)
  })

  it('is populated ahead of its use, not while it is in use', async () => {
    const MIB = 1024 * KIB
    const pool = new SlabPool(8 * MIB)
    const pieces: Buffer[] = []
    const takeSlabs = (count: number) => {
      for (let taken = 0; taken < count; taken++) pieces.push(pool.take(MIB).bytes.fill(pieces.length + 1))
    }
    const before = process.memoryUsage.rss()
    takeSlabs(1) // populates the next ones …
    takeSlabs(3) // … which are not taken meanwhile
    await until(() => process.memoryUsage.rss() - before >= 6 * MIB, process.memoryUsage)
    takeSlabs(4)
    await new Promise(resolve => setTimeout(resolve, 20))
    for (const [index, bytes] of pieces.entries()) assert.ok(bytes.every(byte => byte === index + 1))
  })

  it('is aligned so that large pieces can use direct disk I/O', () => {
    const pool = new SlabPool(8 * 1024 * KIB)
    pool.take(100)
    const written = pool.take(256 * KIB)
    pool.takeForReading(100)
    const read = pool.takeForReading(256 * KIB)
    assert.ok(isDirectMemory(written.bytes))
    assert.ok(isDirectMemory(read.bytes))
    assert.notEqual(read.slab, written.slab)
  })

  it('is ordinary memory, which the garbage collector accounts for, beyond twice the pool size', () => {
    const pool = new SlabPool(8 * 1024 * KIB)
    const slabs = Array.from({ length: 20 }, () => pool.take(1024 * KIB))
    // Of the 16 in direct memory, one is being populated.
    assert.equal(slabs.filter(({ bytes }) => bytes.buffer instanceof SharedArrayBuffer).length, 15)
  })

  it('has no slab for pieces larger than a slab', () => {
    const piece = newPool().take(KIB + 1)
    assert.equal(piece.slab, undefined)
    assert.equal(piece.bytes.length, KIB + 1)
  })
})

describe('the cache over reused memory', () => {
  const extentOf = (number: number, sizeBytes: number): Extent => ({
    partition: 1,
    baseOffset: number,
    lastOffset: number,
    key: `data/1/${number}`,
    position: 0,
    sizeBytes,
    maxTimestamp: 1,
    appendTimestamp: -1,
  })

  /** A cache of four slabs, each of which holds one record. */
  function setUp() {
    const pool = newPool()
    const cache = new ExtentCache(openMemoryStore(), 4 * KIB, pool)
    return {
      pool,
      cache,
      add(number: number) {
        const records = writeRecords([{ value: Buffer.alloc(900, number) }], { timestamp: 1 })
        const piece = pool.take(records.length)
        records.copy(piece.bytes)
        const extent = extentOf(number, records.length)
        cache.insert(piece.bytes, 0, [extent], piece.slab)
        piece.slab!.release()
        return { extent, slab: piece.slab! }
      },
    }
  }
  const valueOf = (bytes: Buffer) => readRecords(bytes)[0]!.value!

  it('releases the slabs of evicted extents', () => {
    const { add } = setUp()
    const slabs = new Set(Array.from({ length: 100 }, (_, number) => add(number).slab))
    assert.ok(slabs.size < 8, `${slabs.size} slabs`)
  })

  it('does not reuse slabs that are held', () => {
    const { cache, add } = setUp()
    const { extent } = add(7)
    const holds = new Holds()
    const held = cache.get(extent, holds)!
    for (let number = 8; number < 50; number++) add(number)
    assert.equal(cache.get(extent, holds), undefined)
    assert.ok(valueOf(held).every(byte => byte === 7))
    holds.release()
  })

  it('reuses slabs that are no longer held', () => {
    const { cache, add } = setUp()
    const { extent, slab } = add(7)
    const holds = new Holds()
    cache.get(extent, holds)
    for (let number = 8; number < 20; number++) add(number)
    holds.release()
    assert.ok(Array.from({ length: 20 }, (_, number) => add(20 + number).slab).includes(slab))
  })
})
