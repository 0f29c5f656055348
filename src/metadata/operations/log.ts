import type { Sql } from '../../database/index.ts'
import type { Now } from '../now.ts'
import { MetadataError } from '../errors.ts'
import type {
  AbortedTransaction,
  ActiveProducer,
  Extent,
  ExtentAnswer,
  ExtentQuery,
  NewObject,
  PartitionBounds,
  PartitionId,
  TimeQuery,
} from '../metadata.ts'
import {
  type Committed,
  type PartitionState,
  type Plan,
  type PlanState,
  type ProducerKey,
  type ProducerState,
  plan,
  producerKey,
  type RememberedBatch,
  type TransactionState,
} from '../plan.ts'
import type { PartitionRow, ProducerRow } from '../schema.ts'
import { epochsOf } from './leases.ts'
import type { TransactionEnd } from '../transaction.ts'
import { applyEnds, lockTransactions, readMembers, writeTransactions } from './transactions.ts'

/** Maximum number of extents that one query returns, whatever its bytes. */
const MAX_EXTENTS = 1000

export const logReads = {
  findExtents: async (sql: Sql, queries: readonly ExtentQuery[]): Promise<(ExtentAnswer | null)[]> => {
    const bounds = await readBounds(
      sql,
      queries.map(({ partition }) => partition),
    )
    return Promise.all(
      queries.map(async ({ partition, offset, maxBytes, withAborted }) => {
        const known = bounds.get(partition)
        if (!known) return null
        const extents = await readExtents(sql, partition, offset, maxBytes)
        const [first] = extents
        const aborted =
          withAborted && first ? await readAborted(sql, partition, first.baseOffset, extents.at(-1)!.lastOffset) : []
        return { ...known, extents, aborted }
      }),
    )
  },

  findByTime: async (sql: Sql, queries: readonly TimeQuery[]): Promise<(Extent | undefined | null)[]> => {
    const bounds = await readBounds(
      sql,
      queries.map(({ partition }) => partition),
    )
    return Promise.all(
      queries.map(async query => {
        const known = bounds.get(query.partition)
        return known ? readByTime(sql, query, known.logStartOffset) : null
      }),
    )
  },

  bounds: async (sql: Sql, partitions: readonly PartitionId[]): Promise<(PartitionBounds | null)[]> => {
    const bounds = await readBounds(sql, partitions)
    return partitions.map(partition => bounds.get(partition) ?? null)
  },

  activeProducers: async (sql: Sql, partitions: readonly PartitionId[]): Promise<ActiveProducer[][]> => {
    const rows = await sql.all<ProducerRow>(
      `SELECT p.partition, p.id, p.epoch, p.batches, p.transaction_start, p.updated_at FROM ROWS(partition integer) AS r
       CROSS JOIN producers AS p WHERE p.partition = r.partition ORDER BY p.id`,
      partitions.map(partition => [partition]),
    )
    const byPartition = Map.groupBy(rows, ({ partition }) => partition)
    return partitions.map(partition => (byPartition.get(partition) ?? []).map(activeProducer))
  },
}

export const logWrites = {
  commit: async (sql: Sql, objects: readonly NewObject[], now: Now): Promise<Committed> =>
    (await commitTogether(sql, [objects], now))[0]!,

  advanceLogStart: async (
    sql: Sql,
    changes: readonly { partition: PartitionId; offset: number }[],
  ): Promise<(PartitionBounds | null)[]> => {
    const ids = changes.map(({ partition }) => partition)
    const bounds = await readBounds(sql, ids, 'FOR NO KEY UPDATE')
    const advanced = new Map<PartitionId, number>()
    const answers = changes.map(({ partition, offset }) => {
      const known = bounds.get(partition)
      if (!known) return null
      if (offset <= known.logStartOffset || offset > known.highWatermark) return known
      advanced.set(partition, offset)
      const changed = { ...known, logStartOffset: offset }
      bounds.set(partition, changed)
      return changed
    })
    await sql.run(
      `UPDATE partitions SET log_start = r.log_start FROM ROWS(id integer, log_start integer) AS r
       WHERE partitions.id = r.id`,
      [...advanced],
    )
    await sql.run(
      'INSERT INTO cut_partitions (id) SELECT id FROM ROWS(id integer) AS r WHERE true ON CONFLICT DO NOTHING',
      Array.from(advanced.keys(), id => [id]),
    )
    return answers
  },

  expireProducers: async (sql: Sql, idleMs: number, now: Now): Promise<void> => {
    await sql.run('DELETE FROM producers WHERE updated_at < ? AND transaction_start IS NULL', now - idleMs)
  },

  openEpoch: async (sql: Sql, now: Now): Promise<number> => {
    const [row] = await sql.all<{ id: number }>('INSERT INTO epochs (open, renewed_at) VALUES (1, ?) RETURNING id', now)
    return row!.id
  },

  renewEpoch: async (sql: Sql, epoch: number, now: Now): Promise<boolean> =>
    (await sql.run('UPDATE epochs SET renewed_at = ? WHERE id = ? AND open = 1', now, epoch)) > 0,

  closeEpoch: async (sql: Sql, epoch: number): Promise<void> => {
    await sql.run('UPDATE epochs SET open = 0 WHERE id = ?', epoch)
  },
}

/** Commits of several callers in one transaction: all of them are committed, or none. */
export async function commitTogether(
  sql: Sql,
  commits: readonly (readonly NewObject[])[],
  now: number,
): Promise<readonly Committed[]> {
  const objects = commits.flat()
  const epochs = [...new Set(objects.map(({ epoch }) => epoch))]
  const [, before] = await Promise.all([checkEpochs(sql, epochs), readState(sql, objects)])
  const planned = plan(before, commits, now)
  await writePlan(sql, objects, before, planned, now)
  return planned.commits
}

/** Selects the rows that `extentOf` converts to extents. */
export const EXTENTS = `SELECT e.partition, e.base_offset, e.last_offset, o.key, e.position, e.size_bytes, e.max_timestamp,
  e.append_timestamp FROM extents AS e JOIN objects AS o ON o.id = e.object`

export interface ExtentRow {
  readonly partition: number
  readonly base_offset: number
  readonly last_offset: number
  readonly key: string
  readonly position: number
  readonly size_bytes: number
  readonly max_timestamp: number
  readonly append_timestamp: number
}

export function extentOf(row: ExtentRow): Extent {
  return {
    partition: row.partition,
    baseOffset: row.base_offset,
    lastOffset: row.last_offset,
    key: row.key,
    position: row.position,
    sizeBytes: row.size_bytes,
    maxTimestamp: row.max_timestamp,
    appendTimestamp: row.append_timestamp,
  }
}

async function readExtents(sql: Sql, partition: PartitionId, offset: number, maxBytes: number): Promise<Extent[]> {
  const extents: Extent[] = []
  let from = offset
  let wanted = 8
  let bytes = 0
  // In growing portions: how many extents make up maxBytes is known only from their sizes.
  while (extents.length < MAX_EXTENTS) {
    const rows = await sql.all<ExtentRow>(
      `${EXTENTS} WHERE e.partition = ? AND e.last_offset >= ? ORDER BY e.last_offset LIMIT ?`,
      partition,
      from,
      wanted,
    )
    for (const row of rows) {
      extents.push(extentOf(row))
      bytes += row.size_bytes
      if (bytes >= maxBytes) return extents
    }
    if (rows.length < wanted) return extents
    from = rows.at(-1)!.last_offset + 1
    wanted *= 4
  }
  return extents
}

async function readByTime(sql: Sql, query: TimeQuery, logStart: number): Promise<Extent | undefined> {
  const from = Math.max(query.offset, logStart)
  const ofPartition = `${EXTENTS} WHERE e.partition = ? AND e.last_offset >= ?`
  const rows =
    query.kind === 'since'
      ? await sql.all<ExtentRow>(
          `${ofPartition} AND e.max_timestamp >= ? ORDER BY e.last_offset LIMIT 1`,
          query.partition,
          from,
          query.timestamp,
        )
      : await sql.all<ExtentRow>(
          `${ofPartition} ORDER BY e.max_timestamp DESC, e.last_offset LIMIT 1`,
          query.partition,
          from,
        )
  return rows[0] && extentOf(rows[0])
}

type BoundsRow = Pick<PartitionRow, 'id' | 'log_start' | 'next_offset' | 'first_unstable' | 'size_bytes'>

async function readBounds(
  sql: Sql,
  partitions: readonly PartitionId[],
  lock: '' | 'FOR NO KEY UPDATE' = '',
): Promise<Map<PartitionId, PartitionBounds>> {
  const rows = await sql.all<BoundsRow>(
    `SELECT id, log_start, next_offset, first_unstable, size_bytes FROM partitions
     WHERE id IN (SELECT id FROM ROWS(id integer) AS r) ORDER BY id ${lock}`,
    [...new Set(partitions)].map(id => [id]),
  )
  return new Map(
    rows.map(row => [
      row.id,
      {
        logStartOffset: row.log_start,
        highWatermark: row.next_offset,
        // Retention may have removed the beginning of an open transaction.
        lastStableOffset: Math.max(row.first_unstable ?? row.next_offset, row.log_start),
        sizeBytes: row.size_bytes,
      },
    ]),
  )
}

/** Rejects if one of the upload epochs is not open; none of them can be closed before the transaction ends. */
export async function checkEpochs(sql: Sql, epochs: readonly number[]): Promise<void> {
  const open = await sql.all<{ id: number }>(
    'SELECT id FROM epochs WHERE open = 1 AND id IN (SELECT id FROM ROWS(id integer) AS r) ORDER BY id FOR SHARE',
    epochs.map(epoch => [epoch]),
  )
  if (open.length === epochs.length) return
  const closed = new Set(epochs).difference(new Set(open.map(({ id }) => id)))
  throw new MetadataError('epoch_closed', `the upload epoch ${[...closed].join(', ')} was closed`)
}

interface Wanted {
  readonly partitions: ReadonlySet<PartitionId>
  readonly producers: ReadonlyMap<ProducerKey, readonly [PartitionId, number]>
  readonly transactions: ReadonlySet<string>
  /** The partitions that get markers. */
  readonly marked: ReadonlySet<PartitionId>
  /** The leases of the fences. */
  readonly leases: ReadonlySet<string>
}

/** Collects what the objects refer to. */
function wantedBy(objects: readonly NewObject[]): Wanted {
  const partitions = new Set<PartitionId>()
  const producers = new Map<ProducerKey, readonly [PartitionId, number]>()
  const transactions = new Set<string>()
  const marked = new Set<PartitionId>()
  const leases = new Set<string>()
  for (const { batches } of objects) {
    for (const { partition, producerId, transaction, fence } of batches) {
      partitions.add(partition)
      if (fence !== undefined) leases.add(fence.lease)
      if (producerId >= 0) producers.set(producerKey(partition, producerId), [partition, producerId])
      if (transaction === null) continue
      const id = transaction.kind === 'marker' ? transaction.end.id : transaction.id
      if (id !== null) transactions.add(id)
      if (transaction.kind === 'marker') marked.add(partition)
    }
  }
  return { partitions, producers, transactions, marked, leases }
}

/**
 * Locks and reads what a commit needs: each lock before what it protects, all in
 * the order of `docs/adr/0013-database.md`.
 */
async function readState(sql: Sql, objects: readonly NewObject[]): Promise<PlanState> {
  const { partitions: ids, producers: idempotent, transactions: transactional, marked, leases } = wantedBy(objects)
  const fences = leases.size === 0 ? undefined : epochsOf(sql, [...leases])
  const locked = transactional.size === 0 ? undefined : lockTransactions(sql, [...transactional])
  const [fenceEpochs, transactions, partitionRows, producerRows, members, openRows] = await Promise.all([
    fences,
    locked,
    sql.all<BoundsRow & Pick<PartitionRow, 'last_append_at'>>(
      `SELECT id, log_start, next_offset, first_unstable, size_bytes, last_append_at FROM partitions
       WHERE id IN (SELECT id FROM ROWS(id integer) AS r) ORDER BY id FOR NO KEY UPDATE`,
      Array.from(ids, id => [id]),
    ),
    // A separate statement after the lock: one that began before the wait for the lock
    // would see the producers as they were then.
    idempotent.size === 0
      ? []
      : sql.all<Pick<ProducerRow, 'partition' | 'id' | 'epoch' | 'batches' | 'transaction_start'>>(
          `SELECT p.partition, p.id, p.epoch, p.batches, p.transaction_start FROM ROWS(partition integer, id integer) AS r
           CROSS JOIN producers AS p WHERE p.partition = r.partition AND p.id = r.id`,
          [...idempotent.values()],
        ),
    transactional.size === 0 ? undefined : readMembers(sql, [...transactional]),
    marked.size === 0
      ? []
      : sql.all<Pick<ProducerRow, 'partition' | 'id' | 'transaction_start'>>(
          `SELECT p.partition, p.id, p.transaction_start FROM ROWS(partition integer) AS r
           CROSS JOIN producers AS p WHERE p.partition = r.partition AND p.transaction_start IS NOT NULL`,
          Array.from(marked, partition => [partition]),
        ),
  ])
  return {
    partitions: new Map(partitionRows.map(row => [row.id, partitionState(row)])),
    producers: new Map(
      producerRows.map(row => [
        producerKey(row.partition, row.id),
        // Only writePlan writes the column.
        {
          epoch: row.epoch,
          batches: JSON.parse(row.batches) as RememberedBatch[], // stored by this module
          transactionStart: row.transaction_start,
        },
      ]),
    ),
    transactions: new Map<string, TransactionState>(
      Array.from(transactions ?? [], ([id, transaction]) => [
        id,
        { transaction, partitions: members?.get(id) ?? new Set() },
      ]),
    ),
    open: openTransactions(marked, openRows),
    fences: fenceEpochs ?? new Map<string, number>(),
  }
}

function partitionState(row: BoundsRow & Pick<PartitionRow, 'last_append_at'>): PartitionState {
  return {
    logStartOffset: row.log_start,
    nextOffset: row.next_offset,
    sizeBytes: row.size_bytes,
    lastAppendAt: row.last_append_at,
    firstUnstable: row.first_unstable,
  }
}

function openTransactions(
  partitions: ReadonlySet<PartitionId>,
  rows: readonly Pick<ProducerRow, 'partition' | 'id' | 'transaction_start'>[],
): Map<PartitionId, Map<number, number>> {
  const open = new Map(Array.from(partitions, partition => [partition, new Map<number, number>()]))
  for (const { partition, id, transaction_start: start } of rows) open.get(partition)!.set(id, start!)
  return open
}

async function writePlan(
  sql: Sql,
  objects: readonly NewObject[],
  before: PlanState,
  planned: Plan,
  now: number,
): Promise<void> {
  const { extents, partitions, producers, transactions, aborted, ends } = planned
  insertObjects(
    sql,
    objects.map(({ key, sizeBytes }, index) => ({ key, sizeBytes, extents: extents[index]! })),
    now,
  )
  sql.runLast(
    `UPDATE partitions SET next_offset = r.next_offset, size_bytes = r.size_bytes, last_append_at = r.last_append_at,
       first_unstable = r.first_unstable
     FROM ROWS(id integer, next_offset integer, size_bytes integer, last_append_at integer, first_unstable integer) AS r
     WHERE partitions.id = r.id`,
    Array.from(partitions, ([id, state]) => [
      id,
      state.nextOffset,
      state.sizeBytes,
      state.lastAppendAt,
      state.firstUnstable,
    ]),
  )
  if (producers.size > 0) writeProducers(sql, producers, now)
  if (aborted.size > 0) insertAborted(sql, aborted)
  if (transactions.size > 0) await writeTransactionsOf(sql, before, transactions, ends, now)
}

async function writeTransactionsOf(
  sql: Sql,
  before: PlanState,
  transactions: ReadonlyMap<string, TransactionState>,
  ends: readonly TransactionEnd[],
  now: number,
): Promise<void> {
  const changed = Array.from(transactions.values(), ({ transaction }) => transaction)
  const ended = new Set(ends.map(({ id }) => id))
  const added = Array.from(transactions, ([id, { partitions }]) => {
    const known = ended.has(id) ? undefined : before.transactions.get(id)?.partitions
    return [id, known ? [...partitions.difference(known)] : [...partitions]] as const
  })
  await applyEnds(sql, ends, now)
  await writeTransactions(sql, changed, new Map(added), now)
}

function insertAborted(sql: Sql, aborted: ReadonlyMap<PartitionId, readonly AbortedTransaction[]>): void {
  sql.runLast(
    `INSERT INTO aborted_transactions (partition, last_offset, producer_id, first_offset)
     SELECT partition, last_offset, producer_id, first_offset
     FROM ROWS(partition integer, last_offset integer, producer_id integer, first_offset integer) AS r`,
    Array.from(aborted, ([partition, some]) =>
      some.map(({ lastOffset, producerId, firstOffset }) => [partition, lastOffset, producerId, firstOffset]),
    ).flat(),
  )
}

function writeProducers(sql: Sql, producers: ReadonlyMap<ProducerKey, ProducerState>, now: number): void {
  sql.runLast(
    `INSERT INTO producers (partition, id, epoch, batches, transaction_start, updated_at)
     SELECT partition, id, epoch, batches, transaction_start, updated_at
     FROM ROWS(partition integer, id integer, epoch integer, batches text, transaction_start integer, updated_at integer)
       AS r WHERE true
     ON CONFLICT (partition, id) DO UPDATE SET epoch = excluded.epoch, batches = excluded.batches,
       transaction_start = excluded.transaction_start, updated_at = excluded.updated_at`,
    Array.from(producers, ([key, { epoch, batches, transactionStart }]) => {
      const [partition, id] = key.split('/').map(Number)
      return [partition!, id!, epoch, JSON.stringify(batches), transactionStart, now]
    }),
  )
}

function activeProducer({
  id,
  epoch,
  batches,
  transaction_start: transactionStart,
  updated_at,
}: ProducerRow): ActiveProducer {
  // Only writePlan writes the column.
  const remembered = JSON.parse(batches) as RememberedBatch[]
  return { producerId: id, epoch, lastSequence: remembered.at(-1)?.[1] ?? -1, updatedAt: updated_at, transactionStart }
}

/** Aborted transactions with records up to `to` (inclusive) that end at or after `from`, by first offset. */
async function readAborted(sql: Sql, partition: PartitionId, from: number, to: number): Promise<AbortedTransaction[]> {
  const rows = await sql.all<{ producer_id: number; first_offset: number; last_offset: number }>(
    `SELECT producer_id, first_offset, last_offset FROM aborted_transactions
     WHERE partition = ? AND last_offset >= ? AND first_offset <= ? ORDER BY first_offset`,
    partition,
    from,
    to,
  )
  return rows.map(row => ({
    producerId: row.producer_id,
    firstOffset: row.first_offset,
    lastOffset: row.last_offset,
  }))
}

interface StoredObject {
  readonly key: string
  readonly sizeBytes: number
  readonly extents: readonly Extent[]
}

/** Stores objects and their extents, together with the commit. An object without extents is garbage immediately. */
export function insertObjects(sql: Sql, objects: readonly StoredObject[], now: number): void {
  sql.runLast(
    `INSERT INTO objects (key, size_bytes, live_bytes, extents, dead_at)
     SELECT key, size_bytes, live_bytes, extents, dead_at
     FROM ROWS(key text, size_bytes integer, live_bytes integer, extents integer, dead_at integer) AS r`,
    objects.map(({ key, sizeBytes, extents }) => {
      const liveBytes = extents.reduce((sum, extent) => sum + extent.sizeBytes, 0)
      return [key, sizeBytes, liveBytes, extents.length, extents.length === 0 ? now : null]
    }),
  )
  sql.runLast(
    `INSERT INTO extents (partition, last_offset, base_offset, object, position, size_bytes, max_timestamp, append_timestamp)
     SELECT partition, last_offset, base_offset, (SELECT o.id FROM objects AS o WHERE o.key = r.key), position, size_bytes,
       max_timestamp, append_timestamp
     FROM ROWS(partition integer, last_offset integer, base_offset integer, key text, position integer,
       size_bytes integer, max_timestamp integer, append_timestamp integer) AS r`,
    objects.flatMap(({ extents }) =>
      extents.map(extent => [
        extent.partition,
        extent.lastOffset,
        extent.baseOffset,
        extent.key,
        extent.position,
        extent.sizeBytes,
        extent.maxTimestamp,
        extent.appendTimestamp,
      ]),
    ),
  )
}
