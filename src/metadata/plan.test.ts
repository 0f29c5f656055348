import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { NewBatch, NewObject } from './metadata.ts'
import { type PartitionState, type Plan, type PlanState, type ProducerState, plan, producerKey } from './plan.ts'

const emptyPartition: PartitionState = {
  logStartOffset: 0,
  nextOffset: 0,
  sizeBytes: 0,
  lastAppendAt: 0,
  firstUnstable: null,
}

describe('plan', () => {
  it('assigns dense offsets across batches and objects', () => {
    const { plan, partitions } = run([
      object('a', [batch(1, { records: 3 }), batch(1, { records: 2 }), batch(2)]),
      object('b', [batch(1)]),
    ])
    assert.deepEqual(offsets(plan), [[0, 3, 0], [5]])
    assert.equal(partitions.get(1)?.nextOffset, 6)
  })

  it('reports to each of several commits its own appends, with the bounds after it', () => {
    const partitions = new Map([[1, { ...emptyPartition, firstUnstable: 0, nextOffset: 5 }]])
    const open = new Map([[1, new Map([[7, 0]])]])
    const producers = new Map([[producerKey(1, 7), { epoch: 0, batches: [], transactionStart: 0 }]])
    const end = {
      ...{ id: null, commit: false, markerEpoch: 0 },
      ...{ producer: { producerId: 7, epoch: 0 }, next: { producerId: 7, epoch: 0 } },
    }
    const marker = batch(1, { producerId: 7, transaction: { kind: 'marker', end } })
    const { commits } = plan(
      { partitions, producers, transactions: new Map(), open, fences: new Map() },
      [[object('a', [batch(1)])], [object('b', [marker])], [object('c', [batch(1), batch(2)])]],
      0,
    )
    const reported = commits.map(({ appended }) =>
      appended.map(({ extents, aborted, ...bounds }) => ({ ...bounds, keys: extents.map(({ key }) => key), aborted })),
    )
    const common = { partition: 1, appendedBytes: 100, logStartOffset: 0 }
    assert.deepEqual(reported, [
      [{ ...common, highWatermark: 6, lastStableOffset: 0, sizeBytes: 100, keys: ['a'], aborted: [] }],
      [
        {
          ...{ ...common, highWatermark: 7, lastStableOffset: 7, sizeBytes: 200, keys: ['b'] },
          aborted: [{ producerId: 7, firstOffset: 0, lastOffset: 6 }],
        },
      ],
      [{ ...common, highWatermark: 8, lastStableOffset: 8, sizeBytes: 300, keys: ['c'], aborted: [] }],
    ])
    assert.deepEqual(offsets({ commits }).flat(), [5, 6, 7, 'UNKNOWN_TOPIC_OR_PARTITION'])
  })

  it('joins adjacent batches into one extent', () => {
    const batches = [
      batch(1, { position: 0, sizeBytes: 100, records: 3, maxTimestamp: 7 }),
      batch(1, { position: 100, sizeBytes: 50, records: 2, maxTimestamp: 5 }),
      batch(2, { position: 150, sizeBytes: 80 }),
    ]
    const { plan } = run([object('a', batches)])
    assert.deepEqual(plan.extents, [
      [
        {
          partition: 1,
          baseOffset: 0,
          lastOffset: 4,
          key: 'a',
          position: 0,
          sizeBytes: 150,
          maxTimestamp: 7,
          appendTimestamp: -1,
        },
        {
          partition: 2,
          baseOffset: 0,
          lastOffset: 0,
          key: 'a',
          position: 150,
          sizeBytes: 80,
          maxTimestamp: 0,
          appendTimestamp: -1,
        },
      ],
    ])
  })

  it('rejects batches for a missing partition, and accepts the rest', () => {
    const { plan } = run([object('a', [batch(9), batch(1)])])
    assert.deepEqual(offsets(plan), [['UNKNOWN_TOPIC_OR_PARTITION', 0]])
  })

  it('excludes rejected batches from the extents', () => {
    const { plan } = run([
      object('a', [
        batch(1, { position: 0, sizeBytes: 10, producerId: 5, baseSequence: 0 }),
        batch(1, { position: 10, sizeBytes: 10, producerId: 5, baseSequence: 7 }),
        batch(1, { position: 20, sizeBytes: 10, producerId: 5, baseSequence: 1 }),
      ]),
    ])
    assert.deepEqual(offsets(plan), [[0, 'OUT_OF_ORDER_SEQUENCE_NUMBER', 1]])
    assert.deepEqual(
      plan.extents[0]?.map(({ position }) => position),
      [0, 20],
    )
  })

  it('never lets LogAppendTime go backwards', () => {
    const first = run([object('a', [batch(1, { appendTime: true })])], {}, 1000)
    const second = run([object('b', [batch(1, { appendTime: true })])], first, 900)
    assert.deepEqual(
      [first, second].map(({ plan }) => assignments(plan)[0]?.[0]),
      [0, 1].map(baseOffset => ({ ok: true, baseOffset, appendTimestamp: 1000, logStartOffset: 0, duplicate: false })),
    )
    assert.equal(second.plan.extents[0]?.[0]?.maxTimestamp, 1000)
  })
})

describe('an idempotent producer', () => {
  const send = (baseSequence: number, records = 1, producerEpoch = 0) =>
    batch(1, { producerId: 5, producerEpoch, baseSequence, records })
  const results = (...batches: NewBatch[]) => offsets(run([object('a', batches)]).plan)[0]

  it('may start at any sequence number if it is unknown', () => {
    assert.deepEqual(results(send(17), send(18)), [0, 1])
  })

  it('continues its sequence', () => {
    assert.deepEqual(results(send(0, 3), send(3, 2), send(5)), [0, 3, 5])
  })

  it('must not leave a gap or overlap', () => {
    assert.deepEqual(results(send(0, 3), send(4), send(2, 2), send(0, 2)), [
      0,
      ...Array(3).fill('OUT_OF_ORDER_SEQUENCE_NUMBER'),
    ])
  })

  it('gets the original offset again for each of its latest five batches', () => {
    const { plan } = run([
      object(
        'a',
        [0, 1, 2, 3, 4, 5, 1, 5, 3, 0].map(sequence => send(sequence)),
      ),
    ])
    assert.deepEqual(offsets(plan), [[0, 1, 2, 3, 4, 5, 1, 5, 3, 'OUT_OF_ORDER_SEQUENCE_NUMBER']])
    assert.deepEqual(
      assignments(plan)[0]?.map(one => one.ok && one.duplicate),
      [...Array(6).fill(false), true, true, true, false],
    )
  })

  it('is recognised in a later commit', () => {
    const first = run([object('a', [send(0), send(1)])])
    assert.deepEqual(offsets(run([object('b', [send(0), send(2), send(4)])], first).plan), [
      [0, 2, 'OUT_OF_ORDER_SEQUENCE_NUMBER'],
    ])
  })

  it('wraps its sequence to 0 after 2^31 - 1, between batches and within one', () => {
    const last = 2 ** 31 - 1
    assert.deepEqual(results(send(last - 1, 2), send(0), send(1)), [0, 2, 3])
    assert.deepEqual(results(send(last - 1, 4), send(2), send(last - 1, 4)), [0, 4, 0])
    assert.deepEqual(results(send(last), send(1)), [0, 'OUT_OF_ORDER_SEQUENCE_NUMBER'])
  })

  it('starts at 0 in a new epoch, and is fenced in an old one', () => {
    const result = results(send(0), send(5, 1, 1), send(0, 1, 1), send(1), send(1, 1, 1))
    assert.deepEqual(result, [0, 'OUT_OF_ORDER_SEQUENCE_NUMBER', 1, 'INVALID_PRODUCER_EPOCH', 2])
  })

  it('has an independent sequence in each partition', () => {
    assert.deepEqual(results(send(0), batch(2, { producerId: 5, baseSequence: 0 }), send(1)), [0, 0, 1])
  })
})

function batch(partition: number, given: Partial<NewBatch> = {}): NewBatch {
  return {
    partition,
    position: 0,
    sizeBytes: 100,
    records: 1,
    maxTimestamp: 0,
    appendTime: false,
    producerId: -1,
    producerEpoch: given.producerId === undefined ? -1 : 0,
    baseSequence: -1,
    transaction: null,
    ...given,
  }
}

function object(key: string, batches: NewBatch[]): NewObject {
  return { key, sizeBytes: 0, epoch: 1, batches }
}

/** Plans on the state that an earlier run left, or on two empty partitions 1 and 2. */
function run(objects: NewObject[], earlier: Partial<PlanState> = {}, now = 0): PlanState & { plan: Plan } {
  const partitions = new Map<number, PartitionState>(
    earlier.partitions ?? [
      [1, emptyPartition],
      [2, emptyPartition],
    ],
  )
  const producers = new Map<ReturnType<typeof producerKey>, ProducerState>(earlier.producers ?? [])
  const transactions = new Map(earlier.transactions ?? [])
  const open = openTransactions(producers)
  const fences = new Map(earlier.fences ?? [])
  const result = plan({ partitions, producers, transactions, open, fences }, [objects], now)
  for (const [id, partition] of result.partitions) partitions.set(id, partition)
  for (const [key, producer] of result.producers) producers.set(key, producer)
  for (const [id, transaction] of result.transactions) transactions.set(id, transaction)
  return { partitions, producers, transactions, open, fences, plan: result }
}

function openTransactions(producers: ReadonlyMap<string, ProducerState>): Map<number, Map<number, number>> {
  const open = new Map<number, Map<number, number>>()
  for (const [key, { transactionStart }] of producers) {
    const [partition = NaN, id = NaN] = key.split('/').map(Number)
    if (transactionStart === null) continue
    open.set(partition, (open.get(partition) ?? new Map<number, number>()).set(id, transactionStart))
  }
  return open
}

function assignments({ commits }: Pick<Plan, 'commits'>) {
  return commits.flatMap(commit => commit.assignments)
}

function offsets(plan: Pick<Plan, 'commits'>): (number | string)[][] {
  return assignments(plan).map(of => of.map(one => (one.ok ? one.baseOffset : one.code)))
}
