import type { Sql } from '../../database/index.ts'
import type { Now } from '../now.ts'
import type {
  CommittedOffset,
  DescribedTransaction,
  Fence,
  PartitionId,
  PendingOffset,
  TopicId,
  TransactionAnswer,
} from '../metadata.ts'
import type { TransactionRow } from '../schema.ts'
import {
  finishTransaction,
  stepTransaction,
  type Transaction,
  type TransactionEffect,
  type TransactionEnd,
  type TransactionEvent,
  type TransactionPhase,
} from '../transaction.ts'
import { checkFence } from './leases.ts'

export const transactionReads = {
  findTransactions: async (sql: Sql, ids: readonly string[]): Promise<(DescribedTransaction | null)[]> => {
    const [rows, members, groups] = await Promise.all([
      sql.all<TransactionRow>(
        `SELECT ${COLUMNS} FROM transactions WHERE id IN (SELECT id FROM ROWS(id text) AS r)`,
        ids.map(id => [id]),
      ),
      readMembers(sql, ids),
      readGroups(sql, ids),
    ])
    const known = new Map(rows.map(row => [row.id, transactionOf(row)]))
    return ids.map(id => {
      const transaction = known.get(id)
      if (transaction === undefined) return null
      return { transaction, partitions: [...(members.get(id) ?? [])], groups: [...(groups.get(id) ?? [])] }
    })
  },

  listTransactions: async (sql: Sql): Promise<Transaction[]> =>
    (await sql.all<TransactionRow>(`SELECT ${COLUMNS} FROM transactions ORDER BY id`)).map(transactionOf),

  overdueTransactions: async (sql: Sql, limit: number, now: Now): Promise<string[]> => {
    const rows = await sql.all<{ id: string }>(
      'SELECT id FROM transactions WHERE abort_at <= ? ORDER BY abort_at LIMIT ?',
      now,
      limit,
    )
    return rows.map(({ id }) => id)
  },

  pendingOffsets: async (sql: Sql, group: string): Promise<PendingOffset[]> => {
    const rows = await sql.all<PendingOffset>(
      'SELECT DISTINCT topic, partition FROM transaction_offsets WHERE group_id = ?',
      group,
    )
    return rows.map(({ topic, partition }) => ({ topic, partition }))
  },
}

export const transactionWrites = {
  stepTransaction: async (
    sql: Sql,
    id: string,
    event: TransactionEvent,
    partitions: readonly PartitionId[],
    fence: Fence,
    now: Now,
  ): Promise<TransactionAnswer> => {
    const [, known, members] = await Promise.all([
      checkFence(sql, fence),
      lockTransactions(sql, [id]),
      readMembers(sql, [id]),
    ])
    const before = known.get(id)
    const [after, effect] = stepTransaction(before, id, event, now)
    const marked = [...(members.get(id) ?? [])]
    if (effect.kind === 'write_markers' && marked.length === 0) {
      const ended = finishTransaction(after, effect.end)!
      await applyEnds(sql, [effect.end], now)
      await writeTransactions(sql, [ended], new Map(), now)
      const { producerId, epoch } = ended
      return { effect: { kind: 'done', producer: { producerId, epoch } }, partitions: [] }
    }
    const added = event.kind === 'begin' && effect.kind === 'done' ? partitions : []
    if (after !== undefined && (after !== before || added.length > 0)) {
      await writeTransactions(sql, [after], new Map([[id, added]]), now)
    }
    if (event.kind === 'begin' && event.group !== undefined && effect.kind === 'done') {
      await addGroup(sql, id, event.group)
    }
    return { effect, partitions: marked }
  },

  commitTransactionOffsets: async (
    sql: Sql,
    id: string,
    event: Extract<TransactionEvent, { readonly kind: 'begin' | 'join' }>,
    group: string,
    offsets: readonly CommittedOffset[],
    fence: Fence,
    now: Now,
  ): Promise<{ effect: TransactionEffect; problems: (null | 'UNKNOWN_TOPIC_OR_PARTITION')[] }> => {
    // The last offset wins if a partition is named twice.
    const latest = new Map(offsets.map(offset => [`${offset.topic}/${offset.partition}`, offset]))
    const [, transactions, groups, known] = await Promise.all([
      checkFence(sql, fence),
      lockTransactions(sql, [id]),
      readGroups(sql, [id]),
      sql.all<{ topic: TopicId; number: number }>(
        `SELECT topic, number FROM partitions
         WHERE (topic, number) IN (SELECT topic, number FROM ROWS(topic text, number integer) AS r)
         ORDER BY id FOR KEY SHARE`,
        Array.from(latest.values(), ({ topic, partition }) => [topic, partition]),
      ),
    ])
    const before = transactions.get(id)
    const [after, effect] = stepTransaction(before, id, event, now)
    const nothing = offsets.map(() => null)
    if (effect.kind !== 'done') return { effect, problems: nothing }
    if (event.kind === 'join' && groups.get(id)?.has(group) !== true) {
      return { effect: { kind: 'refuse', code: 'INVALID_TXN_STATE' }, problems: nothing }
    }
    if (after !== before) await writeTransactions(sql, [after!], new Map(), now)
    if (event.kind === 'begin') await addGroup(sql, id, group)
    await sql.run(
      `INSERT INTO transaction_offsets (transaction_id, group_id, topic, partition, committed, leader_epoch, metadata)
       SELECT transaction_id, group_id, topic, partition, committed, leader_epoch, metadata
       FROM ROWS(transaction_id text, group_id text, topic text, partition integer, committed integer,
         leader_epoch integer, metadata text) AS r WHERE true
       ON CONFLICT (transaction_id, group_id, topic, partition) DO UPDATE SET committed = excluded.committed,
         leader_epoch = excluded.leader_epoch, metadata = excluded.metadata`,
      known.map(({ topic, number }) => {
        const { offset, leaderEpoch, metadata } = latest.get(`${topic}/${number}`)!
        return [id, group, topic, number, offset, leaderEpoch, metadata]
      }),
    )
    const isKnown = new Set(known.map(({ topic, number }) => `${topic}/${number}`))
    const problems = offsets.map(({ topic, partition }) =>
      isKnown.has(`${topic}/${partition}`) ? null : ('UNKNOWN_TOPIC_OR_PARTITION' as const),
    )
    return { effect, problems }
  },

  expireTransactions: async (sql: Sql, idleMs: number, now: Now): Promise<string[]> => {
    const rows = await sql.all<{ id: string }>(
      'DELETE FROM transactions WHERE abort_at IS NULL AND updated_at < ? RETURNING id',
      now - idleMs,
    )
    return rows.map(({ id }) => id).toSorted()
  },
}

const COLUMNS = `id, producer_id, epoch, timeout_ms, phase, started_at, abort_at, previous_producer_id, previous_epoch,
  updated_at`

/** Locks transactional ids and returns the known ones. */
export async function lockTransactions(sql: Sql, ids: readonly string[]): Promise<Map<string, Transaction>> {
  const rows = await sql.all<TransactionRow>(
    `SELECT ${COLUMNS} FROM transactions WHERE id IN (SELECT id FROM ROWS(id text) AS r) ORDER BY id FOR UPDATE`,
    ids.map(id => [id]),
  )
  return new Map(rows.map(row => [row.id, transactionOf(row)]))
}

/** The partitions of open transactions by transactional id. */
export async function readMembers(sql: Sql, ids: readonly string[]): Promise<Map<string, Set<PartitionId>>> {
  const rows = await sql.all<{ transaction_id: string; partition: PartitionId }>(
    `SELECT transaction_id, partition FROM transaction_partitions
     WHERE transaction_id IN (SELECT id FROM ROWS(id text) AS r) ORDER BY partition`,
    ids.map(id => [id]),
  )
  const members = new Map<string, Set<PartitionId>>()
  for (const { transaction_id: id, partition } of rows) {
    members.set(id, (members.get(id) ?? new Set<PartitionId>()).add(partition))
  }
  return members
}

/** The groups whose offsets open transactions may commit, by transactional id. */
async function readGroups(sql: Sql, ids: readonly string[]): Promise<Map<string, Set<string>>> {
  const rows = await sql.all<{ transaction_id: string; group_id: string }>(
    `SELECT transaction_id, group_id FROM transaction_groups
     WHERE transaction_id IN (SELECT id FROM ROWS(id text) AS r) ORDER BY group_id`,
    ids.map(id => [id]),
  )
  const groups = new Map<string, Set<string>>()
  for (const { transaction_id: id, group_id: group } of rows) {
    groups.set(id, (groups.get(id) ?? new Set<string>()).add(group))
  }
  return groups
}

async function addGroup(sql: Sql, id: string, group: string): Promise<void> {
  await sql.run(
    'INSERT INTO transaction_groups (transaction_id, group_id) VALUES (?, ?) ON CONFLICT DO NOTHING',
    id,
    group,
  )
}

/** Stores the new state of transactional ids, and the partitions added to their transactions. */
export async function writeTransactions(
  sql: Sql,
  transactions: readonly Transaction[],
  added: ReadonlyMap<string, readonly PartitionId[]>,
  now: number,
): Promise<void> {
  await sql.run(
    `INSERT INTO transactions (id, producer_id, epoch, timeout_ms, phase, started_at, abort_at, previous_producer_id,
       previous_epoch, updated_at)
     SELECT id, producer_id, epoch, timeout_ms, phase, started_at, abort_at, previous_producer_id, previous_epoch,
       updated_at
     FROM ROWS(id text, producer_id integer, epoch integer, timeout_ms integer, phase text, started_at integer,
       abort_at integer, previous_producer_id integer, previous_epoch integer, updated_at integer) AS r WHERE true
     ON CONFLICT (id) DO UPDATE SET producer_id = excluded.producer_id, epoch = excluded.epoch,
       timeout_ms = excluded.timeout_ms, phase = excluded.phase, started_at = excluded.started_at,
       abort_at = excluded.abort_at, previous_producer_id = excluded.previous_producer_id,
       previous_epoch = excluded.previous_epoch, updated_at = excluded.updated_at`,
    transactions.map(transaction => {
      const { id, producerId, epoch, timeoutMs, phase, startedAt, previous } = transaction
      const previousValues = [previous?.producerId ?? null, previous?.epoch ?? null]
      return [id, producerId, epoch, timeoutMs, phase, startedAt, abortAt(transaction), ...previousValues, now]
    }),
  )
  const rows = Array.from(added, ([id, partitions]) => partitions.map(partition => [id, partition])).flat()
  if (rows.length === 0) return
  await sql.run(
    `INSERT INTO transaction_partitions (transaction_id, partition) SELECT transaction_id, partition
     FROM ROWS(transaction_id text, partition integer) AS r WHERE true ON CONFLICT DO NOTHING`,
    rows,
  )
}

/** Commits or drops the offsets of transactions that end, and forgets their partitions and groups. */
export async function applyEnds(sql: Sql, ends: readonly TransactionEnd[], now: number): Promise<void> {
  if (ends.length === 0) return
  const committed = ends.filter(({ commit }) => commit).map(({ id }) => [id])
  const ended = ends.map(({ id }) => [id])
  if (committed.length > 0) {
    await sql.run(
      `INSERT INTO group_offsets (group_id, topic, partition, committed, leader_epoch, metadata, committed_at)
       SELECT t.group_id, t.topic, t.partition, t.committed, t.leader_epoch, t.metadata, CAST(? AS bigint)
       FROM ROWS(id text) AS r CROSS JOIN transaction_offsets AS t WHERE t.transaction_id = r.id
       ORDER BY t.group_id, t.topic, t.partition
       ON CONFLICT (group_id, topic, partition) DO UPDATE SET committed = excluded.committed,
         leader_epoch = excluded.leader_epoch, metadata = excluded.metadata, committed_at = excluded.committed_at`,
      now,
      committed,
    )
  }
  await sql.run('DELETE FROM transaction_offsets WHERE transaction_id IN (SELECT id FROM ROWS(id text) AS r)', ended)
  await sql.run('DELETE FROM transaction_partitions WHERE transaction_id IN (SELECT id FROM ROWS(id text) AS r)', ended)
  await sql.run('DELETE FROM transaction_groups WHERE transaction_id IN (SELECT id FROM ROWS(id text) AS r)', ended)
}

function abortAt({ phase, startedAt, timeoutMs }: Transaction): number | null {
  if (phase === 'PrepareAbort') return 0
  return startedAt === null ? null : startedAt + timeoutMs
}

function transactionOf(row: TransactionRow): Transaction {
  const { previous_producer_id: producerId, previous_epoch: epoch } = row
  return {
    id: row.id,
    producerId: row.producer_id,
    epoch: row.epoch,
    timeoutMs: row.timeout_ms,
    // Only writeTransactions writes it.
    phase: row.phase as TransactionPhase,
    startedAt: row.started_at,
    previous: producerId === null || epoch === null ? null : { producerId, epoch },
  }
}
