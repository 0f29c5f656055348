import type { Schema } from '../schema.ts'

// KIP-848. v1 whether a member speaks the classic protocol (KIP-1099).
export default {
  key: 69,
  name: 'ConsumerGroupDescribe',
  versions: '0-1',
  flexible: '0+',
  request: [
    { name: 'groupIds', type: '[]string' },
    { name: 'includeAuthorizedOperations', type: 'bool' },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    {
      name: 'groups',
      type: '[]DescribedConsumerGroup',
      fields: [
        { name: 'errorCode', type: 'int16' },
        { name: 'errorMessage', type: 'string', nullable: '0+' },
        { name: 'groupId', type: 'string' },
        { name: 'groupState', type: 'string' },
        { name: 'groupEpoch', type: 'int32' },
        { name: 'assignmentEpoch', type: 'int32' },
        { name: 'assignorName', type: 'string' },
        {
          name: 'members',
          type: '[]DescribedConsumerGroupMember',
          fields: [
            { name: 'memberId', type: 'string' },
            { name: 'instanceId', type: 'string', nullable: '0+' },
            { name: 'rackId', type: 'string', nullable: '0+' },
            { name: 'memberEpoch', type: 'int32' },
            { name: 'clientId', type: 'string' },
            { name: 'clientHost', type: 'string' },
            { name: 'subscribedTopicNames', type: '[]string' },
            { name: 'subscribedTopicRegex', type: 'string', nullable: '0+' },
            {
              name: 'assignment',
              type: 'DescribedAssignment',
              fields: [
                {
                  name: 'topicPartitions',
                  type: '[]DescribedTopicPartitions',
                  fields: [
                    { name: 'topicId', type: 'uuid' },
                    { name: 'topicName', type: 'string' },
                    { name: 'partitions', type: '[]int32' },
                  ],
                },
              ],
            },
            { name: 'targetAssignment', type: 'DescribedAssignment' },
            {
              name: 'memberType',
              type: 'int8',
              versions: '1+',
              default: -1,
              about: '-1: unknown, 0: classic, 1: consumer.',
            },
          ],
        },
        { name: 'authorizedOperations', type: 'int32', default: -2147483648 },
      ],
    },
  ],
} satisfies Schema
