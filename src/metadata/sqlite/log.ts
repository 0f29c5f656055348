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
import type { Database } from './database.ts'
import { fact, setFact } from './topics.ts'

/** What a commit answers, and what its listeners are told. */
export interface Committed {
  readonly assignments: Assignment[][]
  readonly appended: readonly Appended[]
}

/** The most extents that one query answers, whatever its bytes. */
const MAX_EXTENTS = 1000

export const logReads = {
  findExtents: (database: Database, queries: readonly ExtentQuery[]): (ExtentAnswer | null)[] =>
    queries.map(({ partition, offset, maxBytes }) => {
      const bounds = readBounds(database, partition)
      return bounds && { ...bounds, extents: readExtents(database, partition, offset, maxBytes) }
    }),

  findByTime: (database: Database, queries: readonly TimeQuery[]): (Extent | undefined | null)[] =>
    queries.map(query => {
      const bounds = readBounds(database, query.partition)
      if (!bounds) return null
      switch (query.kind) {
        case 'since':
          return extentOf(
            database.get<ExtentRow>(
              `${EXTENTS} WHERE partition = ? AND last_offset >= ? AND max_timestamp >= ? ORDER BY last_offset LIMIT 1`,
              query.partition,
              Math.max(query.offset, bounds.logStartOffset),
              query.timestamp,
            ),
          )
        case 'max':
          return extentOf(
            database.get<ExtentRow>(
              `${EXTENTS} WHERE partition = ? AND last_offset >= ? ORDER BY max_timestamp DESC, last_offset LIMIT 1`,
              query.partition,
              Math.max(query.offset, bounds.logStartOffset),
            ),
          )
      }
    }),

  bounds: (database: Database, partitions: readonly PartitionId[]): (PartitionBounds | null)[] =>
    partitions.map(partition => readBounds(database, partition)),
}

export const logWrites = {
  commit: (database: Database, objects: readonly NewObject[], now: number): Committed => {
    for (const { epoch } of objects) checkEpoch(database, epoch)
    const planned = plan(readState(database, objects), objects, now)
    writePlan(database, objects, planned, now)
    return { assignments: planned.assignments, appended: appendedBy(database, planned) }
  },

  advanceLogStart: (
    database: Database,
    changes: readonly { partition: PartitionId; offset: number }[],
  ): (PartitionBounds | null)[] =>
    changes.map(({ partition, offset }) => {
      database.run(
        'UPDATE partitions SET log_start = ? WHERE id = ? AND log_start < ? AND next_offset >= ?',
        offset,
        partition,
        offset,
        offset,
      )
      return readBounds(database, partition)
    }),

  allocateProducerIds: (database: Database, count: number): number => {
    const first = Number(fact(database, 'next_producer_id') ?? 0)
    setFact(database, 'next_producer_id', String(first + count))
    return first
  },

  expireProducers: (database: Database, idleMs: number, now: number): void => {
    database.run('DELETE FROM producers WHERE updated_at < ? AND transaction_start IS NULL', now - idleMs)
  },

  openEpoch: (database: Database, now: number): number =>
    database.run('INSERT INTO epochs (open, renewed_at) VALUES (1, ?)', now).id,

  renewEpoch: (database: Database, epoch: number, now: number): boolean =>
    database.run('UPDATE epochs SET renewed_at = ? WHERE id = ? AND open = 1', now, epoch).changes > 0,

  closeEpoch: (database: Database, epoch: number): void => {
    database.run('UPDATE epochs SET open = 0 WHERE id = ?', epoch)
  },
}

/** Reads rows from which `extentOf` makes extents. */
export const EXTENTS = `SELECT partition, base_offset, last_offset, key, position, extents.size_bytes AS size_bytes,
  max_timestamp, append_timestamp FROM extents JOIN objects ON objects.id = extents.object`

export type ExtentRow = {
  partition: number
  base_offset: number
  last_offset: number
  key: string
  position: number
  size_bytes: number
  max_timestamp: number
  append_timestamp: number
}

export function extentOf(row: ExtentRow): Extent
export function extentOf(row: ExtentRow | undefined): Extent | undefined
export function extentOf(row: ExtentRow | undefined): Extent | undefined {
  return (
    row && {
      partition: row.partition,
      baseOffset: row.base_offset,
      lastOffset: row.last_offset,
      key: row.key,
      position: row.position,
      sizeBytes: row.size_bytes,
      maxTimestamp: row.max_timestamp,
      appendTimestamp: row.append_timestamp,
    }
  )
}

function readExtents(database: Database, partition: PartitionId, offset: number, maxBytes: number): Extent[] {
  const extents: Extent[] = []
  let from = offset
  let wanted = 8
  let bytes = 0
  // In growing portions, because how many extents make up maxBytes is known only from their sizes.
  while (extents.length < MAX_EXTENTS) {
    const rows = database.all<ExtentRow>(
      `${EXTENTS} WHERE partition = ? AND last_offset >= ? ORDER BY last_offset LIMIT ?`,
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

function readBounds(database: Database, partition: PartitionId): PartitionBounds | null {
  const row = database.get<{
    log_start: number
    next_offset: number
    first_unstable: number | null
    size_bytes: number
  }>('SELECT log_start, next_offset, first_unstable, size_bytes FROM partitions WHERE id = ?', partition)
  if (!row) return null
  return {
    logStartOffset: row.log_start,
    highWatermark: row.next_offset,
    lastStableOffset: row.first_unstable ?? row.next_offset,
    sizeBytes: row.size_bytes,
  }
}

export function checkEpoch(database: Database, epoch: number): void {
  const open = database.get('SELECT id FROM epochs WHERE id = ? AND open = 1', epoch)
  if (!open) throw new MetadataError('epoch_closed', `the upload epoch ${epoch} was closed`)
}

function readState(database: Database, objects: readonly NewObject[]) {
  const partitions = new Map<PartitionId, PartitionState>()
  const producers = new Map<ProducerKey, ProducerState>()
  const asked = new Set<number | ProducerKey>()
  for (const { batches } of objects) {
    for (const { partition, producerId } of batches) {
      if (!asked.has(partition)) {
        asked.add(partition)
        const state = readPartition(database, partition)
        if (state) partitions.set(partition, state)
      }
      if (producerId < 0) continue
      const key = producerKey(partition, producerId)
      if (asked.has(key)) continue
      asked.add(key)
      const state = readProducer(database, partition, producerId)
      if (state) producers.set(key, state)
    }
  }
  return { partitions, producers }
}

function readPartition(database: Database, partition: PartitionId): PartitionState | undefined {
  const row = database.get<{ log_start: number; next_offset: number; size_bytes: number; last_append_at: number }>(
    'SELECT log_start, next_offset, size_bytes, last_append_at FROM partitions WHERE id = ?',
    partition,
  )
  return (
    row && {
      logStartOffset: row.log_start,
      nextOffset: row.next_offset,
      sizeBytes: row.size_bytes,
      lastAppendAt: row.last_append_at,
    }
  )
}

function readProducer(database: Database, partition: PartitionId, id: number): ProducerState | undefined {
  const row = database.get<{ epoch: number; batches: string }>(
    'SELECT epoch, batches FROM producers WHERE partition = ? AND id = ?',
    partition,
    id,
  )
  // The column is written by writePlan alone.
  return row && { epoch: row.epoch, batches: JSON.parse(row.batches) as RememberedBatch[] }
}

function writePlan(database: Database, objects: readonly NewObject[], planned: Plan, now: number): void {
  objects.forEach(({ key, sizeBytes }, index) => {
    insertObject(database, { key, sizeBytes, extents: planned.extents[index]! }, now)
  })
  for (const [id, state] of planned.partitions) {
    database.run(
      'UPDATE partitions SET next_offset = ?, size_bytes = ?, last_append_at = ? WHERE id = ?',
      state.nextOffset,
      state.sizeBytes,
      state.lastAppendAt,
      id,
    )
  }
  for (const [key, { epoch, batches }] of planned.producers) {
    const [partition, id] = key.split('/').map(Number)
    database.run(
      `INSERT INTO producers (partition, id, epoch, batches, updated_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET epoch = excluded.epoch, batches = excluded.batches, updated_at = excluded.updated_at`,
      partition!,
      id!,
      epoch,
      JSON.stringify(batches),
      now,
    )
  }
}

/** Remembers an object and what lies in it; with nothing in it, it is dead from birth. */
export function insertObject(
  database: Database,
  { key, sizeBytes, extents }: { key: string; sizeBytes: number; extents: readonly Extent[] },
  now: number,
): void {
  const { id } = database.run(
    'INSERT INTO objects (key, size_bytes, extents, dead_at) VALUES (?, ?, ?, ?)',
    key,
    sizeBytes,
    extents.length,
    extents.length === 0 ? now : null,
  )
  for (const extent of extents) {
    database.run(
      'INSERT INTO extents VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      extent.partition,
      extent.lastOffset,
      extent.baseOffset,
      id,
      extent.position,
      extent.sizeBytes,
      extent.maxTimestamp,
      extent.appendTimestamp,
    )
  }
}

function appendedBy(database: Database, planned: Plan): Appended[] {
  const byPartition = new Map<PartitionId, Extent[]>()
  for (const extents of planned.extents) {
    for (const extent of extents) {
      const of = byPartition.get(extent.partition)
      if (of) of.push(extent)
      else byPartition.set(extent.partition, [extent])
    }
  }
  return [...byPartition].map(([partition, extents]) => ({ ...readBounds(database, partition)!, partition, extents }))
}
