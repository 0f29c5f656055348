import type { Sql } from '../../database/index.ts'
import type { Now } from '../now.ts'
import type { DeletedTopic, NewTopic, Outcome, Topic, TopicErrorCode, TopicId } from '../metadata.ts'
import type { DeletedTopicRow, PartitionRow, TopicRow } from '../schema.ts'
import { fact } from './facts.ts'

/** All topics and the version of the catalog that they form. */
export interface TopicList {
  readonly version: number
  readonly topics: readonly Topic[]
}

/** The outcomes of a change of topics, and all topics after it. */
export interface TopicChange extends TopicList {
  readonly outcomes: Outcome<Topic, TopicErrorCode>[]
}

/** A topic to create, with its future id. */
export interface NewTopicWithId extends NewTopic {
  readonly id: TopicId
}

export const topicReads = {
  catalogVersion: async (sql: Sql): Promise<number> => Number(await fact(sql, 'catalog_version')),

  topics: async (sql: Sql): Promise<TopicList> => {
    const [version, topics, partitions] = await Promise.all([
      topicReads.catalogVersion(sql),
      sql.all<TopicRow>('SELECT id, name, configs, created_at FROM topics ORDER BY name'),
      sql.all<PlaceRow>('SELECT id, topic, number FROM partitions ORDER BY topic, number'),
    ])
    const byTopic = Map.groupBy(partitions, ({ topic }) => topic)
    return { version, topics: topics.map(row => topicOf(row, byTopic.get(row.id) ?? [])) }
  },

  deletedTopics: async (sql: Sql): Promise<DeletedTopic[]> => {
    const rows = await sql.all<DeletedTopicRow & { partitions: number; size_bytes: number }>(
      `SELECT t.id, t.name, t.deleted_at, t.purge_at, COUNT(p.id) AS partitions,
         CAST(COALESCE(SUM(p.size_bytes), 0) AS bigint) AS size_bytes
       FROM deleted_topics AS t LEFT JOIN deleted_partitions AS p ON p.topic = t.id
       GROUP BY t.id, t.name, t.deleted_at, t.purge_at ORDER BY t.deleted_at, t.id`,
    )
    return rows.map(row => ({
      id: row.id,
      name: row.name,
      partitions: row.partitions,
      sizeBytes: row.size_bytes,
      deletedAt: row.deleted_at,
      purgeAt: row.purge_at,
    }))
  },
}

export const topicWrites = {
  createTopics: (sql: Sql, topics: readonly NewTopicWithId[], now: Now): Promise<TopicChange> =>
    changeTopics(sql, async current => {
      const taken = new Set(current.map(({ name }) => name))
      const verdicts = topics.map(({ id, name, partitions }) => {
        if (taken.has(name)) return refuse('TOPIC_ALREADY_EXISTS')
        if (partitions < 1) return refuse('INVALID_PARTITIONS')
        taken.add(name)
        return accept(id)
      })
      const created = topics.filter((_, index) => verdicts[index]!.ok)
      await sql.run(
        `INSERT INTO topics (id, name, configs, created_at)
         SELECT id, name, configs, created_at FROM ROWS(id text, name text, configs text, created_at integer) AS r`,
        created.map(({ id, name, configs }) => [id, name, JSON.stringify(configs), now]),
      )
      await addPartitions(
        sql,
        created.map(({ id, partitions }) => ({ topic: id, from: 0, to: partitions })),
      )
      return verdicts
    }),

  deleteTopics: (sql: Sql, ids: readonly TopicId[], keepMs: number | null, now: Now): Promise<TopicChange> =>
    changeTopics(sql, async current => {
      const known = new Set(current.map(({ id }) => id))
      const verdicts = ids.map(id => (known.delete(id) ? accept(id) : refuse('UNKNOWN_TOPIC_ID')))
      const deleted = ids.filter((_, index) => verdicts[index]!.ok).map(id => [id])
      // Transactions that write to these partitions either come before, or find them gone.
      await sql.all(`SELECT id FROM partitions WHERE ${OF_TOPICS} ORDER BY id FOR UPDATE`, deleted)
      await sql.run(
        `DELETE FROM transaction_partitions WHERE partition IN (SELECT id FROM partitions WHERE ${OF_TOPICS})`,
        deleted,
      )
      await sql.run(`DELETE FROM transaction_offsets WHERE ${OF_TOPICS}`, deleted)
      if (keepMs === null) await forgetTopics(sql, 'partitions', deleted)
      else await setAside(sql, deleted, now, now + keepMs)
      await sql.run(`DELETE FROM partitions WHERE ${OF_TOPICS}`, deleted)
      await sql.run('DELETE FROM topics WHERE id IN (SELECT id FROM ROWS(id text) AS r)', deleted)
      return verdicts
    }),

  undeleteTopics: (sql: Sql, ids: readonly TopicId[]): Promise<TopicChange> =>
    changeTopics(sql, async current => {
      const taken = new Set(current.map(({ name }) => name))
      const known = new Map((await topicReads.deletedTopics(sql)).map(({ id, name }) => [id, name]))
      const verdicts = ids.map(id => {
        const name = known.get(id)
        if (name === undefined) return refuse('UNKNOWN_TOPIC_ID')
        if (taken.has(name)) return refuse('TOPIC_ALREADY_EXISTS')
        taken.add(name)
        known.delete(id)
        return accept(id)
      })
      const restored = ids.filter((_, index) => verdicts[index]!.ok).map(id => [id])
      await sql.run(
        `INSERT INTO topics (id, name, configs, created_at)
         SELECT id, name, configs, created_at FROM deleted_topics WHERE id IN (SELECT id FROM ROWS(id text) AS r)`,
        restored,
      )
      await sql.run(
        `INSERT INTO partitions (${PARTITION_COLUMNS})
         SELECT ${PARTITION_COLUMNS} FROM deleted_partitions WHERE ${OF_TOPICS}`,
        restored,
      )
      await dropSetAside(sql, restored)
      return verdicts
    }),

  purgeDeletedTopics: async (sql: Sql, isAll: boolean, now: Now): Promise<string[]> => {
    // Serialises with transactions that restore topics.
    await sql.all(`SELECT value FROM facts WHERE name = 'catalog_version' FOR UPDATE`)
    const due = (await topicReads.deletedTopics(sql)).filter(({ purgeAt }) => isAll || purgeAt <= now)
    const ids = due.map(({ id }) => [id])
    await forgetTopics(sql, 'deleted_partitions', ids)
    await dropSetAside(sql, ids)
    return due.map(({ name }) => name)
  },

  purgeDeletedTopic: async (sql: Sql, id: TopicId): Promise<void> => {
    await sql.all(`SELECT value FROM facts WHERE name = 'catalog_version' FOR UPDATE`)
    const known = await sql.all<{ id: TopicId }>('SELECT id FROM deleted_topics WHERE id = ?', id)
    const ids = known.map(topic => [topic.id])
    await forgetTopics(sql, 'deleted_partitions', ids)
    await dropSetAside(sql, ids)
  },

  createPartitions: (sql: Sql, changes: readonly { topic: TopicId; partitions: number }[]): Promise<TopicChange> =>
    changeTopics(sql, async current => {
      const counts = new Map(current.map(({ id, partitions }) => [id, partitions.length]))
      const added: { topic: TopicId; from: number; to: number }[] = []
      const verdicts = changes.map(({ topic, partitions }) => {
        const from = counts.get(topic)
        if (from === undefined) return refuse('UNKNOWN_TOPIC_ID')
        if (partitions <= from) return refuse('INVALID_PARTITIONS')
        counts.set(topic, partitions)
        added.push({ topic, from, to: partitions })
        return accept(topic)
      })
      await addPartitions(sql, added)
      return verdicts
    }),

  setTopicConfigs: (
    sql: Sql,
    changes: readonly { topic: TopicId; configs: Readonly<Record<string, string>> }[],
  ): Promise<TopicChange> =>
    changeTopics(sql, async current => {
      const known = new Set(current.map(({ id }) => id))
      const last = new Map(changes.map(({ topic, configs }) => [topic, JSON.stringify(configs)]))
      await sql.run(
        'UPDATE topics SET configs = r.configs FROM ROWS(id text, configs text) AS r WHERE topics.id = r.id',
        [...last],
      )
      return changes.map(({ topic }) => (known.has(topic) ? accept(topic) : refuse('UNKNOWN_TOPIC_ID')))
    }),
}

const OF_TOPICS = 'topic IN (SELECT id FROM ROWS(id text) AS r)'
const PARTITION_COLUMNS = 'id, topic, number, log_start, next_offset, first_unstable, size_bytes, last_append_at'

type TopicIds = readonly (readonly [TopicId])[] | readonly TopicId[][]

/** Moves topics, their partitions and groups' offsets to where only `undeleteTopics` finds them. */
async function setAside(sql: Sql, ids: TopicIds, now: number, purgeAt: number): Promise<void> {
  await sql.run(
    `INSERT INTO deleted_topics (id, name, configs, created_at, deleted_at, purge_at)
     SELECT id, name, configs, created_at, CAST(? AS bigint), CAST(? AS bigint) FROM topics
     WHERE id IN (SELECT id FROM ROWS(id text) AS r)`,
    now,
    purgeAt,
    ids,
  )
  await sql.run(
    `INSERT INTO deleted_partitions (${PARTITION_COLUMNS}) SELECT ${PARTITION_COLUMNS} FROM partitions WHERE ${OF_TOPICS}`,
    ids,
  )
}

async function dropSetAside(sql: Sql, ids: TopicIds): Promise<void> {
  await sql.run(`DELETE FROM deleted_partitions WHERE ${OF_TOPICS}`, ids)
  await sql.run('DELETE FROM deleted_topics WHERE id IN (SELECT id FROM ROWS(id text) AS r)', ids)
}

/** Leaves the records of topics to housekeeping and deletes everything else about them, except their own rows. */
async function forgetTopics(sql: Sql, table: 'partitions' | 'deleted_partitions', ids: TopicIds): Promise<void> {
  await sql.run(`INSERT INTO doomed_partitions (id) SELECT id FROM ${table} WHERE ${OF_TOPICS}`, ids)
  await sql.run(`DELETE FROM cleanings WHERE partition IN (SELECT id FROM ${table} WHERE ${OF_TOPICS})`, ids)
  await sql.run(`DELETE FROM group_offsets WHERE ${OF_TOPICS}`, ids)
}

type PlaceRow = Pick<PartitionRow, 'id' | 'topic' | 'number'>

/** The outcome of one change: the id of the topic in question, or why it is refused. */
type Verdict = Outcome<TopicId, TopicErrorCode>

const accept = (value: TopicId): Verdict => ({ ok: true, value })
const refuse = (code: TopicErrorCode): Verdict => ({ ok: false, code })

/** Serialises changes of topics, so that `apply` receives the state that it changes. */
async function changeTopics(sql: Sql, apply: (current: readonly Topic[]) => Promise<Verdict[]>): Promise<TopicChange> {
  await sql.all(`SELECT value FROM facts WHERE name = 'catalog_version' FOR UPDATE`)
  const before = await topicReads.topics(sql)
  const verdicts = await apply(before.topics)
  if (verdicts.some(({ ok }) => ok)) {
    await sql.run(`UPDATE facts SET value = ? WHERE name = 'catalog_version'`, String(before.version + 1))
  }
  const after = await topicReads.topics(sql)
  // A deleted topic is returned as it was.
  const byId = new Map([...before.topics, ...after.topics].map(topic => [topic.id, topic]))
  const outcomes = verdicts.map(verdict =>
    verdict.ok ? { ok: true as const, value: byId.get(verdict.value)! } : verdict,
  )
  return { outcomes, ...after }
}

async function addPartitions(
  sql: Sql,
  added: readonly { readonly topic: TopicId; readonly from: number; readonly to: number }[],
): Promise<void> {
  await sql.run(
    `INSERT INTO partitions (topic, number, log_start, next_offset, size_bytes, last_append_at)
     SELECT topic, number, 0, 0, 0, 0 FROM ROWS(topic text, number integer) AS r`,
    added.flatMap(({ topic, from, to }) => Array.from({ length: to - from }, (_, index) => [topic, from + index])),
  )
}

function topicOf(row: TopicRow, places: readonly PlaceRow[]): Topic {
  const partitions: number[] = []
  for (const { number, id } of places) partitions[number] = id
  // Only setTopicConfigs and createTopics write configs, and they accept nothing else.
  const configs = JSON.parse(row.configs) as Record<string, string>
  return { id: row.id, name: row.name, partitions, configs, createdAt: row.created_at }
}
