import type { Schema } from '../schema.ts'

// v1 a separate rebalance timeout. v4 a first join gets a member id and is repeated with it (KIP-394). v5 static
// members (KIP-345). v8 the reason (KIP-800). v9 a leader may be told to skip the assignment (KIP-814).
export default {
  key: 11,
  name: 'JoinGroup',
  versions: '0-9',
  flexible: '6+',
  request: [
    { name: 'groupId', type: 'string' },
    { name: 'sessionTimeoutMs', type: 'int32' },
    { name: 'rebalanceTimeoutMs', type: 'int32', versions: '1+', default: -1 },
    { name: 'memberId', type: 'string' },
    { name: 'groupInstanceId', type: 'string', versions: '5+', nullable: '5+' },
    { name: 'protocolType', type: 'string' },
    {
      name: 'protocols',
      type: '[]JoinGroupRequestProtocol',
      fields: [
        { name: 'name', type: 'string' },
        { name: 'metadata', type: 'bytes' },
      ],
    },
    { name: 'reason', type: 'string', versions: '8+', nullable: '8+' },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32', versions: '2+' },
    { name: 'errorCode', type: 'int16' },
    { name: 'generationId', type: 'int32', default: -1 },
    { name: 'protocolType', type: 'string', versions: '7+', nullable: '7+' },
    { name: 'protocolName', type: 'string', nullable: '7+' },
    { name: 'leader', type: 'string' },
    { name: 'skipAssignment', type: 'bool', versions: '9+' },
    { name: 'memberId', type: 'string' },
    {
      name: 'members',
      type: '[]JoinGroupResponseMember',
      fields: [
        { name: 'memberId', type: 'string' },
        { name: 'groupInstanceId', type: 'string', versions: '5+', nullable: '5+' },
        { name: 'metadata', type: 'bytes' },
      ],
    },
  ],
} satisfies Schema
