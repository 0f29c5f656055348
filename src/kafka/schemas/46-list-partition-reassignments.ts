import type { Schema } from '../schema.ts'

// KIP-455.
export default {
  key: 46,
  name: 'ListPartitionReassignments',
  versions: '0-0',
  flexible: '0+',
  request: [
    { name: 'timeoutMs', type: 'int32', default: 60000 },
    {
      name: 'topics',
      type: '[]ListPartitionReassignmentsTopics',
      nullable: '0+',
      fields: [
        { name: 'name', type: 'string' },
        { name: 'partitionIndexes', type: '[]int32' },
      ],
    },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    { name: 'errorCode', type: 'int16' },
    { name: 'errorMessage', type: 'string', nullable: '0+' },
    {
      name: 'topics',
      type: '[]OngoingTopicReassignment',
      fields: [
        { name: 'name', type: 'string' },
        {
          name: 'partitions',
          type: '[]OngoingPartitionReassignment',
          fields: [
            { name: 'partitionIndex', type: 'int32' },
            { name: 'replicas', type: '[]int32' },
            { name: 'addingReplicas', type: '[]int32' },
            { name: 'removingReplicas', type: '[]int32' },
          ],
        },
      ],
    },
  ],
} satisfies Schema
