import type { Sql } from '../../database/index.ts'
import type { Now } from '../now.ts'
import type { Cleaning, Extent, MadeObject, MergeCandidate, MergeRule, PartitionId } from '../metadata.ts'
import type { ObjectRow } from '../schema.ts'
import { releaseExtents } from './housekeeping.ts'
import { checkEpochs, EXTENTS, type ExtentRow, extentOf, insertObjects } from './log.ts'

export const mergeReads = {
  cleanedUntil: async (sql: Sql, partitions: readonly PartitionId[]): Promise<number[]> => {
    const rows = await sql.all<{ partition: number; until: number }>(
      'SELECT partition, until FROM cleanings WHERE partition IN (SELECT id FROM ROWS(id integer) AS r)',
      partitions.map(id => [id]),
    )
    const known = new Map(rows.map(({ partition, until }) => [partition, until]))
    return partitions.map(partition => known.get(partition) ?? 0)
  },

  mergeCandidates: async (sql: Sql, rule: MergeRule): Promise<MergeCandidate[]> => {
    const objects = await sql.all<Pick<ObjectRow, 'id' | 'key' | 'size_bytes'>>(
      `SELECT id, key, size_bytes FROM objects
       WHERE dead_at IS NULL AND size_bytes >= ? AND size_bytes < ? AND id <= (SELECT MAX(id) FROM objects) - ?
       ORDER BY id LIMIT ?`,
      rule.fromBytes,
      rule.belowBytes,
      rule.spareObjects,
      rule.maxObjects,
    )
    let bytes = 0
    const chosen = objects.filter(({ size_bytes }) => (bytes += size_bytes) <= rule.maxBytes)
    const isFull = chosen.length > 1 && chosen.length < objects.length
    if (chosen.length < rule.minObjects && !isFull) return []
    return withExtents(sql, chosen)
  },

  sparseObjects: async (sql: Sql, maxObjects: number, maxBytes: number): Promise<MergeCandidate[]> => {
    // Must match the condition of the partial index verbatim.
    const objects = await sql.all<Pick<ObjectRow, 'id' | 'key' | 'live_bytes'>>(
      `SELECT id, key, live_bytes FROM objects WHERE dead_at IS NULL AND live_bytes * 2 < size_bytes
       ORDER BY id LIMIT ?`,
      maxObjects,
    )
    let bytes = 0
    return withExtents(
      sql,
      objects.filter(({ live_bytes }, index) => (bytes += live_bytes) <= maxBytes || index === 0),
    )
  },
}

async function withExtents(sql: Sql, objects: readonly Pick<ObjectRow, 'id' | 'key'>[]): Promise<MergeCandidate[]> {
  const rows = await sql.all<ExtentRow>(
    `${EXTENTS} WHERE e.object IN (SELECT id FROM ROWS(id integer) AS r) ORDER BY e.partition, e.last_offset`,
    objects.map(({ id }) => [id]),
  )
  const byKey = Map.groupBy(rows.map(extentOf), ({ key }) => key)
  return objects.map(({ key }) => ({ key, extents: byKey.get(key) ?? [] }))
}

export const mergeWrites = {
  replaceExtents: async (
    sql: Sql,
    made: MadeObject,
    replaced: readonly Extent[],
    cleaning: Cleaning | null,
    now: Now,
  ): Promise<boolean> => {
    await checkEpochs(sql, [made.epoch])
    if (!(await takeExtents(sql, replaced, now))) return false
    insertObjects(sql, [made], now)
    if (cleaning !== null) await recordCleaning(sql, cleaning, sumBytes(replaced) - sumBytes(made.extents))
    return true
  },
}

async function recordCleaning(sql: Sql, { partition, until }: Cleaning, freedBytes: number): Promise<void> {
  await sql.run('UPDATE partitions SET size_bytes = size_bytes - ? WHERE id = ?', freedBytes, partition)
  if (until === null) return
  await sql.run(
    `INSERT INTO cleanings (partition, until) VALUES (?, ?)
     ON CONFLICT (partition) DO UPDATE SET until = excluded.until`,
    partition,
    until,
  )
}

/** Removes extents, or none of them if one no longer exists. */
async function takeExtents(sql: Sql, replaced: readonly Extent[], now: Now): Promise<boolean> {
  const partitions = new Set(replaced.map(({ partition }) => partition))
  // With the lock, retention of these partitions either ran before and is visible, or runs afterwards.
  await sql.all(
    'SELECT id FROM partitions WHERE id IN (SELECT id FROM ROWS(id integer) AS r) ORDER BY id FOR NO KEY UPDATE',
    Array.from(partitions, id => [id]),
  )
  const found = await sql.all<{ object: number; size_bytes: number }>(
    `SELECT e.object, e.size_bytes FROM ROWS(partition integer, last_offset integer, key text, position integer) AS r
     CROSS JOIN extents AS e CROSS JOIN objects AS o
     WHERE e.partition = r.partition AND e.last_offset = r.last_offset AND e.position = r.position
       AND o.id = e.object AND o.key = r.key`,
    replaced.map(({ partition, lastOffset, key, position }) => [partition, lastOffset, key, position]),
  )
  if (found.length < replaced.length) return false
  await sql.run(
    `DELETE FROM extents WHERE (partition, last_offset)
     IN (SELECT partition, last_offset FROM ROWS(partition integer, last_offset integer) AS r)`,
    replaced.map(({ partition, lastOffset }) => [partition, lastOffset]),
  )
  await releaseExtents(sql, found, now)
  return true
}

function sumBytes(extents: readonly { readonly sizeBytes: number }[]): number {
  return extents.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}
