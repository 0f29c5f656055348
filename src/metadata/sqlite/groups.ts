import type { CommittedOffset, TopicId } from '../metadata.ts'
import type { Database } from './database.ts'

export const groupReads = {
  groupOffsets: (database: Database, group: string): CommittedOffset[] =>
    database
      .all<OffsetRow>(
        `SELECT topic, partition, committed, leader_epoch, metadata, committed_at FROM group_offsets
         WHERE group_id = ? ORDER BY topic, partition`,
        group,
      )
      .map(row => ({
        topic: row.topic,
        partition: row.partition,
        offset: row.committed,
        leaderEpoch: row.leader_epoch,
        metadata: row.metadata,
        committedAt: row.committed_at,
      })),

  listGroups: (database: Database): string[] =>
    database
      .all<{ id: string }>('SELECT DISTINCT group_id AS id FROM group_offsets UNION SELECT id FROM groups ORDER BY id')
      .map(({ id }) => id),

  idleGroups: (database: Database, idleMs: number, now: number): string[] =>
    database
      .all<{ id: string }>(
        `SELECT group_id AS id FROM group_offsets GROUP BY group_id HAVING MAX(committed_at) < ?
         UNION SELECT id FROM groups WHERE NOT EXISTS (SELECT 1 FROM group_offsets WHERE group_id = groups.id)
         ORDER BY id`,
        now - idleMs,
      )
      .map(({ id }) => id),

  loadGroup: (database: Database, group: string): Uint8Array | null =>
    database.get<{ state: Uint8Array }>('SELECT state FROM groups WHERE id = ?', group)?.state ?? null,
}

export const groupWrites = {
  commitOffsets: (
    database: Database,
    group: string,
    offsets: readonly CommittedOffset[],
  ): (null | 'UNKNOWN_TOPIC_OR_PARTITION')[] =>
    offsets.map(({ topic, partition, offset, leaderEpoch, metadata, committedAt }) => {
      const known = database.get('SELECT id FROM partitions WHERE topic = ? AND number = ?', topic, partition)
      if (!known) return 'UNKNOWN_TOPIC_OR_PARTITION'
      database.run(
        'INSERT OR REPLACE INTO group_offsets VALUES (?, ?, ?, ?, ?, ?, ?)',
        group,
        topic,
        partition,
        offset,
        leaderEpoch,
        metadata,
        committedAt,
      )
      return null
    }),

  deleteOffsets: (
    database: Database,
    group: string,
    partitions: readonly { topic: TopicId; partition: number }[],
  ): void => {
    for (const { topic, partition } of partitions) {
      const where = 'group_id = ? AND topic = ? AND partition = ?'
      database.run(`DELETE FROM group_offsets WHERE ${where}`, group, topic, partition)
    }
  },

  saveGroup: (database: Database, group: string, state: Uint8Array): void => {
    database.run('INSERT OR REPLACE INTO groups VALUES (?, ?)', group, state)
  },

  deleteGroups: (database: Database, groups: readonly string[]): boolean[] =>
    groups.map(group => deleteGroup(database, group)),

  expireGroups: (database: Database, groups: readonly string[], idleMs: number, now: number): boolean[] =>
    groups.map(group => {
      const isActive = database.get(
        'SELECT 1 AS found FROM group_offsets WHERE group_id = ? AND committed_at >= ? LIMIT 1',
        group,
        now - idleMs,
      )
      return isActive === undefined && deleteGroup(database, group)
    }),
}

/** Whether there was such a group. */
function deleteGroup(database: Database, group: string): boolean {
  const offsets = database.run('DELETE FROM group_offsets WHERE group_id = ?', group)
  const states = database.run('DELETE FROM groups WHERE id = ?', group)
  return offsets.changes + states.changes > 0
}

type OffsetRow = {
  topic: string
  partition: number
  committed: number
  leader_epoch: number
  metadata: string
  committed_at: number
}
