import type { Schema } from '../schema.ts'

// v1 the exchange continues in SaslAuthenticate requests (KIP-152).
export default {
  key: 17,
  name: 'SaslHandshake',
  versions: '0-1',
  flexible: 'none',
  request: [{ name: 'mechanism', type: 'string' }],
  response: [
    { name: 'errorCode', type: 'int16' },
    { name: 'mechanisms', type: '[]string' },
  ],
} satisfies Schema
