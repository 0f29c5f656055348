import type { Schema } from '../schema.ts'

// v1 prefixed patterns (KIP-290). v3 the resource type USER.
export default {
  key: 29,
  name: 'DescribeAcls',
  versions: '1-3',
  flexible: '2+',
  request: [
    { name: 'resourceTypeFilter', type: 'int8' },
    { name: 'resourceNameFilter', type: 'string', nullable: '0+' },
    { name: 'patternTypeFilter', type: 'int8', default: 3, about: '1: any, 2: match, 3: literal, 4: prefixed.' },
    { name: 'principalFilter', type: 'string', nullable: '0+' },
    { name: 'hostFilter', type: 'string', nullable: '0+' },
    { name: 'operation', type: 'int8' },
    { name: 'permissionType', type: 'int8' },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    { name: 'errorCode', type: 'int16' },
    { name: 'errorMessage', type: 'string', nullable: '0+' },
    {
      name: 'resources',
      type: '[]DescribeAclsResource',
      fields: [
        { name: 'resourceType', type: 'int8' },
        { name: 'resourceName', type: 'string' },
        { name: 'patternType', type: 'int8', default: 3 },
        {
          name: 'acls',
          type: '[]AclDescription',
          fields: [
            { name: 'principal', type: 'string' },
            { name: 'host', type: 'string' },
            { name: 'operation', type: 'int8' },
            { name: 'permissionType', type: 'int8' },
          ],
        },
      ],
    },
  ],
} satisfies Schema
