import type { DeadObject, PartitionId, RetentionRule } from '../metadata.ts'
import type { Database } from './database.ts'

/** How many extents one call of `retain` takes away at most, so that commits never wait long behind it. */
const MAX_REMOVALS = 2000

export const housekeepingReads = {
  deadObjects: (database: Database, graceMs: number, limit: number, now: number): DeadObject[] =>
    database.all<{ id: number; key: string }>(
      'SELECT id, key FROM objects WHERE dead_at <= ? ORDER BY dead_at LIMIT ?',
      now - graceMs,
      limit,
    ),

  knownObjects: (database: Database, keys: readonly string[]): boolean[] =>
    keys.map(key => database.get('SELECT id FROM objects WHERE key = ?', key) !== undefined),
}

export const housekeepingWrites = {
  retain: (database: Database, rules: readonly RetentionRule[], now: number): boolean => {
    let budget = MAX_REMOVALS - removeDoomed(database, MAX_REMOVALS, now)
    for (const rule of rules) {
      if (budget <= 0) return true
      budget -= applyRule(database, rule, budget, now)
    }
    return budget <= 0
  },

  forgetObjects: (database: Database, ids: readonly number[]): void => {
    for (const id of ids) database.run('DELETE FROM objects WHERE id = ? AND dead_at IS NOT NULL', id)
  },

  closedEpochs: (database: Database, expiryMs: number, now: number): number[] => {
    database.run('UPDATE epochs SET open = 0 WHERE open = 1 AND renewed_at < ?', now - expiryMs)
    return database.all<{ id: number }>('SELECT id FROM epochs WHERE open = 0 ORDER BY id').map(({ id }) => id)
  },

  forgetEpoch: (database: Database, epoch: number): void => {
    database.run('DELETE FROM epochs WHERE id = ? AND open = 0', epoch)
  },
}

type OldExtent = { last_offset: number; object: number; size_bytes: number; max_timestamp: number }

/** Takes away the extents of deleted topics' partitions; answers how many. */
function removeDoomed(database: Database, limit: number, now: number): number {
  let removed = 0
  while (removed < limit) {
    const doomed = database.get<{ id: PartitionId }>('SELECT id FROM doomed_partitions ORDER BY id LIMIT 1')
    if (!doomed) break
    const extents = oldestExtents(database, doomed.id, limit - removed)
    removeExtents(database, doomed.id, extents, now)
    removed += extents.length
    if (removed >= limit) break
    database.run('DELETE FROM producers WHERE partition = ?', doomed.id)
    database.run('DELETE FROM doomed_partitions WHERE id = ?', doomed.id)
  }
  return removed
}

/** Takes away what is below the log start, too old or too much in one partition; answers how many extents. */
function applyRule(database: Database, rule: RetentionRule, limit: number, now: number): number {
  const state = database.get<{ log_start: number; size_bytes: number }>(
    'SELECT log_start, size_bytes FROM partitions WHERE id = ?',
    rule.partition,
  )
  if (!state) return 0
  const removed: OldExtent[] = []
  let restBytes = state.size_bytes
  for (const extent of oldestExtents(database, rule.partition, limit)) {
    const isCut = extent.last_offset < state.log_start
    const isOld = rule.deleteBefore !== null && extent.max_timestamp < rule.deleteBefore
    const isTooMuch = rule.keepBytes !== null && restBytes - extent.size_bytes >= rule.keepBytes
    if (!isCut && !isOld && !isTooMuch) break
    removed.push(extent)
    restBytes -= extent.size_bytes
  }
  const last = removed.at(-1)
  if (!last) return 0
  removeExtents(database, rule.partition, removed, now)
  database.run(
    'UPDATE partitions SET log_start = MAX(log_start, ?), size_bytes = ? WHERE id = ?',
    last.last_offset + 1,
    restBytes,
    rule.partition,
  )
  return removed.length
}

function oldestExtents(database: Database, partition: PartitionId, limit: number): OldExtent[] {
  return database.all<OldExtent>(
    `SELECT last_offset, object, size_bytes, max_timestamp FROM extents
     WHERE partition = ? ORDER BY last_offset LIMIT ?`,
    partition,
    limit,
  )
}

function removeExtents(database: Database, partition: PartitionId, extents: readonly OldExtent[], now: number): void {
  const last = extents.at(-1)
  if (!last) return
  database.run('DELETE FROM extents WHERE partition = ? AND last_offset <= ?', partition, last.last_offset)
  for (const { object } of extents) releaseExtent(database, object, now)
}

/** An object has one extent less; without any it is dead. */
export function releaseExtent(database: Database, object: number, now: number): void {
  database.run(
    'UPDATE objects SET extents = extents - 1, dead_at = CASE extents WHEN 1 THEN ? END WHERE id = ?',
    now,
    object,
  )
}
