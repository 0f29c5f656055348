import type { Schema } from '../schema.ts'

// KIP-554.
export default {
  key: 51,
  name: 'AlterUserScramCredentials',
  versions: '0-0',
  flexible: '0+',
  request: [
    {
      name: 'deletions',
      type: '[]ScramCredentialDeletion',
      fields: [
        { name: 'name', type: 'string' },
        { name: 'mechanism', type: 'int8', about: '1: SCRAM-SHA-256, 2: SCRAM-SHA-512.' },
      ],
    },
    {
      name: 'upsertions',
      type: '[]ScramCredentialUpsertion',
      fields: [
        { name: 'name', type: 'string' },
        { name: 'mechanism', type: 'int8' },
        { name: 'iterations', type: 'int32' },
        { name: 'salt', type: 'bytes' },
        { name: 'saltedPassword', type: 'bytes' },
      ],
    },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    {
      name: 'results',
      type: '[]AlterUserScramCredentialsResult',
      fields: [
        { name: 'user', type: 'string' },
        { name: 'errorCode', type: 'int16' },
        { name: 'errorMessage', type: 'string', nullable: '0+' },
      ],
    },
  ],
} satisfies Schema
