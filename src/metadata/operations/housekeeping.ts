import type { Sql } from '../../database/index.ts'
import type { Now } from '../now.ts'
import type { DeadObject, PartitionId, RetentionRule } from '../metadata.ts'

/** Maximum number of extents that one call of `retain` removes, so that commits never wait long for it. */
const MAX_REMOVALS = 2000

export const housekeepingReads = {
  deadObjects: (sql: Sql, graceMs: number, limit: number, now: Now): Promise<DeadObject[]> =>
    sql.all('SELECT id, key FROM objects WHERE dead_at <= ? ORDER BY dead_at LIMIT ?', now - graceMs, limit),

  knownObjects: async (sql: Sql, keys: readonly string[]): Promise<boolean[]> => {
    const rows = await sql.all<{ key: string }>(
      'SELECT key FROM objects WHERE key IN (SELECT key FROM ROWS(key text) AS r)',
      keys.map(key => [key]),
    )
    const known = new Set(rows.map(({ key }) => key))
    return keys.map(key => known.has(key))
  },
}

export const housekeepingWrites = {
  retain: async (sql: Sql, rules: readonly RetentionRule[], now: Now): Promise<boolean> => {
    let budget = MAX_REMOVALS - (await removeDoomed(sql, MAX_REMOVALS, now))
    budget -= await removeCut(sql, budget, now)
    for (const rule of await dueRules(sql, rules)) {
      if (budget <= 0) return true
      budget -= await applyRule(sql, rule, budget, now)
    }
    return budget <= 0
  },

  forgetObjects: async (sql: Sql, ids: readonly number[]): Promise<void> => {
    await sql.run(
      'DELETE FROM objects WHERE dead_at IS NOT NULL AND id IN (SELECT id FROM ROWS(id integer) AS r)',
      ids.map(id => [id]),
    )
  },

  closedEpochs: async (sql: Sql, expiryMs: number, now: Now): Promise<number[]> => {
    await sql.run('UPDATE epochs SET open = 0 WHERE open = 1 AND renewed_at < ?', now - expiryMs)
    return (await sql.all<{ id: number }>('SELECT id FROM epochs WHERE open = 0 ORDER BY id')).map(({ id }) => id)
  },

  forgetEpoch: async (sql: Sql, epoch: number): Promise<void> => {
    await sql.run('DELETE FROM epochs WHERE id = ? AND open = 0', epoch)
  },
}

interface OldExtent {
  readonly last_offset: number
  readonly object: number
  readonly size_bytes: number
  readonly max_timestamp: number
}

/** Removes extents of deleted topics' partitions; returns how many. */
async function removeDoomed(sql: Sql, limit: number, now: number): Promise<number> {
  let removed = 0
  while (removed < limit) {
    const [doomed] = await sql.all<{ id: PartitionId }>(
      'SELECT id FROM doomed_partitions ORDER BY id LIMIT 1 FOR UPDATE',
    )
    if (!doomed) break
    const extents = await oldestExtents(sql, doomed.id, limit - removed)
    await removeExtents(sql, doomed.id, extents, now)
    removed += extents.length
    if (removed >= limit) break
    await sql.run('DELETE FROM producers WHERE partition = ?', doomed.id)
    await sql.run('DELETE FROM aborted_transactions WHERE partition = ?', doomed.id)
    await sql.run('DELETE FROM doomed_partitions WHERE id = ?', doomed.id)
  }
  return removed
}

/** Removes extents below the start of their partition; returns how many. */
async function removeCut(sql: Sql, limit: number, now: number): Promise<number> {
  let removed = 0
  while (removed < limit) {
    const [cut] = await sql.all<{ id: PartitionId }>('SELECT id FROM cut_partitions ORDER BY id LIMIT 1 FOR UPDATE')
    if (!cut) break
    removed += await applyRule(sql, { partition: cut.id, deleteBefore: null, keepBytes: null }, limit - removed, now)
    if (removed >= limit) break
    await sql.run('DELETE FROM cut_partitions WHERE id = ?', cut.id)
  }
  return removed
}

/** Rules whose partition's oldest extent is due for removal. Most partitions keep theirs and are not locked. */
async function dueRules(sql: Sql, rules: readonly RetentionRule[]): Promise<RetentionRule[]> {
  const byPartition = new Map(rules.map(rule => [rule.partition, rule]))
  const due = await sql.all<{ id: PartitionId }>(
    `SELECT p.id FROM ROWS(id integer, delete_before integer, keep_bytes integer) AS r
     CROSS JOIN partitions AS p CROSS JOIN extents AS e
     WHERE p.id = r.id AND e.partition = p.id
       AND e.last_offset = (SELECT MIN(last_offset) FROM extents WHERE partition = p.id)
       AND (e.last_offset < p.log_start OR e.max_timestamp < r.delete_before OR p.size_bytes - e.size_bytes >= r.keep_bytes)
     ORDER BY p.id`,
    Array.from(byPartition.values(), ({ partition, deleteBefore, keepBytes }) => [partition, deleteBefore, keepBytes]),
  )
  return due.map(({ id }) => byPartition.get(id)!)
}

/** Removes what is below the log start, too old or too large in one partition; returns the number of extents. */
async function applyRule(sql: Sql, rule: RetentionRule, limit: number, now: number): Promise<number> {
  const [state] = await sql.all<{ log_start: number; size_bytes: number }>(
    'SELECT log_start, size_bytes FROM partitions WHERE id = ? FOR NO KEY UPDATE',
    rule.partition,
  )
  if (!state) return 0
  const removed: OldExtent[] = []
  let restBytes = state.size_bytes
  for (const extent of await oldestExtents(sql, rule.partition, limit)) {
    const isCut = extent.last_offset < state.log_start
    const isOld = rule.deleteBefore !== null && extent.max_timestamp < rule.deleteBefore
    const isTooMuch = rule.keepBytes !== null && restBytes - extent.size_bytes >= rule.keepBytes
    if (!isCut && !isOld && !isTooMuch) break
    removed.push(extent)
    restBytes -= extent.size_bytes
  }
  const last = removed.at(-1)
  if (!last) return 0
  await removeExtents(sql, rule.partition, removed, now)
  await sql.run(
    'DELETE FROM aborted_transactions WHERE partition = ? AND last_offset <= ?',
    rule.partition,
    last.last_offset,
  )
  await sql.run(
    'UPDATE partitions SET log_start = ?, size_bytes = ? WHERE id = ?',
    Math.max(state.log_start, last.last_offset + 1),
    restBytes,
    rule.partition,
  )
  return removed.length
}

function oldestExtents(sql: Sql, partition: PartitionId, limit: number): Promise<OldExtent[]> {
  return sql.all(
    `SELECT last_offset, object, size_bytes, max_timestamp FROM extents
     WHERE partition = ? ORDER BY last_offset LIMIT ?`,
    partition,
    limit,
  )
}

async function removeExtents(
  sql: Sql,
  partition: PartitionId,
  extents: readonly OldExtent[],
  now: number,
): Promise<void> {
  const last = extents.at(-1)
  if (!last) return
  await sql.run('DELETE FROM extents WHERE partition = ? AND last_offset <= ?', partition, last.last_offset)
  await releaseExtents(sql, extents, now)
}

/** Detaches extents from their objects; an object without any left is dead. */
export async function releaseExtents(
  sql: Sql,
  extents: readonly { readonly object: number; readonly size_bytes: number }[],
  now: number,
): Promise<void> {
  const byObject = Map.groupBy(extents, ({ object }) => object)
  const ids = Array.from(byObject.keys(), id => [id])
  await Promise.all([
    sql.all('SELECT id FROM objects WHERE id IN (SELECT id FROM ROWS(id integer) AS r) ORDER BY id FOR UPDATE', ids),
    sql.run(
      `UPDATE objects SET extents = objects.extents - r.removed, live_bytes = objects.live_bytes - r.removed_bytes,
         dead_at = CASE objects.extents WHEN r.removed THEN CAST(? AS bigint) END
       FROM ROWS(id integer, removed integer, removed_bytes integer) AS r WHERE objects.id = r.id`,
      now,
      Array.from(byObject, ([id, some]) => [id, some.length, some.reduce((sum, one) => sum + one.size_bytes, 0)]),
    ),
  ])
}
