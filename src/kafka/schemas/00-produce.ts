import type { Schema } from '../schema.ts'

// v3 record batches of format 2. v7 zstd. v8 errors per record (KIP-467). v10 the new leader (KIP-951). v12 adds
// partitions to the transaction implicitly (KIP-890). v13 topic ids (KIP-516). v0–v2 are listed because old
// librdkafka looks for them, but are refused.
export default {
  key: 0,
  name: 'Produce',
  versions: '0-13',
  flexible: '9+',
  request: [
    { name: 'transactionalId', type: 'string', versions: '3+', nullable: '3+' },
    { name: 'acks', type: 'int16', about: '0: no response, 1: the leader, -1: all replicas.' },
    { name: 'timeoutMs', type: 'int32', default: 30000 },
    {
      name: 'topicData',
      type: '[]TopicProduceData',
      fields: [
        { name: 'name', type: 'string', versions: '0-12' },
        { name: 'topicId', type: 'uuid', versions: '13+' },
        {
          name: 'partitionData',
          type: '[]PartitionProduceData',
          fields: [
            { name: 'index', type: 'int32' },
            { name: 'records', type: 'records', nullable: '0+' },
          ],
        },
      ],
    },
  ],
  response: [
    {
      name: 'responses',
      type: '[]TopicProduceResponse',
      fields: [
        { name: 'name', type: 'string', versions: '0-12' },
        { name: 'topicId', type: 'uuid', versions: '13+' },
        {
          name: 'partitionResponses',
          type: '[]PartitionProduceResponse',
          fields: [
            { name: 'index', type: 'int32' },
            { name: 'errorCode', type: 'int16' },
            { name: 'baseOffset', type: 'int64' },
            { name: 'logAppendTimeMs', type: 'int64', versions: '2+', default: -1 },
            { name: 'logStartOffset', type: 'int64', versions: '5+', default: -1 },
            {
              name: 'recordErrors',
              type: '[]BatchIndexAndErrorMessage',
              versions: '8+',
              fields: [
                { name: 'batchIndex', type: 'int32' },
                { name: 'batchIndexErrorMessage', type: 'string', nullable: '8+' },
              ],
            },
            { name: 'errorMessage', type: 'string', versions: '8+', nullable: '8+' },
            {
              name: 'currentLeader',
              type: 'LeaderIdAndEpoch',
              versions: '10+',
              tag: 0,
              fields: [
                { name: 'leaderId', type: 'int32', default: -1 },
                { name: 'leaderEpoch', type: 'int32', default: -1 },
              ],
            },
          ],
        },
      ],
    },
    { name: 'throttleTimeMs', type: 'int32', versions: '1+' },
    {
      name: 'nodeEndpoints',
      type: '[]NodeEndpoint',
      versions: '10+',
      tag: 0,
      fields: [
        { name: 'nodeId', type: 'int32' },
        { name: 'host', type: 'string' },
        { name: 'port', type: 'int32' },
        { name: 'rack', type: 'string', nullable: '10+' },
      ],
    },
  ],
} satisfies Schema
