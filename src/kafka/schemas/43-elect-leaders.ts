import type { Schema } from '../schema.ts'

// v1 the kind of election (KIP-460).
export default {
  key: 43,
  name: 'ElectLeaders',
  versions: '0-2',
  flexible: '2+',
  request: [
    { name: 'electionType', type: 'int8', versions: '1+', about: '0: the preferred leader, 1: an unclean one.' },
    {
      name: 'topicPartitions',
      type: '[]TopicPartitions',
      nullable: '0+',
      about: 'Null requests all partitions.',
      fields: [
        { name: 'topic', type: 'string' },
        { name: 'partitions', type: '[]int32' },
      ],
    },
    { name: 'timeoutMs', type: 'int32', default: 60000 },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    { name: 'errorCode', type: 'int16', versions: '1+' },
    {
      name: 'replicaElectionResults',
      type: '[]ReplicaElectionResult',
      fields: [
        { name: 'topic', type: 'string' },
        {
          name: 'partitionResult',
          type: '[]PartitionResult',
          fields: [
            { name: 'partitionId', type: 'int32' },
            { name: 'errorCode', type: 'int16' },
            { name: 'errorMessage', type: 'string', nullable: '0+' },
          ],
        },
      ],
    },
  ],
} satisfies Schema
