import type { Schema } from '../schema.ts'

// KIP-554.
export default {
  key: 50,
  name: 'DescribeUserScramCredentials',
  versions: '0-0',
  flexible: '0+',
  request: [
    {
      name: 'users',
      type: '[]ScramUserName',
      nullable: '0+',
      about: 'Null requests all users.',
      fields: [{ name: 'name', type: 'string' }],
    },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    { name: 'errorCode', type: 'int16' },
    { name: 'errorMessage', type: 'string', nullable: '0+' },
    {
      name: 'results',
      type: '[]DescribeUserScramCredentialsResult',
      fields: [
        { name: 'user', type: 'string' },
        { name: 'errorCode', type: 'int16' },
        { name: 'errorMessage', type: 'string', nullable: '0+' },
        {
          name: 'credentialInfos',
          type: '[]CredentialInfo',
          fields: [
            { name: 'mechanism', type: 'int8', about: '1: SCRAM-SHA-256, 2: SCRAM-SHA-512.' },
            { name: 'iterations', type: 'int32' },
          ],
        },
      ],
    },
  ],
} satisfies Schema
