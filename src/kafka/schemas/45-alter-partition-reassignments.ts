import type { Schema } from '../schema.ts'

// KIP-455. v1 can forbid changing the number of replicas (KIP-860).
export default {
  key: 45,
  name: 'AlterPartitionReassignments',
  versions: '0-1',
  flexible: '0+',
  request: [
    { name: 'timeoutMs', type: 'int32', default: 60000 },
    { name: 'allowReplicationFactorChange', type: 'bool', versions: '1+', default: true },
    {
      name: 'topics',
      type: '[]ReassignableTopic',
      fields: [
        { name: 'name', type: 'string' },
        {
          name: 'partitions',
          type: '[]ReassignablePartition',
          fields: [
            { name: 'partitionIndex', type: 'int32' },
            {
              name: 'replicas',
              type: '[]int32',
              nullable: '0+',
              about: 'Null cancels an ongoing reassignment.',
            },
          ],
        },
      ],
    },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    { name: 'allowReplicationFactorChange', type: 'bool', versions: '1+', default: true },
    { name: 'errorCode', type: 'int16' },
    { name: 'errorMessage', type: 'string', nullable: '0+' },
    {
      name: 'responses',
      type: '[]ReassignableTopicResponse',
      fields: [
        { name: 'name', type: 'string' },
        {
          name: 'partitions',
          type: '[]ReassignablePartitionResponse',
          fields: [
            { name: 'partitionIndex', type: 'int32' },
            { name: 'errorCode', type: 'int16' },
            { name: 'errorMessage', type: 'string', nullable: '0+' },
          ],
        },
      ],
    },
  ],
} satisfies Schema
