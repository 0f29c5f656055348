import type { Schema } from '../schema.ts'

// KIP-848. v1 subscriptions by regular expression; the client generates its member id.
export default {
  key: 68,
  name: 'ConsumerGroupHeartbeat',
  versions: '0-1',
  flexible: '0+',
  request: [
    { name: 'groupId', type: 'string' },
    { name: 'memberId', type: 'string' },
    { name: 'memberEpoch', type: 'int32', about: '0 joins, -1 leaves, -2 leaves temporarily (static members).' },
    { name: 'instanceId', type: 'string', nullable: '0+' },
    { name: 'rackId', type: 'string', nullable: '0+' },
    { name: 'rebalanceTimeoutMs', type: 'int32', default: -1 },
    { name: 'subscribedTopicNames', type: '[]string', nullable: '0+' },
    { name: 'subscribedTopicRegex', type: 'string', versions: '1+', nullable: '1+' },
    { name: 'serverAssignor', type: 'string', nullable: '0+' },
    {
      name: 'topicPartitions',
      type: '[]OwnedTopicPartitions',
      nullable: '0+',
      about: 'The partitions that the member owns; null when they are unchanged.',
      fields: [
        { name: 'topicId', type: 'uuid' },
        { name: 'partitions', type: '[]int32' },
      ],
    },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    { name: 'errorCode', type: 'int16' },
    { name: 'errorMessage', type: 'string', nullable: '0+' },
    { name: 'memberId', type: 'string', nullable: '0+' },
    { name: 'memberEpoch', type: 'int32' },
    { name: 'heartbeatIntervalMs', type: 'int32' },
    {
      name: 'assignment',
      type: 'ConsumerGroupAssignment',
      nullable: '0+',
      fields: [
        {
          name: 'topicPartitions',
          type: '[]AssignedTopicPartitions',
          fields: [
            { name: 'topicId', type: 'uuid' },
            { name: 'partitions', type: '[]int32' },
          ],
        },
      ],
    },
  ],
} satisfies Schema
