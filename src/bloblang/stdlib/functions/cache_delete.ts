import { findCache } from '../../data/host-cache.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'cache_delete',
  categories: ['Environment'],
  status: 'experimental',
  description: 'Removes a key from a cache resource, if present. Returns `null`.',
  params: [
    { name: 'resource', type: 'string', description: 'The label of the cache.' },
    { name: 'key', type: 'string', description: 'The key.' },
  ],
  impure: true,
  examples: [],
  create([resource, key], host) {
    return () => {
      findCache(host, resource).delete(key)
      return null
    }
  },
})
