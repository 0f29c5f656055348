import { findCache } from '../../data/host-cache.ts'
import { utf8Bytes } from '../../text/bytes.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'cache_set',
  categories: ['Environment'],
  status: 'experimental',
  description: 'Stores a value in a cache resource, replacing any existing value of the key. Returns `null`.',
  params: [
    { name: 'resource', type: 'string', description: 'The label of the cache.' },
    { name: 'key', type: 'string', description: 'The key.' },
    { name: 'value', type: 'string', description: 'The value.' },
  ],
  impure: true,
  examples: [],
  create([resource, key, value], host) {
    return () => {
      findCache(host, resource).set(key, utf8Bytes(value))
      return null
    }
  },
})
