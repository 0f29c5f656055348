import type { Schema } from '../schema.ts'

// KIP-546.
export default {
  key: 48,
  name: 'DescribeClientQuotas',
  versions: '0-1',
  flexible: '1+',
  request: [
    {
      name: 'components',
      type: '[]ComponentData',
      fields: [
        { name: 'entityType', type: 'string' },
        { name: 'matchType', type: 'int8', about: '0: exact, 1: default, 2: any.' },
        { name: 'match', type: 'string', nullable: '0+' },
      ],
    },
    { name: 'strict', type: 'bool', about: 'Whether entities with other components are excluded.' },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    { name: 'errorCode', type: 'int16' },
    { name: 'errorMessage', type: 'string', nullable: '0+' },
    {
      name: 'entries',
      type: '[]DescribeClientQuotasEntry',
      nullable: '0+',
      fields: [
        {
          name: 'entity',
          type: '[]DescribeClientQuotasEntity',
          fields: [
            { name: 'entityType', type: 'string' },
            { name: 'entityName', type: 'string', nullable: '0+', about: 'Null stands for the default of the type.' },
          ],
        },
        {
          name: 'values',
          type: '[]ValueData',
          fields: [
            { name: 'key', type: 'string' },
            { name: 'value', type: 'float64' },
          ],
        },
      ],
    },
  ],
} satisfies Schema
