import type { NewTopic, Outcome, Topic, TopicErrorCode, TopicId } from '../metadata.ts'
import type { Database } from './database.ts'

/** All topics and the version of the catalog in which they are. */
export interface TopicList {
  readonly version: number
  readonly topics: readonly Topic[]
}

/** What a change of topics came to, and all topics as they are after it. */
export interface TopicChange extends TopicList {
  readonly outcomes: Outcome<Topic, TopicErrorCode>[]
}

/** A topic to create, with the id that it will have. */
export interface NewTopicWithId extends NewTopic {
  readonly id: TopicId
}

export const topicReads = {
  catalogVersion: (database: Database): number => Number(fact(database, 'catalog_version') ?? 0),

  topics: (database: Database): TopicList => {
    const partitions = new Map<TopicId, number[]>()
    for (const row of database.all<{ id: number; topic: string; number: number }>(
      'SELECT id, topic, number FROM partitions ORDER BY topic, number',
    )) {
      const ids = partitions.get(row.topic) ?? []
      ids[row.number] = row.id
      partitions.set(row.topic, ids)
    }
    const topics = database
      .all<TopicRow>('SELECT id, name, configs, created_at FROM topics ORDER BY name')
      .map(row => topicOf(row, partitions.get(row.id) ?? []))
    return { version: topicReads.catalogVersion(database), topics }
  },
}

export const topicWrites = {
  createTopics: (database: Database, topics: readonly NewTopicWithId[], now: number): TopicChange =>
    changeTopics(database, topics, topic => {
      if (database.get('SELECT id FROM topics WHERE name = ?', topic.name)) return refuse('TOPIC_ALREADY_EXISTS')
      if (topic.partitions < 1) return refuse('INVALID_PARTITIONS')
      database.run('INSERT INTO topics VALUES (?, ?, ?, ?)', topic.id, topic.name, JSON.stringify(topic.configs), now)
      addPartitions(database, topic.id, 0, topic.partitions)
      return accept(readTopic(database, topic.id)!)
    }),

  deleteTopics: (database: Database, ids: readonly TopicId[]): TopicChange =>
    changeTopics(database, ids, id => {
      const topic = readTopic(database, id)
      if (!topic) return refuse('UNKNOWN_TOPIC_ID')
      database.run('INSERT INTO doomed_partitions SELECT id FROM partitions WHERE topic = ?', id)
      database.run('DELETE FROM partitions WHERE topic = ?', id)
      database.run('DELETE FROM topics WHERE id = ?', id)
      database.run('DELETE FROM group_offsets WHERE topic = ?', id)
      return accept(topic)
    }),

  createPartitions: (database: Database, changes: readonly { topic: TopicId; partitions: number }[]): TopicChange =>
    changeTopics(database, changes, change => {
      const topic = readTopic(database, change.topic)
      if (!topic) return refuse('UNKNOWN_TOPIC_ID')
      if (change.partitions <= topic.partitions.length) return refuse('INVALID_PARTITIONS')
      addPartitions(database, topic.id, topic.partitions.length, change.partitions)
      return accept(readTopic(database, topic.id)!)
    }),

  setTopicConfigs: (
    database: Database,
    changes: readonly { topic: TopicId; configs: Readonly<Record<string, string>> }[],
  ): TopicChange =>
    changeTopics(database, changes, ({ topic, configs }) => {
      database.run('UPDATE topics SET configs = ? WHERE id = ?', JSON.stringify(configs), topic)
      const changed = readTopic(database, topic)
      return changed ? accept(changed) : refuse('UNKNOWN_TOPIC_ID')
    }),
}

export function fact(database: Database, name: string): string | undefined {
  return database.get<{ value: string }>('SELECT value FROM facts WHERE name = ?', name)?.value
}

export function setFact(database: Database, name: string, value: string): void {
  database.run('INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value', name, value)
}

type TopicRow = { id: string; name: string; configs: string; created_at: number }
type TopicOutcome = Outcome<Topic, TopicErrorCode>

const accept = (value: Topic): TopicOutcome => ({ ok: true, value })
const refuse = (code: TopicErrorCode): TopicOutcome => ({ ok: false, code })

function changeTopics<Change>(
  database: Database,
  changes: readonly Change[],
  apply: (change: Change) => TopicOutcome,
): TopicChange {
  const outcomes = changes.map(apply)
  if (outcomes.some(({ ok }) => ok)) {
    setFact(database, 'catalog_version', String(topicReads.catalogVersion(database) + 1))
  }
  return { outcomes, ...topicReads.topics(database) }
}

function addPartitions(database: Database, topic: TopicId, from: number, to: number): void {
  for (let number = from; number < to; number++) {
    database.run(
      `INSERT INTO partitions (topic, number, log_start, next_offset, size_bytes, last_append_at)
       VALUES (?, ?, 0, 0, 0, 0)`,
      topic,
      number,
    )
  }
}

function readTopic(database: Database, id: TopicId): Topic | undefined {
  const row = database.get<TopicRow>('SELECT id, name, configs, created_at FROM topics WHERE id = ?', id)
  if (!row) return undefined
  const partitions = database.all<{ id: number }>('SELECT id FROM partitions WHERE topic = ? ORDER BY number', id)
  return topicOf(
    row,
    partitions.map(partition => partition.id),
  )
}

function topicOf(row: TopicRow, partitions: readonly number[]): Topic {
  // Configs are written by setTopicConfigs and createTopics alone, which take nothing else.
  const configs = JSON.parse(row.configs) as Record<string, string>
  return { id: row.id, name: row.name, partitions, configs, createdAt: row.created_at }
}
