import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { Appended, Fence, Metadata, NewBatch, NewObject, Topic } from './metadata.ts'
import type { ProducerIdentity, TransactionEnd, TransactionEvent } from './transaction.ts'

/** Provided by `metadataSuite`: metadata that is fresh for each test, and its time in milliseconds. */
interface Lent {
  metadata(): Metadata
  readonly clock: { now(): number; pass(ms: number): void }
}

/** What every implementation of the metadata promises about transactions. */
export function transactionSuite(suite: Lent): void {
  describe('transactions', () => {
    const TIMEOUT_MS = 1000
    let metadata: Metadata
    let epoch: number
    let fence: Fence
    let topic: Topic
    let p0: number
    let p1: number
    let producer: ProducerIdentity
    let objects = 0

    beforeEach(async () => {
      metadata = suite.metadata()
      epoch = await metadata.openEpoch()
      const [lease] = await metadata.acquireLeases(['transactions/1', 'groups/1'], holder('one'), 1000)
      fence = { lease: 'transactions/1', epoch: lease!.epoch }
      const [outcome] = await metadata.createTopics([{ name: 'one', partitions: 2, configs: {} }])
      assert.ok(outcome?.ok)
      topic = outcome.value
      ;[p0 = NaN, p1 = NaN] = topic.partitions
      producer = await init()
    })

    const holder = (id: string) => ({ id, nodeId: 1, host: 'here', port: 9092 })
    const object = (key: string, ...batches: NewBatch[]): NewObject => ({ key, sizeBytes: 1000, epoch, batches })
    const step = (event: TransactionEvent, partitions: number[] = []) =>
      metadata.stepTransaction('tx', event, partitions, fence)
    const init = async (): Promise<ProducerIdentity> => {
      const { effect } = await step({ kind: 'init', producer: null, timeoutMs: TIMEOUT_MS, freshProducerId: 77 })
      assert.ok(effect.kind === 'done')
      return effect.producer
    }
    const begin = (...partitions: number[]) => step({ kind: 'begin', producer }, partitions)
    const send = async (partition: number, given: Partial<NewBatch> = {}) => {
      const records = {
        ...{ producerId: producer.producerId, producerEpoch: producer.epoch, baseSequence: 0 },
        transaction: { kind: 'records', id: 'tx', joins: false } as const,
      }
      const [assigned] = await metadata.commit([object(`o${objects++}`, batch(partition, { ...records, ...given }))])
      const [only] = assigned!
      return only!.ok ? only!.baseOffset : only!.code
    }
    const mark = async (end: TransactionEnd, partitions: readonly number[]) => {
      const markers = partitions.map(partition =>
        batch(partition, {
          producerId: end.producer.producerId,
          producerEpoch: end.markerEpoch,
          transaction: { kind: 'marker', end },
        }),
      )
      const [assigned] = await metadata.commit([object(`o${objects++}`, ...markers)])
      return assigned!.map(one => (one.ok ? one.baseOffset : one.code))
    }
    const askToEnd = async (commit: boolean) => {
      const answer = await step({ kind: 'end', producer, commit, nextEpoch: false, freshProducerId: -1 })
      assert.ok(answer.effect.kind === 'write_markers')
      return { end: answer.effect.end, partitions: answer.partitions }
    }
    const stable = async (partition: number) => (await metadata.bounds([partition]))[0]!.lastStableOffset
    const abortedFrom = async (partition: number, offset: number) => {
      const [answer] = await metadata.findExtents([{ partition, offset, maxBytes: 1e6, withAborted: true }])
      return answer!.aborted
    }

    it('hold back the last stable offset at their first record until they end', async () => {
      const heard: Appended[] = []
      metadata.onAppend(appended => heard.push(...appended))
      await begin(p0, p1)
      await metadata.commit([object('plain', batch(p0))])
      assert.deepEqual([await send(p0), await send(p1)], [1, 0])
      assert.deepEqual([await stable(p0), await stable(p1)], [1, 0])
      const { end, partitions } = await askToEnd(true)
      assert.deepEqual(partitions, [p0, p1])
      assert.deepEqual(await mark(end, partitions), [2, 1])
      assert.deepEqual([await stable(p0), await stable(p1)], [3, 2])
      assert.deepEqual(
        heard.slice(-2).map(({ partition, lastStableOffset, aborted }) => [partition, lastStableOffset, aborted]),
        [
          [p0, 3, []],
          [p1, 2, []],
        ],
      )
      const [described] = await metadata.findTransactions(['tx'])
      assert.equal(described?.transaction.phase, 'CompleteCommit')
      assert.deepEqual(described.partitions, [])
    })

    it('are listed as aborted for every reader of their records', async () => {
      const heard: Appended[] = []
      metadata.onAppend(appended => heard.push(...appended))
      await begin(p0)
      await send(p0)
      await metadata.commit([object('plain', batch(p0))])
      const { end, partitions } = await askToEnd(false)
      await mark(end, partitions)
      const aborted = [{ producerId: producer.producerId, firstOffset: 0, lastOffset: 2 }]
      assert.deepEqual(await abortedFrom(p0, 0), aborted)
      assert.deepEqual(await abortedFrom(p0, 2), aborted)
      assert.deepEqual(await abortedFrom(p0, 3), [])
      assert.deepEqual(heard.at(-1)?.aborted, aborted)
    })

    it('are listed as aborted for whole extents, because readers go back in those that they know', async () => {
      await begin(p0)
      await send(p0)
      const { end } = await askToEnd(false)
      const marker = {
        ...{ producerId: producer.producerId, producerEpoch: end.markerEpoch },
        transaction: { kind: 'marker', end } as const,
      }
      await metadata.commit([object('marker', batch(p0, marker), batch(p0, { position: 100 }))])
      const aborted = [{ producerId: producer.producerId, firstOffset: 0, lastOffset: 1 }]
      assert.deepEqual(await abortedFrom(p0, 2), aborted, 'the extent starts with the marker')
    })

    it('accept records only for their partitions, from their producer, while they are open', async () => {
      assert.equal(await send(p0), 'INVALID_TXN_STATE')
      await begin(p0)
      assert.equal(await send(p1), 'INVALID_TXN_STATE')
      assert.equal(await send(p0, { producerEpoch: 9 }), 'INVALID_PRODUCER_EPOCH')
      assert.equal(await send(p0, { producerId: 9 }), 'INVALID_PRODUCER_ID_MAPPING')
      assert.equal(await send(p0), 0)
      assert.equal(await send(p0), 0, 'repeated')
      assert.equal(await send(p0, { baseSequence: 1, transaction: null }), 'INVALID_TXN_STATE', 'outside of it')
      const { end, partitions } = await askToEnd(true)
      await mark(end, partitions)
      assert.equal(await send(p0, { baseSequence: 1 }), 'INVALID_TXN_STATE')
    })

    it('begin with their first record if it says so (KIP-890)', async () => {
      const joins = { kind: 'records', id: 'tx', joins: true } as const
      assert.equal(await send(p0, { baseSequence: 5, transaction: joins }), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
      assert.equal(await send(p0, { transaction: joins }), 0)
      const [described] = await metadata.findTransactions(['tx'])
      assert.deepEqual([described?.transaction.phase, described?.partitions], ['Ongoing', [p0]])
      assert.equal(await stable(p0), 0)
    })

    it('are not ended by markers that omit one of their partitions', async () => {
      await begin(p0)
      const { end, partitions } = await askToEnd(true)
      await begin(p1)
      assert.deepEqual(await mark(end, partitions), ['CONCURRENT_TRANSACTIONS'])
      assert.equal((await metadata.bounds([p0]))[0]!.highWatermark, 0)
      assert.deepEqual(await mark(end, [p0, p1]), [0, 0])
      assert.deepEqual(await mark(end, [p0, p1]), Array(2).fill('CONCURRENT_TRANSACTIONS'), 'they end once')
    })

    it('end without ending others in the same partition', async () => {
      await begin(p0)
      await send(p0)
      const other = await metadata.stepTransaction(
        'other',
        { kind: 'init', producer: null, timeoutMs: 1, freshProducerId: 78 },
        [],
        fence,
      )
      assert.ok(other.effect.kind === 'done')
      const ofOther = { producerId: 78, transaction: { kind: 'records', id: 'other', joins: true } as const }
      assert.equal(await send(p0, ofOther), 1)
      const { end, partitions } = await askToEnd(true)
      await mark(end, partitions)
      assert.equal(await stable(p0), 1)
    })

    it('hold group offsets until they are committed, and discard them when they are aborted', async () => {
      const groupFence = { lease: 'groups/1', epoch: 1 }
      const at = (offset: number, partition = 0) => ({
        ...{ topic: topic.id, partition, offset },
        ...{ leaderEpoch: -1, metadata: '', committedAt: suite.clock.now() },
      })
      const commit = (kind: 'begin' | 'join', offset: number) =>
        metadata.commitTransactionOffsets('tx', { kind, producer }, 'g', [at(offset), at(1, 9)], groupFence)
      const refusal = { kind: 'refuse', code: 'INVALID_TXN_STATE' }
      assert.deepEqual((await commit('join', 5)).effect, refusal, 'no transaction is open')
      await step({ kind: 'begin', producer, group: 'another' })
      assert.deepEqual((await commit('join', 5)).effect, refusal, 'the group was not added')
      await step({ kind: 'begin', producer, group: 'g' })
      assert.equal((await commit('join', 5)).effect.kind, 'done')
      assert.deepEqual((await metadata.findTransactions(['tx']))[0]?.groups, ['another', 'g'])
      for (const [isCommitted, offset, expected] of [
        [false, 5, undefined],
        [true, 7, 7],
      ] as const) {
        const { effect, problems } = await commit('begin', offset)
        assert.equal(effect.kind, 'done')
        assert.deepEqual(problems, [null, 'UNKNOWN_TOPIC_OR_PARTITION'])
        assert.deepEqual(await metadata.groupOffsets('g'), [])
        assert.deepEqual(await metadata.pendingOffsets('g'), [{ topic: topic.id, partition: 0 }])
        const event = { kind: 'end', producer, commit: isCommitted, nextEpoch: false, freshProducerId: -1 } as const
        assert.equal((await step(event)).effect.kind, 'done', 'without partitions no marker is needed')
        assert.deepEqual(await metadata.pendingOffsets('g'), [])
        assert.equal((await metadata.groupOffsets('g'))[0]?.offset, expected)
      }
    })

    it('are overdue from their timeout until their abort is complete', async () => {
      await begin(p0)
      suite.clock.pass(TIMEOUT_MS - 1)
      assert.deepEqual(await metadata.overdueTransactions(10), [])
      suite.clock.pass(1)
      assert.deepEqual(await metadata.overdueTransactions(10), ['tx'])
      const { effect, partitions } = await step({ kind: 'expire' })
      assert.ok(effect.kind === 'write_markers')
      assert.deepEqual(await metadata.overdueTransactions(10), ['tx'])
      await mark(effect.end, partitions)
      assert.deepEqual(await metadata.overdueTransactions(10), [])
    })

    it('are deleted with their topic, and their ids once unused', async () => {
      await begin(p0)
      await send(p0)
      await metadata.deleteTopics([topic.id], null)
      assert.deepEqual(
        (await metadata.findTransactions(['tx', 'none'])).map(one => one?.partitions ?? null),
        [[], null],
      )
      suite.clock.pass(10_000)
      assert.deepEqual(await metadata.expireTransactions(5000), [], 'it is open')
      await step({ kind: 'end', producer, commit: true, nextEpoch: false, freshProducerId: -1 })
      suite.clock.pass(10_000)
      assert.deepEqual(await metadata.expireTransactions(5000), ['tx'])
      assert.deepEqual(await metadata.listTransactions(), [])
    })

    it('are coordinated only by the holder of the lease', async () => {
      await metadata.releaseLeases('one')
      await metadata.acquireLeases(['transactions/1'], holder('two'), 1000)
      await assert.rejects(begin(p0), { code: 'fenced' })
    })

    it('are reported per producer of a partition', async () => {
      await begin(p0)
      await send(p0, { records: 3 })
      assert.deepEqual(await metadata.activeProducers([p0, p1]), [
        [{ ...producer, lastSequence: 2, updatedAt: suite.clock.now(), transactionStart: 0 }],
        [],
      ])
    })

    it('can be aborted in one partition by an operator', async () => {
      await begin(p0)
      await send(p0)
      const end = { id: null, producer, commit: false, markerEpoch: producer.epoch, next: producer }
      assert.deepEqual(await mark(end, [p0]), [1])
      assert.equal(await stable(p0), 2)
      assert.equal((await abortedFrom(p0, 0)).length, 1)
    })
  })
}

/** A batch of one record without a producer, except for the given fields. */
export function batch(partition: number, given: Partial<NewBatch> = {}): NewBatch {
  return {
    partition,
    position: 0,
    sizeBytes: 100,
    records: 1,
    maxTimestamp: 0,
    appendTime: false,
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    transaction: null,
    ...given,
  }
}
