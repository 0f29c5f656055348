import type { Sql } from '../../database/index.ts'
import type { Now } from '../now.ts'
import { clientText, storedText } from '../client-text.ts'
import type { CommittedOffset, Fence, TopicId } from '../metadata.ts'
import type { GroupOffsetRow } from '../schema.ts'
import { checkFence } from './leases.ts'

/** Offsets of deleted topics are kept, invisibly, for as long as the topics can be restored. */
const OF_LIVING_TOPICS = 'topic IN (SELECT id FROM topics)'

export const groupReads = {
  groupOffsets: async (sql: Sql, group: string): Promise<CommittedOffset[]> => {
    const rows = await sql.all<GroupOffsetRow>(
      `SELECT topic, partition, committed, leader_epoch, metadata, committed_at FROM group_offsets
       WHERE group_id = ? AND ${OF_LIVING_TOPICS} ORDER BY topic, partition`,
      group,
    )
    return rows.map(row => ({
      topic: row.topic,
      partition: row.partition,
      offset: row.committed,
      leaderEpoch: row.leader_epoch,
      metadata: clientText(row.metadata),
      committedAt: row.committed_at,
    }))
  },

  listGroups: (sql: Sql): Promise<string[]> =>
    ids(
      sql.all(
        `SELECT DISTINCT group_id AS id FROM group_offsets WHERE ${OF_LIVING_TOPICS}
         UNION SELECT id FROM groups ORDER BY id`,
      ),
    ),

  idleGroups: (sql: Sql, idleMs: number, now: Now): Promise<string[]> =>
    ids(
      sql.all(
        `SELECT group_id AS id FROM group_offsets GROUP BY group_id HAVING MAX(committed_at) < ?
         UNION SELECT id FROM groups WHERE NOT EXISTS (SELECT 1 FROM group_offsets WHERE group_id = groups.id)
         ORDER BY id`,
        now - idleMs,
      ),
    ),

  loadGroup: async (sql: Sql, group: string): Promise<Uint8Array | null> => {
    const [row] = await sql.all<{ state: Uint8Array }>('SELECT state FROM groups WHERE id = ?', group)
    return row?.state ?? null
  },

  isGroupKnown: async (sql: Sql, group: string): Promise<boolean> => {
    const rows = await sql.all(
      `SELECT 1 AS known FROM groups WHERE id = ?
       UNION ALL SELECT 1 AS known FROM group_offsets WHERE group_id = ? AND ${OF_LIVING_TOPICS} LIMIT 1`,
      group,
      group,
    )
    return rows.length > 0
  },
}

export const groupWrites = {
  commitOffsets: async (
    sql: Sql,
    group: string,
    offsets: readonly CommittedOffset[],
    fence: Fence,
  ): Promise<(null | 'UNKNOWN_TOPIC_OR_PARTITION')[]> => {
    // The last offset wins if a partition is named twice.
    const latest = new Map(offsets.map(offset => [`${offset.topic}/${offset.partition}`, offset]))
    const [, known] = await Promise.all([
      checkFence(sql, fence),
      sql.all<{ topic: TopicId; number: number }>(
        `SELECT topic, number FROM partitions
         WHERE (topic, number) IN (SELECT topic, number FROM ROWS(topic text, number integer) AS r)
         ORDER BY id FOR KEY SHARE`,
        Array.from(latest.values(), ({ topic, partition }) => [topic, partition]),
      ),
    ])
    const accepted = known.map(({ topic, number }) => latest.get(`${topic}/${number}`)!)
    await sql.run(
      `INSERT INTO group_offsets (group_id, topic, partition, committed, leader_epoch, metadata, committed_at)
       SELECT group_id, topic, partition, committed, leader_epoch, metadata, committed_at
       FROM ROWS(group_id text, topic text, partition integer, committed integer, leader_epoch integer, metadata text,
         committed_at integer) AS r WHERE true
       ON CONFLICT (group_id, topic, partition) DO UPDATE SET committed = excluded.committed,
         leader_epoch = excluded.leader_epoch, metadata = excluded.metadata, committed_at = excluded.committed_at`,
      accepted.map(({ topic, partition, offset, leaderEpoch, metadata, committedAt }) => [
        group,
        topic,
        partition,
        offset,
        leaderEpoch,
        storedText(metadata),
        committedAt,
      ]),
    )
    const isKnown = new Set(known.map(({ topic, number }) => `${topic}/${number}`))
    return offsets.map(({ topic, partition }) =>
      isKnown.has(`${topic}/${partition}`) ? null : 'UNKNOWN_TOPIC_OR_PARTITION',
    )
  },

  deleteOffsets: async (
    sql: Sql,
    group: string,
    partitions: readonly { topic: TopicId; partition: number }[],
    fence: Fence,
  ): Promise<void> => {
    await checkFence(sql, fence)
    await sql.run(
      `DELETE FROM group_offsets WHERE group_id = ?
       AND (topic, partition) IN (SELECT topic, number FROM ROWS(topic text, number integer) AS r)`,
      group,
      partitions.map(({ topic, partition }) => [topic, partition]),
    )
  },

  saveGroup: async (sql: Sql, group: string, state: Uint8Array, fence: Fence): Promise<void> => {
    await checkFence(sql, fence)
    await sql.run(
      'INSERT INTO groups (id, state) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state',
      group,
      state,
    )
  },

  deleteGroup: async (sql: Sql, group: string, fence: Fence): Promise<boolean> => {
    await checkFence(sql, fence)
    const offsets = await sql.run('DELETE FROM group_offsets WHERE group_id = ?', group)
    const states = await sql.run('DELETE FROM groups WHERE id = ?', group)
    return offsets + states > 0
  },

  expireGroup: async (sql: Sql, group: string, idleMs: number, fence: Fence, now: Now): Promise<boolean> => {
    const active = await sql.all(
      'SELECT 1 AS found FROM group_offsets WHERE group_id = ? AND committed_at >= ? LIMIT 1',
      group,
      now - idleMs,
    )
    return active.length === 0 && groupWrites.deleteGroup(sql, group, fence)
  },
}

async function ids(rows: Promise<{ id: string }[]>): Promise<string[]> {
  return (await rows).map(({ id }) => id)
}
