import type { Extent, MergeCandidate, MergedObject, MergeRule } from '../metadata.ts'
import type { Database } from './database.ts'
import { releaseExtent } from './housekeeping.ts'
import { checkEpoch, EXTENTS, type ExtentRow, extentOf, insertObject } from './log.ts'

export const mergeReads = {
  mergeCandidates: (database: Database, rule: MergeRule): MergeCandidate[] => {
    const objects = database.all<{ id: number; key: string; size_bytes: number }>(
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
    return chosen.map(({ id, key }) => ({
      key,
      extents: database.all<ExtentRow>(`${EXTENTS} WHERE object = ?`, id).map(row => extentOf(row)),
    }))
  },
}

export const mergeWrites = {
  replaceExtents: (database: Database, merged: MergedObject, replaced: readonly Extent[], now: number): boolean => {
    checkEpoch(database, merged.epoch)
    const objects = replaced.map(
      ({ partition, lastOffset, key, position }) =>
        database.get<{ id: number }>(
          `SELECT objects.id AS id FROM extents JOIN objects ON objects.id = extents.object
           WHERE partition = ? AND last_offset = ? AND key = ? AND position = ?`,
          partition,
          lastOffset,
          key,
          position,
        )?.id,
    )
    if (objects.includes(undefined)) return false
    replaced.forEach(({ partition, lastOffset }, index) => {
      database.run('DELETE FROM extents WHERE partition = ? AND last_offset = ?', partition, lastOffset)
      releaseExtent(database, objects[index]!, now)
    })
    insertObject(database, merged, now)
    return true
  },
}
