import type { Schema } from '../schema.ts'

// KIP-546.
export default {
  key: 49,
  name: 'AlterClientQuotas',
  versions: '0-1',
  flexible: '1+',
  request: [
    {
      name: 'entries',
      type: '[]AlterClientQuotasEntry',
      fields: [
        {
          name: 'entity',
          type: '[]AlterClientQuotasEntity',
          fields: [
            { name: 'entityType', type: 'string' },
            { name: 'entityName', type: 'string', nullable: '0+', about: 'Null stands for the default of the type.' },
          ],
        },
        {
          name: 'ops',
          type: '[]OpData',
          fields: [
            { name: 'key', type: 'string' },
            { name: 'value', type: 'float64' },
            { name: 'remove', type: 'bool' },
          ],
        },
      ],
    },
    { name: 'validateOnly', type: 'bool' },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    {
      name: 'entries',
      type: '[]AlterClientQuotasResponseEntry',
      fields: [
        { name: 'errorCode', type: 'int16' },
        { name: 'errorMessage', type: 'string', nullable: '0+' },
        {
          name: 'entity',
          type: '[]AlterClientQuotasResponseEntity',
          fields: [
            { name: 'entityType', type: 'string' },
            { name: 'entityName', type: 'string', nullable: '0+' },
          ],
        },
      ],
    },
  ],
} satisfies Schema
