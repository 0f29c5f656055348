import type { Schema } from '../schema.ts'

// KIP-584. v1 the type of upgrade and a dry run (KIP-778). v2 a single error for the whole request.
export default {
  key: 57,
  name: 'UpdateFeatures',
  versions: '0-2',
  flexible: '0+',
  request: [
    { name: 'timeoutMs', type: 'int32', default: 60000 },
    {
      name: 'featureUpdates',
      type: '[]FeatureUpdateKey',
      fields: [
        { name: 'feature', type: 'string' },
        { name: 'maxVersionLevel', type: 'int16' },
        { name: 'allowDowngrade', type: 'bool', versions: '0-0' },
        {
          name: 'upgradeType',
          type: 'int8',
          versions: '1+',
          default: 1,
          about: '1: upgrade, 2: safe downgrade, 3: unsafe downgrade.',
        },
      ],
    },
    { name: 'validateOnly', type: 'bool', versions: '1+' },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    { name: 'errorCode', type: 'int16' },
    { name: 'errorMessage', type: 'string', nullable: '0+' },
    {
      name: 'results',
      type: '[]UpdatableFeatureResult',
      versions: '0-1',
      fields: [
        { name: 'feature', type: 'string' },
        { name: 'errorCode', type: 'int16' },
        { name: 'errorMessage', type: 'string', nullable: '0+' },
      ],
    },
  ],
} satisfies Schema
