import type { Schema } from '../schema.ts'

// Replaces all of a resource's configs; newer clients use IncrementalAlterConfigs instead.
export default {
  key: 33,
  name: 'AlterConfigs',
  versions: '0-2',
  flexible: '2+',
  request: [
    {
      name: 'resources',
      type: '[]AlterConfigsResource',
      fields: [
        { name: 'resourceType', type: 'int8' },
        { name: 'resourceName', type: 'string' },
        {
          name: 'configs',
          type: '[]AlterableConfig',
          fields: [
            { name: 'name', type: 'string' },
            { name: 'value', type: 'string', nullable: '0+' },
          ],
        },
      ],
    },
    { name: 'validateOnly', type: 'bool' },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    {
      name: 'responses',
      type: '[]AlterConfigsResourceResponse',
      fields: [
        { name: 'errorCode', type: 'int16' },
        { name: 'errorMessage', type: 'string', nullable: '0+' },
        { name: 'resourceType', type: 'int8' },
        { name: 'resourceName', type: 'string' },
      ],
    },
  ],
} satisfies Schema
