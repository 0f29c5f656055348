import { codeOf } from '../base/index.ts'
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Clock, Random } from '../base/index.ts'
import type { Appended, Fence, LeaseHolder, Metadata, NewBatch, NewObject, Topic } from './metadata.ts'
import { housekeepingSuite } from './housekeeping.suite.ts'
import { batch, transactionSuite } from './transactions.suite.ts'
import { until } from '../base/until.suite.ts'

/** The clock and randomness that the suite provides. */
export interface SuiteWorld {
  readonly clock: Clock
  readonly random: Random
}

/** Fresh, empty metadata, and a function that opens the same metadata again as another process would. */
interface Opened {
  readonly metadata: Metadata
  again(): Promise<Metadata>
}

/** What every implementation of the metadata promises. */
export function metadataSuite(name: string, open: (world: SuiteWorld) => Promise<Opened>): void {
  describe(`metadata in ${name}`, () => {
    let metadata: Metadata
    let again: () => Promise<Metadata>
    let epoch: number
    let now = 1_000_000
    // Leases and retention span hours, so tests advance the time themselves.
    const clock: Clock = { now: () => now, monotonic: () => now, sleep: async () => {} }
    // Equivalent to the system's, which the layering rules keep out of suites.
    const random: Random = { bytes: count => crypto.getRandomValues(new Uint8Array(count)) }

    beforeEach(async () => {
      ;({ metadata, again } = await open({ clock, random }))
      epoch = await metadata.openEpoch()
    })
    afterEach(() => metadata.close())

    const create = async (name: string, partitions = 1, configs = {}): Promise<Topic> => {
      const [outcome] = await metadata.createTopics([{ name, partitions, configs }])
      assert.ok(outcome?.ok)
      return outcome.value
    }
    const createPartition = async (name: string) => (await create(name)).partitions[0]!
    const object = (key: string, ...batches: NewBatch[]): NewObject => ({ key, sizeBytes: 1000, epoch, batches })
    const extentsFrom = async (partition: number, offset: number, maxBytes = 1e9) => {
      const [answer] = await metadata.findExtents([{ partition, offset, maxBytes, withAborted: true }])
      return answer?.extents.map(({ baseOffset, lastOffset, key }) => [key, baseOffset, lastOffset])
    }

    describe('topics', () => {
      it('are restored unchanged while they are retained', async () => {
        const topic = await create('one', 2, { 'retention.ms': '5' })
        const p0 = topic.partitions[0]!
        await metadata.commit([object('a', batch(p0, { records: 3 }))])
        await metadata.advanceLogStart([{ partition: p0, offset: 1 }])
        const [lease] = await metadata.acquireLeases(['groups/1'], { id: 'x', nodeId: 1, host: '', port: 1 }, 1000)
        const committed = { topic: topic.id, partition: 0, offset: 2, leaderEpoch: -1, metadata: '', committedAt: now }
        await metadata.commitOffsets('g', [committed], { lease: 'groups/1', epoch: lease!.epoch })

        await metadata.deleteTopics([topic.id], 100)
        assert.equal(metadata.catalog().byName.get('one'), undefined)
        assert.deepEqual(await metadata.bounds([p0]), [null])
        assert.deepEqual([await metadata.groupOffsets('g'), await metadata.listGroups()], [[], []])
        assert.deepEqual(await metadata.deletedTopics(), [
          { id: topic.id, name: 'one', partitions: 2, sizeBytes: 100, deletedAt: now, purgeAt: now + 100 },
        ])
        const [late] = await metadata.commit([object('b', batch(p0))])
        assert.equal(late![0]!.ok, false)

        const [outcome, unknown] = await metadata.undeleteTopics([topic.id, crypto.randomUUID()])
        assert.deepEqual(outcome, { ok: true, value: topic })
        assert.deepEqual(unknown, { ok: false, code: 'UNKNOWN_TOPIC_ID' })
        assert.deepEqual(metadata.catalog().byName.get('one'), topic)
        assert.deepEqual(await extentsFrom(p0, 1), [['a', 0, 2]])
        const bounds = { logStartOffset: 1, highWatermark: 3, lastStableOffset: 3, sizeBytes: 100 }
        assert.deepEqual((await metadata.bounds([p0]))[0], bounds)
        assert.deepEqual(await metadata.groupOffsets('g'), [committed])
        assert.deepEqual(await metadata.deletedTopics(), [])
      })

      it('cannot be restored beside another of the same name, nor after their retention', async () => {
        const first = await create('one')
        await metadata.commit([object('a', batch(first.partitions[0]!))])
        await metadata.deleteTopics([first.id], 100)
        const second = await create('one')
        const [taken] = await metadata.undeleteTopics([first.id])
        assert.deepEqual(taken, { ok: false, code: 'TOPIC_ALREADY_EXISTS' })
        await metadata.deleteTopics([second.id], 200)
        assert.deepEqual(await metadata.purgeDeletedTopics(false), [])
        now += 150
        assert.deepEqual(await metadata.purgeDeletedTopics(false), ['one'])
        assert.deepEqual(
          (await metadata.deletedTopics()).map(({ id }) => id),
          [second.id],
        )
        const [gone] = await metadata.undeleteTopics([first.id])
        assert.deepEqual(gone, { ok: false, code: 'UNKNOWN_TOPIC_ID' })
        await metadata.retain([])
        assert.deepEqual(
          (await metadata.deadObjects(0, 10)).map(({ key }) => key),
          ['a'],
        )
        assert.deepEqual(await metadata.purgeDeletedTopics(true), ['one'])
        const third = await create('one')
        await metadata.purgeDeletedTopic(third.id)
        assert.ok(metadata.catalog().byName.has('one'), 'it has not been deleted')
        await metadata.deleteTopics([third.id], 1000)
        await metadata.purgeDeletedTopic(third.id)
        assert.deepEqual(await metadata.deletedTopics(), [])
        const another = await create('other')
        assert.ok(another.partitions[0]! > second.partitions[0]!)
      })

      it('are in the catalog as soon as they have been created', async () => {
        const topic = await create('one', 3, { 'retention.ms': '5' })
        assert.match(topic.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
        assert.equal(topic.partitions.length, 3)
        assert.equal(new Set(topic.partitions).size, 3)
        assert.deepEqual(metadata.catalog().byName.get('one'), topic)
        assert.deepEqual((await metadata.refresh()).byId.get(topic.id), topic)
        assert.deepEqual(topic.configs, { 'retention.ms': '5' })
        assert.equal(topic.createdAt, now)
      })

      it('are rejected if their name is taken, while the others are created', async () => {
        await create('one')
        const outcomes = await metadata.createTopics([
          { name: 'one', partitions: 1, configs: {} },
          { name: 'two', partitions: 1, configs: {} },
          { name: 'two', partitions: 1, configs: {} },
        ])
        assert.deepEqual(
          outcomes.map(outcome => outcome.ok || outcome.code),
          ['TOPIC_ALREADY_EXISTS', true, 'TOPIC_ALREADY_EXISTS'],
        )
      })

      it('get a new id when they are recreated', async () => {
        const first = await create('one')
        const [deleted, unknown] = await metadata.deleteTopics([first.id, '00000000-0000-0000-0000-000000000000'], null)
        assert.ok(deleted?.ok)
        assert.deepEqual(unknown, { ok: false, code: 'UNKNOWN_TOPIC_ID' })
        assert.equal(metadata.catalog().byName.size, 0)
        const second = await create('one')
        assert.notEqual(second.id, first.id)
        assert.notEqual(second.partitions[0], first.partitions[0])
      })

      it('get more partitions, never fewer', async () => {
        const topic = await create('one', 2)
        const [more, same] = await metadata.createPartitions([
          { topic: topic.id, partitions: 4 },
          { topic: topic.id, partitions: 4 },
        ])
        assert.ok(more?.ok)
        assert.deepEqual(more.value.partitions.slice(0, 2), topic.partitions)
        assert.equal(more.value.partitions.length, 4)
        assert.deepEqual(same, { ok: false, code: 'INVALID_PARTITIONS' })
      })

      it('notify listeners of changes', async () => {
        const heard: string[][] = []
        const stop = metadata.onTopicsChanged(catalog => heard.push([...catalog.byName.keys()]))
        const topic = await create('one')
        await metadata.setTopicConfigs([{ topic: topic.id, configs: { a: 'b' } }])
        assert.deepEqual(metadata.catalog().byName.get('one')?.configs, { a: 'b' })
        stop()
        await create('two')
        assert.deepEqual(heard, [['one'], ['one']])
      })
    })

    describe('the log', () => {
      it('assigns offsets, notifies listeners before it resolves, and finds the extents', async () => {
        const { partitions } = await create('one', 2)
        const [p0 = NaN, p1 = NaN] = partitions
        const heard: Appended[] = []
        metadata.onAppend(appended => heard.push(...appended))
        const assignments = await metadata.commit([
          object('a', batch(p0, { records: 3, sizeBytes: 30 }), batch(p1, { position: 30 })),
          object('b', batch(p0, { records: 2, sizeBytes: 20 })),
        ])
        assert.deepEqual(
          assignments.map(of => of.map(one => one.ok && one.baseOffset)),
          [[0, 0], [3]],
        )
        assert.deepEqual(
          heard.map(({ partition, highWatermark, extents }) => [partition, highWatermark, extents.length]),
          [
            [p0, 5, 2],
            [p1, 1, 1],
          ],
        )
        assert.deepEqual(await extentsFrom(p0, 0), [
          ['a', 0, 2],
          ['b', 3, 4],
        ])
        assert.deepEqual(await extentsFrom(p0, 4), [['b', 3, 4]])
        assert.deepEqual(await extentsFrom(p0, 5), [])
        assert.deepEqual(await extentsFrom(p0, 0, 1), [['a', 0, 2]])
        assert.deepEqual(await metadata.bounds([p0, 999]), [
          { logStartOffset: 0, highWatermark: 5, lastStableOffset: 5, sizeBytes: 50 },
          null,
        ])
      })

      it('finds many extents in order', async () => {
        const partition = await createPartition('one')
        await metadata.commit(Array.from({ length: 100 }, (_, index) => object(`o${index}`, batch(partition))))
        assert.deepEqual(
          (await extentsFrom(partition, 7, 5000))?.map(([key]) => key),
          Array.from({ length: 50 }, (_, index) => `o${index + 7}`),
        )
      })

      it('keeps the state of producers from commit to commit', async () => {
        const partition = await createPartition('one')
        const send = (baseSequence: number) => batch(partition, { producerId: 7, producerEpoch: 0, baseSequence })
        await metadata.commit([object('a', send(0))])
        const [again] = await metadata.commit([object('b', send(0), send(1), send(5))])
        assert.deepEqual(
          again?.map(one => (one.ok ? [one.baseOffset, one.duplicate] : one.code)),
          [[0, true], [1, false], 'OUT_OF_ORDER_SEQUENCE_NUMBER'],
        )
        now += 100
        await metadata.expireProducers(50)
        const [forgotten] = await metadata.commit([object('c', send(5))])
        assert.ok(forgotten?.[0]?.ok)
      })

      it('finds records by timestamp', async () => {
        const partition = await createPartition('one')
        await metadata.commit([
          object('a', batch(partition, { maxTimestamp: 10 })),
          object('b', batch(partition, { maxTimestamp: 30 })),
          object('c', batch(partition, { maxTimestamp: 20 })),
          object('d', batch(partition, { maxTimestamp: 30 })),
        ])
        const [at15, at25, from2, at40, max, none] = await metadata.findByTime([
          { kind: 'since', partition, offset: 0, timestamp: 15 },
          { kind: 'since', partition, offset: 0, timestamp: 25 },
          { kind: 'since', partition, offset: 2, timestamp: 15 },
          { kind: 'since', partition, offset: 0, timestamp: 40 },
          { kind: 'max', partition, offset: 0 },
          { kind: 'max', partition: 999, offset: 0 },
        ])
        assert.deepEqual(
          [at15, at25, from2, max].map(extent => extent?.key),
          ['b', 'b', 'c', 'b'],
        )
        assert.equal(at40, undefined)
        assert.equal(none, null)
      })

      it('only moves the log start offset forward', async () => {
        const partition = await createPartition('one')
        await metadata.commit([object('a', batch(partition, { records: 10 }))])
        const starts = []
        for (const offset of [4, 2, 11, 10]) {
          const [bounds] = await metadata.advanceLogStart([{ partition, offset }])
          starts.push(bounds?.logStartOffset)
        }
        assert.deepEqual(starts, [4, 4, 4, 10])
      })

      it('rejects objects of a closed epoch', async () => {
        const partition = await createPartition('one')
        await metadata.closeEpoch(epoch)
        await assert.rejects(metadata.commit([object('a', batch(partition))]), { code: 'epoch_closed' })
        assert.equal(await metadata.renewEpoch(epoch), false)
        assert.deepEqual(await extentsFrom(partition, 0), [])
      })

      it('accepts an object key once, and nothing of a failed commit', async () => {
        const partition = await createPartition('one')
        await metadata.commit([object('a', batch(partition))])
        await assert.rejects(metadata.commit([object('b', batch(partition)), object('a', batch(partition))]), {
          code: 'failed',
        })
        assert.deepEqual(await extentsFrom(partition, 0), [['a', 0, 0]])
      })

      it('isolates concurrent calls', async () => {
        const partition = await createPartition('one')
        const results = await Promise.allSettled([
          metadata.commit([object('a', batch(partition))]),
          metadata.commit([object('a', batch(partition))]),
          metadata.commit([object('b', batch(partition))]),
        ])
        // The database decides the order; only one of the two commits with the same object succeeds.
        const [first, second, third] = results.map(({ status }) => status)
        assert.deepEqual(new Set([first, second]), new Set(['fulfilled', 'rejected']))
        assert.equal(third, 'fulfilled')
        const found = (await extentsFrom(partition, 0)) ?? []
        assert.deepEqual(new Set(found.map(([key]) => key)), new Set(['a', 'b']))
        assert.deepEqual(
          found.map(([, baseOffset, lastOffset]) => [baseOffset, lastOffset]),
          [
            [0, 0],
            [1, 1],
          ],
        )
      })

      it('rejects one of several concurrent commits without affecting the others', async () => {
        const partition = await createPartition('one')
        const closed = await metadata.openEpoch()
        await metadata.closeEpoch(closed)
        const results = await Promise.allSettled([
          metadata.commit([object('a', batch(partition))]),
          metadata.commit([{ ...object('b', batch(partition)), epoch: closed }]),
          metadata.commit([object('c', batch(partition))]),
        ])
        assert.deepEqual(
          results.map(({ status }) => status),
          ['fulfilled', 'rejected', 'fulfilled'],
        )
        assert.deepEqual(await extentsFrom(partition, 0), [
          ['a', 0, 0],
          ['c', 1, 1],
        ])
      })

      it('assigns every producer id once', async () => {
        const first = await metadata.allocateProducerIds(10)
        assert.equal(await metadata.allocateProducerIds(1), first + 10)
      })
    })

    const holder = (id: string): LeaseHolder => ({ id, nodeId: 1, host: 'here', port: 9092 })

    describe('leases', () => {
      it('have one holder at a time, with a higher epoch each time', async () => {
        const [one] = await metadata.acquireLeases(['x'], holder('a'), 100)
        assert.deepEqual(one, { name: 'x', epoch: 1, holder: holder('a'), expiresAt: now + 100 })
        const [held, free] = await metadata.acquireLeases(['x', 'y'], holder('b'), 100)
        assert.deepEqual(held, one)
        assert.deepEqual([free?.holder.id, free?.epoch], ['b', 1])
        assert.deepEqual(await metadata.findLeases(['y', 'z', 'x']), [free, null, one])
        now += 100
        assert.deepEqual(await metadata.findLeases(['x']), [null])
        const [taken] = await metadata.acquireLeases(['x'], holder('b'), 100)
        assert.deepEqual([taken?.holder.id, taken?.epoch], ['b', 2])
      })

      it('are renewed by their holder, even late, unless another one has acquired them', async () => {
        await metadata.acquireLeases(['x', 'y'], holder('a'), 100)
        const fences = ['x', 'y'].map(lease => ({ lease, epoch: 1 }))
        now += 150
        await metadata.acquireLeases(['y'], holder('b'), 100)
        assert.deepEqual(await metadata.renewLeases(fences, 'a', 100), [true, false])
        assert.deepEqual(
          (await metadata.acquireLeases(['x', 'y'], holder('c'), 100)).map(lease => lease.holder.id),
          ['a', 'b'],
        )
        const [again] = await metadata.acquireLeases(['x'], holder('a'), 200)
        assert.deepEqual([again?.epoch, again?.expiresAt], [1, now + 200])
      })

      it('are free once released, and fence the former holder', async () => {
        await metadata.acquireLeases(['x'], holder('a'), 100)
        await metadata.releaseLeases('a')
        const [lease] = await metadata.acquireLeases(['x'], holder('b'), 100)
        assert.deepEqual([lease?.holder.id, lease?.epoch], ['b', 2])
        assert.deepEqual(await metadata.renewLeases([{ lease: 'x', epoch: 1 }], 'a', 100), [false])
      })
    })

    describe('writer fences', () => {
      const lease = 'pipeline/p/cluster/0'
      const write = async (key: string, given: Partial<NewBatch>) => {
        const [assigned] = await metadata.commit([object(key, batch(topic.partitions[0]!, given))])
        const [only] = assigned!
        return only!.ok ? only!.baseOffset : only!.code
      }
      let topic: Topic
      beforeEach(async () => {
        topic = await create('one')
      })

      it('only rise', async () => {
        assert.equal(await metadata.raiseFence({ lease, epoch: 3 }), true)
        assert.equal(await metadata.raiseFence({ lease, epoch: 3 }), true)
        assert.equal(await metadata.raiseFence({ lease, epoch: 2 }), false)
        assert.equal(await metadata.raiseFence({ lease, epoch: 4 }), true)
        assert.deepEqual(await metadata.findLeases([lease]), [null])
      })

      it('reject late writes of an earlier writer, and nothing else in the same commit', async () => {
        assert.equal(await write('a', { fence: { lease, epoch: 1 } }), 'PRODUCER_FENCED', 'before it is raised')
        await metadata.raiseFence({ lease, epoch: 1 })
        assert.equal(await write('b', { fence: { lease, epoch: 1 } }), 0)
        await metadata.raiseFence({ lease, epoch: 2 })
        const [partition] = topic.partitions
        const [assigned] = await metadata.commit([
          object(
            'c',
            batch(partition!, { fence: { lease, epoch: 1 } }),
            batch(partition!, { fence: { lease: 'another', epoch: 1 }, position: 100 }),
            batch(partition!, { position: 200 }),
            batch(partition!, { fence: { lease, epoch: 2 }, position: 300 }),
          ),
        ])
        assert.deepEqual(
          assigned!.map(one => (one.ok ? one.baseOffset : one.code)),
          ['PRODUCER_FENCED', 'PRODUCER_FENCED', 1, 2],
        )
      })
    })

    describe('groups', () => {
      let fence: Fence
      beforeEach(async () => {
        const [lease] = await metadata.acquireLeases(['coordinator'], holder('a'), 1e9)
        fence = { lease: 'coordinator', epoch: lease!.epoch }
      })

      it('accept nothing from a coordinator that has lost its lease', async () => {
        const topic = await create('one')
        const offset = { topic: topic.id, partition: 0, offset: 1, leaderEpoch: 0, metadata: '', committedAt: now }
        await metadata.saveGroup('g', Uint8Array.of(1), fence)
        await metadata.releaseLeases('a')
        assert.deepEqual(await metadata.commitOffsets('g', [offset], fence), [null], 'no other holder has taken it yet')
        await metadata.acquireLeases(['coordinator'], holder('b'), 100)
        const refused = [
          metadata.saveGroup('g', Uint8Array.of(2), fence),
          metadata.commitOffsets('g', [{ ...offset, offset: 2 }], fence),
          metadata.deleteOffsets('g', [{ topic: topic.id, partition: 0 }], fence),
          metadata.deleteGroup('g', fence),
          metadata.expireGroup('g', -1, fence),
          metadata.saveGroup('g', Uint8Array.of(2), { lease: 'never taken', epoch: 1 }),
        ]
        for (const write of await Promise.allSettled(refused)) {
          assert.ok(write.status === 'rejected')
          assert.equal(codeOf(write.reason), 'fenced')
        }
        assert.deepEqual(await metadata.loadGroup('g'), Uint8Array.of(1))
        assert.deepEqual([await metadata.isGroupKnown('g'), await metadata.isGroupKnown('none')], [true, false])
        assert.deepEqual(await metadata.groupOffsets('g'), [offset])
      })

      it('store the metadata text of an offset, whatever its characters', async () => {
        const { id } = await create('one')
        for (const text of ['', 'plain', 'with a NUL\0', '\u0001[]', 'ü\u{1f600}']) {
          const offset = { topic: id, partition: 0, offset: 1, leaderEpoch: -1, metadata: text, committedAt: 1 }
          await metadata.commitOffsets('g', [offset], fence)
          assert.deepEqual(await metadata.groupOffsets('g'), [offset])
        }
      })

      it('keep offsets until they or their topic are deleted', async () => {
        const topic = await create('one', 2)
        const other = await create('two')
        const committed = (topicId: string, partition: number, offset: number) => ({
          topic: topicId,
          partition,
          offset,
          leaderEpoch: -1,
          metadata: 'm',
          committedAt: now,
        })
        const errors = await metadata.commitOffsets(
          'g',
          [committed(topic.id, 0, 5), committed(topic.id, 1, 6), committed(topic.id, 2, 7), committed(other.id, 0, 8)],
          fence,
        )
        assert.deepEqual(errors, [null, null, 'UNKNOWN_TOPIC_OR_PARTITION', null])
        assert.equal((await metadata.groupOffsets('g')).length, 3)
        await metadata.commitOffsets('g', [committed(other.id, 0, 9), committed(other.id, 0, 9)], fence)
        await metadata.deleteOffsets('g', [{ topic: topic.id, partition: 1 }], fence)
        await metadata.deleteTopics([topic.id], null)
        assert.deepEqual(await metadata.groupOffsets('g'), [committed(other.id, 0, 9)])
        assert.deepEqual(await metadata.groupOffsets('unknown'), [])
      })

      it('keep their state, and are deleted as a whole', async () => {
        const topic = await create('one')
        await metadata.saveGroup('b', Uint8Array.of(1, 2), fence)
        await metadata.saveGroup('b', Uint8Array.of(3), fence)
        const offset = { topic: topic.id, partition: 0, offset: 1, leaderEpoch: 0, metadata: '', committedAt: 0 }
        await metadata.commitOffsets('a', [offset], fence)
        assert.deepEqual(await metadata.listGroups(), ['a', 'b'])
        assert.deepEqual(await metadata.loadGroup('b'), Uint8Array.of(3))
        assert.equal(await metadata.loadGroup('a'), null)
        for (const [group, wasKnown] of [
          ['a', true],
          ['b', true],
          ['c', false],
        ] as const) {
          assert.equal(await metadata.deleteGroup(group, fence), wasKnown)
        }
        assert.deepEqual(await metadata.listGroups(), [])
      })

      it('expire when their last commit is too old', async () => {
        const topic = await create('one', 2)
        const commit = (group: string, partition: number) =>
          metadata.commitOffsets(
            group,
            [{ topic: topic.id, partition, offset: 1, leaderEpoch: 0, metadata: '', committedAt: now }],
            fence,
          )
        await metadata.saveGroup('empty', Uint8Array.of(1), fence)
        await metadata.saveGroup('idle', Uint8Array.of(1), fence)
        await commit('idle', 0)
        await commit('active', 0)
        assert.deepEqual(await metadata.idleGroups(100), ['empty'])
        now += 101
        await commit('active', 1)
        assert.deepEqual(await metadata.idleGroups(100), ['empty', 'idle'])
        for (const [group, isForgotten] of [
          ['active', false],
          ['idle', true],
          ['unknown', false],
        ] as const) {
          assert.equal(await metadata.expireGroup(group, 100, fence), isForgotten)
        }
        assert.deepEqual(await metadata.listGroups(), ['active', 'empty'])
        assert.equal(await metadata.loadGroup('idle'), null)
        assert.equal((await metadata.groupOffsets('active')).length, 2)
      })
    })

    housekeepingSuite({
      metadata: () => metadata,
      epoch: () => epoch,
      clock: { pass: ms => (now += ms) },
      create,
      object,
      extentsFrom,
    })

    transactionSuite({
      metadata: () => metadata,
      clock: { now: () => now, pass: ms => (now += ms) },
    })

    describe('users and ACLs', () => {
      const keys = { salt: 'c2FsdA==', iterations: 4096, storedKey: 'c3RvcmVk', serverKey: 'c2VydmVy' }
      const alice = {
        username: 'alice',
        id: 'x',
        name: 'a',
        sha256: keys,
        sha512: null,
        superuser: true,
        expiresAt: null,
      }
      const acl = {
        resourceType: 'topic',
        resourceName: 'orders',
        patternType: 'literal',
        principal: 'User:alice',
        host: '*',
        operation: 'read',
        permission: 'allow',
      }

      it('are stored as given, and increase the version with every change', async () => {
        assert.equal(await metadata.findCredential('alice'), null)
        const before = await metadata.securityVersion()
        await metadata.putCredentials([alice])
        assert.deepEqual(await metadata.findCredential('alice'), { ...alice, createdAt: now })
        assert.ok((await metadata.securityVersion()) > before)
        assert.deepEqual(await metadata.deleteCredentials(['bob', 'alice']), [false, true])
        assert.deepEqual(await metadata.credentials(), [])
      })

      it('keep SCRAM keys of two hashes, and are deleted with the last one', async () => {
        await metadata.putCredentials([alice])
        await metadata.putCredentials([{ ...alice, sha256: null, sha512: { ...keys, iterations: 8192 } }])
        const both = await metadata.findCredential('alice')
        assert.deepEqual([both?.sha256?.iterations, both?.sha512?.iterations], [4096, 8192])
        assert.equal(await metadata.deleteScramKeys('alice', 'sha256'), true)
        assert.equal(await metadata.deleteScramKeys('alice', 'sha256'), false)
        assert.equal(await metadata.deleteScramKeys('alice', 'sha512'), true)
        assert.equal(await metadata.findCredential('alice'), null)
      })

      it('delete expired users', async () => {
        await metadata.putCredentials([alice, { ...alice, username: 'bob', expiresAt: now + 10 }])
        now += 10
        await metadata.expireCredentials()
        assert.deepEqual(
          (await metadata.credentials()).map(({ username }) => username),
          ['alice'],
        )
      })

      it('are added and removed, each ACL once', async () => {
        assert.deepEqual((await metadata.aclRules()).acls, [])
        const other = { ...acl, permission: 'deny' }
        await metadata.changeAcls({ add: [acl, other, acl], remove: [] })
        const { acls, version } = await metadata.changeAcls({ add: [acl], remove: [other, { ...acl, host: 'x' }] })
        assert.deepEqual(acls, [acl])
        assert.equal(version, await metadata.securityVersion())
      })

      it('keep the ACL mode', async () => {
        assert.equal((await metadata.aclRules()).mode, 'off')
        await metadata.setAclMode('shadow')
        assert.equal((await metadata.aclRules()).mode, 'shadow')
      })
    })

    it('returns the time it uses', async () => {
      assert.equal(await metadata.time(), now)
      now += 1500
      assert.equal(await metadata.time(), now)
    })

    describe('settings', () => {
      const setting = { kind: 'broker', entity: '', name: 'log.retention.ms', value: '1000' } as const
      const other = { kind: 'group', entity: 'orders', name: 'consumer.session.timeout.ms', value: '50000' } as const

      it('keep the last value of each, and increase the version with every change', async () => {
        assert.deepEqual((await metadata.settings()).settings, [])
        const before = await metadata.settingsVersion()
        await metadata.changeSettings([setting, other])
        const { settings, version } = await metadata.changeSettings([
          { ...setting, value: '2000' },
          { ...setting, entity: '1' },
        ])
        assert.deepEqual(settings, [{ ...setting, value: '2000' }, { ...setting, entity: '1' }, other])
        assert.ok(version > before)
        assert.equal(version, await metadata.settingsVersion())
      })

      it('are removed by null, even if they were not set', async () => {
        await metadata.changeSettings([setting])
        await metadata.changeSettings([
          { ...setting, value: null },
          { ...other, value: null },
        ])
        assert.deepEqual((await metadata.settings()).settings, [])
      })
    })

    describe('shared by two processes', () => {
      let other: Metadata
      beforeEach(async () => {
        other = await again()
      })
      afterEach(() => other.close())

      it("notifies each of the other's commits", async () => {
        const partition = (await create('one')).partitions[0]!
        const heard: [number, number, number, boolean][] = []
        for (const one of [metadata, other]) {
          one.onAppend((appended, isOwn) => {
            for (const { highWatermark, appendedBytes } of appended) {
              heard.push([partition, highWatermark, appendedBytes, isOwn])
            }
          })
        }
        await metadata.commit([object('a', batch(partition, { records: 3, sizeBytes: 30 }))])
        await until(() => heard.length === 2)
        assert.deepEqual(
          heard.toSorted((left, right) => Number(left[3]) - Number(right[3])),
          [
            [partition, 3, 30, false],
            [partition, 3, 30, true],
          ],
        )
      })

      it("notifies each of the other's commit to more partitions than fit in one notification", async () => {
        const { partitions } = await create('one', 1000)
        const heard: number[] = []
        other.onAppend(appended => heard.push(...appended.map(({ partition }) => partition)))
        await metadata.commit([object('a', ...partitions.map(partition => batch(partition)))])
        await until(() => heard.length === partitions.length)
        assert.deepEqual(new Set(heard), new Set(partitions))
      })

      it("notifies each of the other's topics", async () => {
        const topic = await create('one')
        await until(() => other.catalog().byId.has(topic.id))
        await other.deleteTopics([topic.id], null)
        await until(() => !metadata.catalog().byId.has(topic.id))
      })

      it('has one cluster id, and assigns offsets that do not overlap', async () => {
        assert.equal(other.clusterId, metadata.clusterId)
        const { partitions } = await create('one', 3)
        const otherEpoch = await other.openEpoch()
        const commits = Array.from({ length: 20 }, (_, index) => {
          const [client, own] = index % 2 === 0 ? [metadata, epoch] : [other, otherEpoch]
          // Alternate commits use opposite orders, which would deadlock if
          // locks were taken in the order of the batches.
          const batches = partitions.map(partition =>
            batch(partition, { producerId: index, baseSequence: 0, producerEpoch: 0 }),
          )
          const ordered = index % 2 === 0 ? batches : batches.toReversed()
          return client.commit([{ key: `k${index}`, sizeBytes: 300, epoch: own, batches: ordered }])
        })
        const offsets = (await Promise.all(commits)).map(([assigned]) => assigned!.map(one => one.ok && one.baseOffset))
        for (const at of [0, 1, 2]) {
          const taken = offsets.map((of, index) => of[index % 2 === 0 ? at : 2 - at])
          assert.deepEqual(new Set(taken), new Set(Array.from({ length: 20 }, (_, index) => index)))
        }
      })

      it('recognises a duplicate that a producer resends through the other process', async () => {
        const partition = (await create('one')).partitions[0]!
        const otherEpoch = await other.openEpoch()
        const repeated = (key: string, own: number): NewObject => ({
          key,
          sizeBytes: 100,
          epoch: own,
          batches: [batch(partition, { producerId: 7, producerEpoch: 0, baseSequence: 0, records: 5 })],
        })
        const both = await Promise.all([
          metadata.commit([repeated('a', epoch)]),
          other.commit([repeated('b', otherEpoch)]),
        ])
        const outcomes = both.map(([assigned]) => assigned![0]!)
        assert.deepEqual(
          outcomes.map(one => one.ok && one.baseOffset),
          [0, 0],
        )
        assert.equal(outcomes.filter(one => one.ok && one.duplicate).length, 1)
        assert.equal((await other.bounds([partition]))[0]?.highWatermark, 5)
      })

      it('creates a topic of one name once', async () => {
        const create = (client: Metadata) => client.createTopics([{ name: 'one', partitions: 1, configs: {} }])
        const outcomes = await Promise.all([metadata, other, metadata, other].map(create))
        assert.equal(outcomes.filter(([outcome]) => outcome!.ok).length, 1)
      })

      it('assigns producer ids that do not overlap', async () => {
        const firsts = await Promise.all(
          Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? metadata : other).allocateProducerIds(5)),
        )
        assert.equal(new Set(firsts).size, 10)
        assert.equal(Math.max(...firsts), 45)
      })
    })

    it('rejects all calls after it was closed', async () => {
      const { metadata: closed } = await open({ clock, random })
      await closed.close()
      await closed.close()
      await assert.rejects(closed.listGroups(), { code: 'closed' })
    })
  })
}
