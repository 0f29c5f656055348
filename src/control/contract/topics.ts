import Type from 'typebox'
import {
  agentEndpoint,
  flag,
  integer,
  integerIn,
  list,
  named,
  nullable,
  object,
  oneOf,
  optional,
  type Shape,
  text,
  texts,
  timestamp,
} from './endpoint.ts'
import { ClusterRequest, Empty } from './shared.ts'

const maxPartitions = 100_000

const TopicRequest = Type.Object({ ...ClusterRequest.properties, topic_name: text() })

export const Topic = named('Topic', {
  topic_name: text(),
  partition_count: integer(),
  configs: texts('Only settings made on this topic.'),
  is_internal: flag(),
  record_count: integer('Records between log start and high watermark, across all partitions.'),
  size_bytes: nullable(integer(), 'Stored bytes; null if unknown.'),
})
export type Topic = Shape<typeof Topic>

export const DeletedTopic = named(
  'DeletedTopic',
  {
    topic_name: text(),
    topic_id: text(),
    partition_count: integer(),
    size_bytes: integer(),
    deleted_at: timestamp(),
    purged_at: timestamp(),
  },
  'A deleted topic that can be restored until `purged_at`, or until the disk of a bucket in a folder needs the space.',
)
export type DeletedTopic = Shape<typeof DeletedTopic>

export const TopicPartition = named('TopicPartition', {
  partition: integer(),
  log_start_offset: integer(),
  high_watermark: integer('The offset of the next record.'),
  size_bytes: nullable(integer()),
})
export type TopicPartition = Shape<typeof TopicPartition>

const bytes = { encoding: oneOf(['utf8', 'base64']), data: text() }

export const MessageBytes = named('MessageBytes', bytes, 'Bytes as text if they are UTF-8, else in base64.')
export type MessageBytes = Shape<typeof MessageBytes>

export const RecordBytes = named(
  'RecordBytes',
  { ...bytes, size_bytes: integer(), is_truncated: flag() },
  'Bytes as text if they are UTF-8, else in base64. Lists contain only the first 64 KiB of longer ones.',
)
export type RecordBytes = Shape<typeof RecordBytes>

export const TopicConfig = named('TopicConfig', {
  name: text(),
  value: nullable(text(), 'The value in effect; null if it is secret.'),
  source: oneOf(['topic', 'cluster', 'default'], "Set for this topic, a setting of the cluster, or Kafka's default."),
  is_read_only: flag(),
  documentation: nullable(text()),
})
export type TopicConfig = Shape<typeof TopicConfig>

export const TopicRecord = named('TopicRecord', {
  partition: integer(),
  offset: integer(),
  timestamp: timestamp(),
  key: nullable(RecordBytes),
  value: nullable(RecordBytes, 'Null is a tombstone.'),
  headers: list(object({ key: text(), value: nullable(RecordBytes) })),
})
export type TopicRecord = Shape<typeof TopicRecord>

const partitionNumber = integerIn(0, 2 ** 31 - 1)
const Position = object({ partition: partitionNumber, offset: integerIn(0, Number.MAX_SAFE_INTEGER) })

export const topicEndpoints = {
  list_topics: agentEndpoint({
    summary: 'Lists the topics of a cluster.',
    access: 'cluster_read',
    request: Type.Object({
      ...ClusterRequest.properties,
      include_recently_deleted: optional(flag('Also lists deleted topics that can be restored.')),
    }),
    response: Type.Object({ topics: list(Topic), recently_deleted_topics: optional(list(DeletedTopic)) }),
  }),
  describe_topic: agentEndpoint({
    summary: 'Describes a topic with its partitions.',
    access: 'cluster_read',
    request: TopicRequest,
    response: Type.Object({ ...Topic.properties, partitions: list(TopicPartition) }),
  }),
  create_topic: agentEndpoint({
    summary: 'Creates a topic.',
    changes: 'topics',
    access: 'cluster_write',
    request: Type.Object({
      ...TopicRequest.properties,
      partition_count: optional(integerIn(1, maxPartitions, '1 when absent.')),
      configs: optional(nullable(texts('Settings of the topic, such as `retention.ms`.'))),
    }),
    response: Empty,
  }),
  update_topic: agentEndpoint({
    summary: 'Adds partitions to a topic and changes the given settings; others do not change.',
    changes: 'topics',
    access: 'cluster_write',
    request: Type.Object({
      ...TopicRequest.properties,
      partition_count: optional(
        integerIn(1, maxPartitions, 'The new total, which cannot be smaller than the current one.'),
      ),
      configs: optional(
        nullable(Type.Record(Type.String(), nullable(text())), 'Null resets a setting to its default.'),
      ),
    }),
    response: Empty,
  }),
  delete_topic: agentEndpoint({
    summary:
      'Deletes a topic, unless its deletion protection is enabled. While `warpstream.soft.delete.topic.enable` is on it can be ' +
      'brought back.',
    changes: 'topics',
    access: 'cluster_write',
    request: Type.Object({
      ...TopicRequest.properties,
      soft_delete: optional(flag('False deletes it permanently; by default the setting of the cluster decides.')),
    }),
    response: Empty,
  }),
  undelete_topic: agentEndpoint({
    summary: 'Restores a deleted topic, with its records and the offsets of groups.',
    changes: 'topics',
    access: 'cluster_write',
    request: Type.Object({
      ...TopicRequest.properties,
      topic_id: optional(text('Which of several topics of this name; by default the most recently deleted one.')),
    }),
    response: Empty,
  }),
  describe_topic_configs: agentEndpoint({
    summary: 'Lists every topic setting, with its value, source and documentation.',
    access: 'cluster_read',
    request: TopicRequest,
    response: Type.Object({ configs: list(TopicConfig) }),
  }),
  read_topic_messages: agentEndpoint({
    summary:
      'Reads records for display, by timestamp, oldest first; the control plane passes them on and stores none. ' +
      'Without `positions` it reads the newest ones; pass `next_positions` to continue.',
    access: 'cluster_read',
    request: Type.Object({
      ...TopicRequest.properties,
      partition: optional(partitionNumber),
      positions: optional(list(Position, 'Where to start reading, by partition.')),
      limit: optional(integerIn(1, 500, '50 when absent.')),
      wait_ms: optional(integerIn(0, 10_000, 'How long to wait for a first record, in milliseconds; 0 when absent.')),
    }),
    response: Type.Object({ records: list(TopicRecord), next_positions: list(Position) }),
  }),
  read_topic_message: agentEndpoint({
    summary: 'Reads one record with its complete key, value and headers.',
    access: 'cluster_read',
    request: Type.Object({ ...TopicRequest.properties, ...Position.properties }),
    response: Type.Object({ record: TopicRecord }),
  }),
  produce_topic_message: agentEndpoint({
    summary: 'Writes one record, which is stored before the response.',
    access: 'cluster_write',
    changes: 'topics',
    request: Type.Object({
      ...TopicRequest.properties,
      partition: optional(
        integerIn(0, 2 ** 31 - 1, 'If absent, chosen by the key as in Kafka clients, or at random without a key.'),
      ),
      key: optional(nullable(MessageBytes)),
      value: optional(nullable(MessageBytes, 'Null or absent is a tombstone.')),
      headers: optional(list(object({ key: text(), value: optional(nullable(MessageBytes)) }))),
    }),
    response: Type.Object({ partition: integer(), offset: integer() }),
  }),
}
