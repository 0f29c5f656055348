import type { Schema } from '../schema.ts'

// KIP-700. v1 the type of endpoint (KIP-919). v2 fenced brokers (KIP-1073).
export default {
  key: 60,
  name: 'DescribeCluster',
  versions: '0-2',
  flexible: '0+',
  request: [
    { name: 'includeClusterAuthorizedOperations', type: 'bool' },
    { name: 'endpointType', type: 'int8', versions: '1+', default: 1, about: '1: brokers, 2: controllers.' },
    { name: 'includeFencedBrokers', type: 'bool', versions: '2+' },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    { name: 'errorCode', type: 'int16' },
    { name: 'errorMessage', type: 'string', nullable: '0+' },
    { name: 'endpointType', type: 'int8', versions: '1+', default: 1 },
    { name: 'clusterId', type: 'string' },
    { name: 'controllerId', type: 'int32', default: -1 },
    {
      name: 'brokers',
      type: '[]DescribeClusterBroker',
      fields: [
        { name: 'brokerId', type: 'int32' },
        { name: 'host', type: 'string' },
        { name: 'port', type: 'int32' },
        { name: 'rack', type: 'string', nullable: '0+' },
        { name: 'isFenced', type: 'bool', versions: '2+' },
      ],
    },
    { name: 'clusterAuthorizedOperations', type: 'int32', default: -2147483648 },
  ],
} satisfies Schema
