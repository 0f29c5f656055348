import type { Schema } from '../schema.ts'

// v0 lists client metrics only (KIP-714), v1 all types that have configs (KIP-1142).
export default {
  key: 74,
  name: 'ListConfigResources',
  versions: '0-1',
  flexible: '0+',
  request: [{ name: 'resourceTypes', type: '[]int8', versions: '1+' }],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    { name: 'errorCode', type: 'int16' },
    {
      name: 'configResources',
      type: '[]ConfigResource',
      fields: [
        { name: 'resourceName', type: 'string' },
        { name: 'resourceType', type: 'int8', versions: '1+', default: 16 },
      ],
    },
  ],
} satisfies Schema
