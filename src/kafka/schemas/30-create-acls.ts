import type { Schema } from '../schema.ts'

// v1 prefixed patterns (KIP-290). v3 the resource type USER.
export default {
  key: 30,
  name: 'CreateAcls',
  versions: '1-3',
  flexible: '2+',
  request: [
    {
      name: 'creations',
      type: '[]AclCreation',
      fields: [
        { name: 'resourceType', type: 'int8' },
        { name: 'resourceName', type: 'string' },
        { name: 'resourcePatternType', type: 'int8', default: 3 },
        { name: 'principal', type: 'string' },
        { name: 'host', type: 'string' },
        { name: 'operation', type: 'int8' },
        { name: 'permissionType', type: 'int8' },
      ],
    },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    {
      name: 'results',
      type: '[]AclCreationResult',
      fields: [
        { name: 'errorCode', type: 'int16' },
        { name: 'errorMessage', type: 'string', nullable: '0+' },
      ],
    },
  ],
} satisfies Schema
