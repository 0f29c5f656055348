import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { Extent, Metadata, NewBatch, NewObject, Topic } from './metadata.ts'
import { batch } from './transactions.suite.ts'

/**
 * Provided by `metadataSuite`: metadata that is fresh for each test, its time in
 * milliseconds, and functions that fill it.
 */
interface Lent {
  metadata(): Metadata
  epoch(): number
  readonly clock: { pass(ms: number): void }
  create(name: string, partitions?: number): Promise<Topic>
  object(key: string, ...batches: NewBatch[]): NewObject
  extentsFrom(partition: number, offset: number): Promise<unknown[][] | undefined>
}

/** What every implementation of the metadata promises about retention, deletion and merging. */
export function housekeepingSuite(suite: Lent): void {
  describe('housekeeping', () => {
    const { clock, create, object, extentsFrom } = suite
    let metadata: Metadata
    let epoch: number

    beforeEach(() => {
      metadata = suite.metadata()
      epoch = suite.epoch()
    })

    const createPartition = async (name: string) => (await create(name)).partitions[0]!
    const two = ([first, second]: readonly Extent[]) => [first!, second!] as const
    const dead = async () => (await metadata.deadObjects(0, 100)).map(({ key }) => key)

    it('removes extents past their retention time, then objects without extents', async () => {
      const { partitions } = await create('one', 2)
      const [p0 = NaN, p1 = NaN] = partitions
      await metadata.commit([
        object('a', batch(p0, { maxTimestamp: 10 }), batch(p1, { maxTimestamp: 10, position: 100 })),
        object('b', batch(p0, { maxTimestamp: 20 })),
      ])
      const rule = { keepBytes: null, deleteBefore: 15 }
      assert.equal(await metadata.retain([{ ...rule, partition: p0 }]), false)
      assert.deepEqual(await extentsFrom(p0, 0), [['b', 1, 1]])
      assert.deepEqual(await dead(), [])
      await metadata.retain([{ ...rule, partition: p1 }])
      assert.deepEqual(await metadata.bounds([p0, p1]), [
        { logStartOffset: 1, highWatermark: 2, lastStableOffset: 2, sizeBytes: 100 },
        { logStartOffset: 1, highWatermark: 1, lastStableOffset: 1, sizeBytes: 0 },
      ])
      assert.deepEqual(await dead(), ['a'])
      assert.deepEqual(await metadata.deadObjects(1, 100), [])
      clock.pass(1)
      const objects = await metadata.deadObjects(1, 100)
      await metadata.forgetObjects(objects.map(({ id }) => id))
      assert.deepEqual(await dead(), [])
    })

    it('removes the oldest extents beyond the retention size', async () => {
      const partition = await createPartition('one')
      await metadata.commit(['a', 'b', 'c', 'd'].map(key => object(key, batch(partition))))
      await metadata.retain([{ partition, deleteBefore: null, keepBytes: 150 }])
      assert.deepEqual(
        (await extentsFrom(partition, 0))?.map(([key]) => key),
        ['c', 'd'],
      )
    })

    it('removes extents below the log start offset, and none above it', async () => {
      const partition = await createPartition('one')
      await metadata.commit([
        object('a', batch(partition, { records: 5 })),
        object('b', batch(partition, { records: 5 })),
      ])
      await metadata.advanceLogStart([{ partition, offset: 7 }])
      await metadata.retain([{ partition, deleteBefore: null, keepBytes: null }])
      assert.deepEqual(await extentsFrom(partition, 0), [['b', 5, 9]])
      assert.equal((await metadata.bounds([partition]))[0]?.logStartOffset, 7)
    })

    it('removes the records of deleted topics', async () => {
      const topic = await create('one')
      await metadata.commit([object('a', batch(topic.partitions[0]!))])
      await metadata.deleteTopics([topic.id], null)
      assert.deepEqual(
        await metadata.findExtents([{ partition: topic.partitions[0]!, offset: 0, maxBytes: 1, withAborted: true }]),
        [null],
      )
      await metadata.retain([])
      assert.deepEqual(await dead(), ['a'])
    })

    it('marks an object as garbage immediately if none of it was accepted', async () => {
      await metadata.commit([object('a', batch(999))])
      assert.deepEqual(await dead(), ['a'])
    })

    const rule = { fromBytes: 0, belowBytes: 2000, minObjects: 2, maxObjects: 10, maxBytes: 1e6, spareObjects: 0 }
    const candidates = async (changes = {}) => {
      return (await metadata.mergeCandidates({ ...rule, ...changes })).map(({ key }) => key)
    }

    it('finds objects worth merging, oldest first', async () => {
      const partition = await createPartition('one')
      await metadata.commit(['a', 'b', 'c', 'd'].map(key => object(key, batch(partition))))
      assert.deepEqual(await candidates(), ['a', 'b', 'c', 'd'])
      assert.deepEqual(await candidates({ maxObjects: 3 }), ['a', 'b', 'c'])
      assert.deepEqual(await candidates({ spareObjects: 2 }), ['a', 'b'])
      assert.deepEqual(await candidates({ minObjects: 5 }), [])
      assert.deepEqual(await candidates({ minObjects: 5, maxBytes: 3500 }), ['a', 'b', 'c'])
      assert.deepEqual(await candidates({ belowBytes: 1000 }), [])
      assert.deepEqual(await candidates({ fromBytes: 1001 }), [])
    })

    it('finds objects of which less than half is live', async () => {
      const [big, small] = [(await create('big')).partitions[0]!, (await create('small')).partitions[0]!]
      const two = (key: string) => ({
        ...object(key, batch(big, { sizeBytes: 700 }), batch(small, { sizeBytes: 300, position: 700 })),
        sizeBytes: 1000,
      })
      await metadata.commit([two('a'), two('b'), two('c')])
      const sparse = async (maxObjects: number, maxBytes: number) =>
        (await metadata.sparseObjects(maxObjects, maxBytes)).map(({ key, extents }) => [key, extents.length])
      assert.deepEqual(await sparse(10, 1e6), [])
      await metadata.advanceLogStart([{ partition: big, offset: 2 }])
      await metadata.retain([])
      assert.deepEqual(await sparse(10, 1e6), [
        ['a', 1],
        ['b', 1],
      ])
      assert.deepEqual(await sparse(1, 1e6), [['a', 1]])
      // At least one, however large.
      assert.deepEqual(await sparse(10, 1), [['a', 1]])
    })

    it('removes extents below the log start offset without a retention rule', async () => {
      const partition = await createPartition('one')
      await metadata.commit(['a', 'b', 'c'].map(key => object(key, batch(partition))))
      await metadata.advanceLogStart([{ partition, offset: 2 }])
      assert.deepEqual(await dead(), [])
      assert.equal(await metadata.retain([]), false)
      assert.deepEqual(await dead(), ['a', 'b'])
      await metadata.advanceLogStart([{ partition, offset: 3 }])
      await metadata.retain([])
      assert.deepEqual(await dead(), ['a', 'b', 'c'])
    })

    it('replaces extents by a merged object', async () => {
      const partition = await createPartition('one')
      await metadata.commit(['a', 'b', 'c'].map(key => object(key, batch(partition))))
      const [answer] = await metadata.findExtents([{ partition, offset: 0, maxBytes: 150, withAborted: true }])
      const [first, second] = two(answer!.extents)
      const extents = [{ ...first, key: 'm', lastOffset: 1, sizeBytes: 200 }]
      const merged = { key: 'm', sizeBytes: 200, epoch, extents }
      assert.equal(await metadata.replaceExtents(merged, [first, second]), true)
      assert.deepEqual(await extentsFrom(partition, 0), [
        ['m', 0, 1],
        ['c', 2, 2],
      ])
      assert.deepEqual(await dead(), ['a', 'b'])
      assert.equal(await metadata.replaceExtents({ ...merged, key: 'n' }, [first, second]), false)
      assert.equal((await metadata.bounds([partition]))[0]?.sizeBytes, 300)
    })

    it('does not restore extents that expired during a merge', async () => {
      const partition = await createPartition('one')
      await metadata.commit([object('a', batch(partition, { maxTimestamp: 5 })), object('b', batch(partition))])
      const [answer] = await metadata.findExtents([{ partition, offset: 0, maxBytes: 1e6, withAborted: true }])
      await metadata.retain([{ partition, deleteBefore: 10, keepBytes: 100 }])
      const merged = { key: 'm', sizeBytes: 200, epoch, extents: answer!.extents }
      assert.equal(await metadata.replaceExtents(merged, answer!.extents), false)
      assert.equal((await metadata.knownObjects(['m']))[0], false)
      await metadata.closeEpoch(epoch)
      await assert.rejects(metadata.replaceExtents(merged, []), { code: 'epoch_closed' })
    })

    it('replaces extents by compacted ones, and remembers how far it has cleaned', async () => {
      const [partition, other] = [(await create('one')).partitions[0]!, (await create('two')).partitions[0]!]
      await metadata.commit(['a', 'b', 'c'].map(key => object(key, batch(partition))))
      const [answer] = await metadata.findExtents([{ partition, offset: 0, maxBytes: 1e6, withAborted: true }])
      const [first, second] = two(answer!.extents)
      const third = answer!.extents[2]!
      const made = { key: 'm', sizeBytes: 60, epoch, extents: [{ ...second, key: 'm', sizeBytes: 60 }] }
      assert.equal(await metadata.replaceExtents(made, [first, second], { partition, until: null }), true)
      assert.deepEqual(await extentsFrom(partition, 0), [
        ['m', 1, 1],
        ['c', 2, 2],
      ])
      assert.equal((await metadata.bounds([partition]))[0]?.sizeBytes, 160)
      assert.equal((await metadata.bounds([partition]))[0]?.logStartOffset, 0)
      assert.deepEqual(await metadata.cleanedUntil([partition, other]), [0, 0])
      // An extent that no longer exists leaves everything unchanged.
      const next = { ...made, key: 'n', extents: [{ ...third, key: 'n', position: 0, sizeBytes: 10 }] }
      assert.equal(await metadata.replaceExtents(next, [first, third], { partition, until: 2 }), false)
      assert.deepEqual(await metadata.cleanedUntil([partition]), [0])
      assert.equal(await metadata.replaceExtents(next, [third], { partition, until: 3 }), true)
      assert.deepEqual(await extentsFrom(partition, 0), [
        ['m', 1, 1],
        ['n', 2, 2],
      ])
      assert.deepEqual(await metadata.cleanedUntil([other, partition]), [0, 3])
      assert.equal((await metadata.bounds([partition]))[0]?.sizeBytes, 70)
      assert.deepEqual(await dead(), ['a', 'b', 'c'])
    })

    it('removes a bounded number of extents per call, and reports whether more remain', async () => {
      const partition = await createPartition('one')
      await metadata.commit(Array.from({ length: 2500 }, (_, index) => object(`o${index}`, batch(partition))))
      const rules = [{ partition, deleteBefore: 1000, keepBytes: null }]
      assert.equal(await metadata.retain(rules), true)
      assert.equal((await metadata.bounds([partition]))[0]?.logStartOffset, 2000)
      assert.equal(await metadata.retain(rules), false)
      assert.equal((await metadata.deadObjects(0, 5000)).length, 2500)
    })

    it('closes epochs that are not renewed, and distinguishes orphans from known objects', async () => {
      const partition = await createPartition('one')
      await metadata.commit([object('a', batch(partition))])
      const idle = await metadata.openEpoch()
      clock.pass(100)
      assert.equal(await metadata.renewEpoch(epoch), true)
      assert.deepEqual(await metadata.closedEpochs(50), [idle])
      assert.deepEqual(await metadata.knownObjects(['a', 'orphan']), [true, false])
      await metadata.forgetEpoch(idle)
      await metadata.forgetEpoch(epoch)
      assert.deepEqual(await metadata.closedEpochs(50), [])
      assert.equal(await metadata.renewEpoch(epoch), true)
    })
  })
}
