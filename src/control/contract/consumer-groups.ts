import Type from 'typebox'
import {
  agentEndpoint,
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
} from './endpoint.ts'
import { ClusterRequest, Empty } from './shared.ts'

const GroupRequest = Type.Object({ ...ClusterRequest.properties, consumer_group_id: text() })

export const ConsumerGroup = named('ConsumerGroup', {
  consumer_group_id: text(),
  state: text('A state of Kafka: `Stable`, `Empty`, `PreparingRebalance`, `CompletingRebalance`, `Dead`.'),
  protocol_type: text(),
  member_count: integer(),
  topic_names: list(text()),
  lag: integer('Records not yet committed, across all partitions with a committed offset.'),
})
export type ConsumerGroup = Shape<typeof ConsumerGroup>

export const ConsumerGroupMember = named('ConsumerGroupMember', {
  member_id: text(),
  group_instance_id: nullable(text()),
  client_id: text(),
  client_host: text(),
  assignment: list(object({ topic_name: text(), partitions: list(integer()) })),
})
export type ConsumerGroupMember = Shape<typeof ConsumerGroupMember>

export const ConsumerGroupPartition = named('ConsumerGroupPartition', {
  topic_name: text(),
  partition: integer(),
  committed_offset: nullable(integer(), 'Null if the group has committed none.'),
  high_watermark: integer(),
  lag: nullable(integer()),
  member_id: nullable(text()),
})
export type ConsumerGroupPartition = Shape<typeof ConsumerGroupPartition>

export const consumerGroupEndpoints = {
  list_consumer_groups: agentEndpoint({
    summary: 'Lists the consumer groups of a cluster.',
    access: 'cluster_read',
    request: ClusterRequest,
    response: Type.Object({ consumer_groups: list(ConsumerGroup) }),
  }),
  describe_consumer_group: agentEndpoint({
    summary: 'Describes a consumer group with its members, committed offsets and lag.',
    access: 'cluster_read',
    request: GroupRequest,
    response: Type.Object({
      ...ConsumerGroup.properties,
      protocol: text('The assignment strategy that the members agreed on; empty without members.'),
      members: list(ConsumerGroupMember),
      partitions: list(ConsumerGroupPartition),
    }),
  }),
  reset_consumer_group_offsets: agentEndpoint({
    summary:
      'Commits new offsets for a group without members: of all partitions that it has offsets for, of the topic ' +
      '`topic_name`, or of one `partition` of it.',
    access: 'cluster_write',
    changes: 'consumer_groups',
    request: Type.Object({
      ...GroupRequest.properties,
      topic_name: optional(text()),
      partition: optional(integerIn(0, 2 ** 31 - 1)),
      to: oneOf(
        ['earliest', 'latest', 'timestamp', 'offset'],
        'The first retained offset, the next one to be written, the first at or after `timestamp`, or `offset`.',
      ),
      timestamp: optional(text('Only with `to: "timestamp"`; RFC 3339.')),
      offset: optional(
        integerIn(0, Number.MAX_SAFE_INTEGER, 'Only with `to: "offset"`; clamped to the range of each partition.'),
      ),
    }),
    response: Type.Object({
      offsets: list(object({ topic_name: text(), partition: integer(), offset: integer() })),
    }),
  }),
  delete_consumer_group: agentEndpoint({
    summary: 'Deletes a consumer group without members.',
    access: 'cluster_write',
    changes: 'consumer_groups',
    request: GroupRequest,
    response: Empty,
  }),
}
