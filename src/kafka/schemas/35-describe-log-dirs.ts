import type { Schema } from '../schema.ts'

// v3 an error for the whole response. v4 the volume's size (KIP-827).
export default {
  key: 35,
  name: 'DescribeLogDirs',
  versions: '0-4',
  flexible: '2+',
  request: [
    {
      name: 'topics',
      type: '[]DescribableLogDirTopic',
      nullable: '0+',
      about: 'Null requests all topics.',
      fields: [
        { name: 'topic', type: 'string' },
        { name: 'partitions', type: '[]int32' },
      ],
    },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    { name: 'errorCode', type: 'int16', versions: '3+' },
    {
      name: 'results',
      type: '[]DescribeLogDirsResult',
      fields: [
        { name: 'errorCode', type: 'int16' },
        { name: 'logDir', type: 'string' },
        {
          name: 'topics',
          type: '[]DescribeLogDirsTopic',
          fields: [
            { name: 'name', type: 'string' },
            {
              name: 'partitions',
              type: '[]DescribeLogDirsPartition',
              fields: [
                { name: 'partitionIndex', type: 'int32' },
                { name: 'partitionSize', type: 'int64' },
                { name: 'offsetLag', type: 'int64', default: 0 },
                { name: 'isFutureKey', type: 'bool', default: false },
              ],
            },
          ],
        },
        { name: 'totalBytes', type: 'int64', versions: '4+', default: -1 },
        { name: 'usableBytes', type: 'int64', versions: '4+', default: -1 },
      ],
    },
  ],
} satisfies Schema
