import type { Sql } from '../../database/index.ts'
import type { Now } from '../now.ts'
import { MetadataError } from '../errors.ts'
import type {
  Appended,
  Assignment,
  Extent,
  ExtentAnswer,
  ExtentQuery,
  NewObject,
  PartitionBounds,
  PartitionId,
  TimeQuery,
} from '../metadata.ts'
import {
  type PartitionState,
  type Plan,
  type ProducerKey,
  type ProducerState,
  plan,
  producerKey,
  type RememberedBatch,
} from '../plan.ts'
import type { PartitionRow, ProducerRow } from '../schema.ts'

/** What a commit answers, and what its listeners learn. */
export interface Committed {
  readonly assignments: Assignment[][]
  readonly appended: readonly Appended[]
}

/** The most extents that one query answers, whatever its bytes. */
const MAX_EXTENTS = 1000

export const logReads = {
  findExtents: async (sql: Sql, queries: readonly ExtentQuery[]): Promise<(ExtentAnswer | null)[]> => {
    const bounds = await readBounds(
      sql,
      queries.map(({ partition }) => partition),
    )
    return Promise.all(
      queries.map(async ({ partition, offset, maxBytes }) => {
        const known = bounds.get(partition)
        return known ? { ...known, extents: await readExtents(sql, partition, offset, maxBytes) } : null
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
}

export const logWrites = {
  commit: async (sql: Sql, objects: readonly NewObject[], now: Now): Promise<Committed> => {
    const epochs = [...new Set(objects.map(({ epoch }) => epoch))]
    const [, before] = await Promise.all([checkEpochs(sql, epochs), readState(sql, objects)])
    const planned = plan(before, objects, now)
    await writePlan(sql, objects, planned, now)
    return { assignments: planned.assignments, appended: appendedBy(planned, before.firstUnstable) }
  },

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

/** Reads rows from which `extentOf` makes extents. */
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
  // In growing portions, because how many extents make up maxBytes is known only from their sizes.
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
        lastStableOffset: row.first_unstable ?? row.next_offset,
        sizeBytes: row.size_bytes,
      },
    ]),
  )
}

/** Rejects when one of the upload epochs is not open; none of them is closed before the transaction ends. */
export async function checkEpochs(sql: Sql, epochs: readonly number[]): Promise<void> {
  const open = await sql.all<{ id: number }>(
    'SELECT id FROM epochs WHERE open = 1 AND id IN (SELECT id FROM ROWS(id integer) AS r) ORDER BY id FOR SHARE',
    epochs.map(epoch => [epoch]),
  )
  if (open.length === epochs.length) return
  const closed = new Set(epochs).difference(new Set(open.map(({ id }) => id)))
  throw new MetadataError('epoch_closed', `the upload epoch ${[...closed].join(', ')} was closed`)
}

interface StateBefore {
  readonly partitions: ReadonlyMap<PartitionId, PartitionState>
  readonly producers: ReadonlyMap<ProducerKey, ProducerState>
  /** The first offsets of open transactions. */
  readonly firstUnstable: ReadonlyMap<PartitionId, number>
}

async function readState(sql: Sql, objects: readonly NewObject[]): Promise<StateBefore> {
  const ids = new Set<PartitionId>()
  const idempotent = new Map<ProducerKey, [PartitionId, number]>()
  for (const { batches } of objects) {
    for (const { partition, producerId } of batches) {
      ids.add(partition)
      if (producerId >= 0) idempotent.set(producerKey(partition, producerId), [partition, producerId])
    }
  }
  const [partitionRows, producerRows] = await Promise.all([
    sql.all<BoundsRow & Pick<PartitionRow, 'last_append_at'>>(
      `SELECT id, log_start, next_offset, first_unstable, size_bytes, last_append_at FROM partitions
       WHERE id IN (SELECT id FROM ROWS(id integer) AS r) ORDER BY id FOR NO KEY UPDATE`,
      Array.from(ids, id => [id]),
    ),
    // A statement of its own behind the lock: one that began before it waited would see producers as they were then.
    idempotent.size === 0
      ? []
      : sql.all<Pick<ProducerRow, 'partition' | 'id' | 'epoch' | 'batches'>>(
          `SELECT p.partition, p.id, p.epoch, p.batches FROM ROWS(partition integer, id integer) AS r
           CROSS JOIN producers AS p WHERE p.partition = r.partition AND p.id = r.id`,
          [...idempotent.values()],
        ),
  ])
  const partitions = new Map<PartitionId, PartitionState>()
  const firstUnstable = new Map<PartitionId, number>()
  for (const row of partitionRows) {
    partitions.set(row.id, {
      logStartOffset: row.log_start,
      nextOffset: row.next_offset,
      sizeBytes: row.size_bytes,
      lastAppendAt: row.last_append_at,
    })
    if (row.first_unstable !== null) firstUnstable.set(row.id, row.first_unstable)
  }
  const producers = new Map<ProducerKey, ProducerState>()
  for (const { partition, id, epoch, batches } of producerRows) {
    // The column is written by writePlan alone.
    producers.set(producerKey(partition, id), { epoch, batches: JSON.parse(batches) as RememberedBatch[] })
  }
  return { partitions, producers, firstUnstable }
}

async function writePlan(sql: Sql, objects: readonly NewObject[], planned: Plan, now: number): Promise<void> {
  await Promise.all([
    insertObjects(
      sql,
      objects.map(({ key, sizeBytes }, index) => ({ key, sizeBytes, extents: planned.extents[index]! })),
      now,
    ),
    sql.run(
      `UPDATE partitions SET next_offset = r.next_offset, size_bytes = r.size_bytes, last_append_at = r.last_append_at
       FROM ROWS(id integer, next_offset integer, size_bytes integer, last_append_at integer) AS r
       WHERE partitions.id = r.id`,
      Array.from(planned.partitions, ([id, state]) => [id, state.nextOffset, state.sizeBytes, state.lastAppendAt]),
    ),
    planned.producers.size === 0 ? undefined : writeProducers(sql, planned.producers, now),
  ])
}

async function writeProducers(
  sql: Sql,
  producers: ReadonlyMap<ProducerKey, ProducerState>,
  now: number,
): Promise<void> {
  await sql.run(
    `INSERT INTO producers (partition, id, epoch, batches, updated_at)
     SELECT partition, id, epoch, batches, updated_at
     FROM ROWS(partition integer, id integer, epoch integer, batches text, updated_at integer) AS r WHERE true
     ON CONFLICT (partition, id)
     DO UPDATE SET epoch = excluded.epoch, batches = excluded.batches, updated_at = excluded.updated_at`,
    Array.from(producers, ([key, { epoch, batches }]) => {
      const [partition, id] = key.split('/').map(Number)
      return [partition!, id!, epoch, JSON.stringify(batches), now]
    }),
  )
}

interface StoredObject {
  readonly key: string
  readonly sizeBytes: number
  readonly extents: readonly Extent[]
}

/** Remembers objects and what lies in them. An object without extents is garbage immediately. */
export async function insertObjects(sql: Sql, objects: readonly StoredObject[], now: number): Promise<void> {
  const rows = await sql.all<{ id: number; key: string }>(
    `INSERT INTO objects (key, size_bytes, extents, dead_at) SELECT key, size_bytes, extents, dead_at
     FROM ROWS(key text, size_bytes integer, extents integer, dead_at integer) AS r RETURNING id, key`,
    objects.map(({ key, sizeBytes, extents }) => [key, sizeBytes, extents.length, extents.length === 0 ? now : null]),
  )
  const ids = new Map(rows.map(({ id, key }) => [key, id]))
  await sql.run(
    `INSERT INTO extents (partition, last_offset, base_offset, object, position, size_bytes, max_timestamp, append_timestamp)
     SELECT partition, last_offset, base_offset, object, position, size_bytes, max_timestamp, append_timestamp
     FROM ROWS(partition integer, last_offset integer, base_offset integer, object integer, position integer,
       size_bytes integer, max_timestamp integer, append_timestamp integer) AS r`,
    objects.flatMap(({ extents }) =>
      extents.map(extent => [
        extent.partition,
        extent.lastOffset,
        extent.baseOffset,
        ids.get(extent.key)!,
        extent.position,
        extent.sizeBytes,
        extent.maxTimestamp,
        extent.appendTimestamp,
      ]),
    ),
  )
}

function appendedBy(planned: Plan, firstUnstable: ReadonlyMap<PartitionId, number>): Appended[] {
  const byPartition = Map.groupBy(planned.extents.flat(), ({ partition }) => partition)
  return Array.from(byPartition, ([partition, extents]) => {
    // A partition with a new extent has changed.
    const { logStartOffset, nextOffset, sizeBytes } = planned.partitions.get(partition)!
    const lastStableOffset = firstUnstable.get(partition) ?? nextOffset
    const appendedBytes = extents.reduce((sum, extent) => sum + extent.sizeBytes, 0)
    const bounds = { logStartOffset, highWatermark: nextOffset, lastStableOffset, sizeBytes }
    return { partition, extents, appendedBytes, ...bounds }
  })
}
