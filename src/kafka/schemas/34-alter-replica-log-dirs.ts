import type { Schema } from '../schema.ts'

// KIP-113.
export default {
  key: 34,
  name: 'AlterReplicaLogDirs',
  versions: '1-2',
  flexible: '2+',
  request: [
    {
      name: 'dirs',
      type: '[]AlterReplicaLogDir',
      fields: [
        { name: 'path', type: 'string' },
        {
          name: 'topics',
          type: '[]AlterReplicaLogDirTopic',
          fields: [
            { name: 'name', type: 'string' },
            { name: 'partitions', type: '[]int32' },
          ],
        },
      ],
    },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    {
      name: 'results',
      type: '[]AlterReplicaLogDirTopicResult',
      fields: [
        { name: 'topicName', type: 'string' },
        {
          name: 'partitions',
          type: '[]AlterReplicaLogDirPartitionResult',
          fields: [
            { name: 'partitionIndex', type: 'int32' },
            { name: 'errorCode', type: 'int16' },
          ],
        },
      ],
    },
  ],
} satisfies Schema
