import type { Schema } from '../schema.ts'

// v3 static members (KIP-345). v5 protocol type and name, checked against the group's (KIP-559).
export default {
  key: 14,
  name: 'SyncGroup',
  versions: '0-5',
  flexible: '4+',
  request: [
    { name: 'groupId', type: 'string' },
    { name: 'generationId', type: 'int32' },
    { name: 'memberId', type: 'string' },
    { name: 'groupInstanceId', type: 'string', versions: '3+', nullable: '3+' },
    { name: 'protocolType', type: 'string', versions: '5+', nullable: '5+' },
    { name: 'protocolName', type: 'string', versions: '5+', nullable: '5+' },
    {
      name: 'assignments',
      type: '[]SyncGroupRequestAssignment',
      fields: [
        { name: 'memberId', type: 'string' },
        { name: 'assignment', type: 'bytes' },
      ],
    },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32', versions: '1+' },
    { name: 'errorCode', type: 'int16' },
    { name: 'protocolType', type: 'string', versions: '5+', nullable: '5+' },
    { name: 'protocolName', type: 'string', versions: '5+', nullable: '5+' },
    { name: 'assignment', type: 'bytes' },
  ],
} satisfies Schema
