import type { Schema } from '../schema.ts'

// v1 validateOnly. v4 -1 selects the cluster's defaults (KIP-464). v5 returns the new
// topic's configs (KIP-525). v7 the topic's id.
export default {
  key: 19,
  name: 'CreateTopics',
  versions: '0-7',
  flexible: '5+',
  request: [
    {
      name: 'topics',
      type: '[]CreatableTopic',
      fields: [
        { name: 'name', type: 'string' },
        { name: 'numPartitions', type: 'int32' },
        { name: 'replicationFactor', type: 'int16' },
        {
          name: 'assignments',
          type: '[]CreatableReplicaAssignment',
          fields: [
            { name: 'partitionIndex', type: 'int32' },
            { name: 'brokerIds', type: '[]int32' },
          ],
        },
        {
          name: 'configs',
          type: '[]CreatableTopicConfig',
          fields: [
            { name: 'name', type: 'string' },
            { name: 'value', type: 'string', nullable: '0+' },
          ],
        },
      ],
    },
    { name: 'timeoutMs', type: 'int32', default: 60000 },
    { name: 'validateOnly', type: 'bool', versions: '1+' },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32', versions: '2+' },
    {
      name: 'topics',
      type: '[]CreatableTopicResult',
      fields: [
        { name: 'name', type: 'string' },
        { name: 'topicId', type: 'uuid', versions: '7+' },
        { name: 'errorCode', type: 'int16' },
        { name: 'errorMessage', type: 'string', versions: '1+', nullable: '1+' },
        { name: 'topicConfigErrorCode', type: 'int16', versions: '5+', tag: 0 },
        { name: 'numPartitions', type: 'int32', versions: '5+', default: -1 },
        { name: 'replicationFactor', type: 'int16', versions: '5+', default: -1 },
        {
          name: 'configs',
          type: '[]CreatableTopicConfigs',
          versions: '5+',
          nullable: '5+',
          fields: [
            { name: 'name', type: 'string' },
            { name: 'value', type: 'string', nullable: '5+' },
            { name: 'readOnly', type: 'bool' },
            { name: 'configSource', type: 'int8', default: -1 },
            { name: 'isSensitive', type: 'bool' },
          ],
        },
      ],
    },
  ],
} satisfies Schema
