import { MappingError } from '../../errors.ts'
import { findCache } from '../../data/host-cache.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'cache_get',
  categories: ['Environment'],
  status: 'experimental',
  description: 'Returns the value of a key in a cache resource, as bytes. A missing key is an error.',
  params: [
    { name: 'resource', type: 'string', description: 'The label of the cache.' },
    { name: 'key', type: 'string', description: 'The key.' },
  ],
  impure: true,
  examples: [],
  create([resource, key], host) {
    return () => {
      const value = findCache(host, resource).get(key)
      if (value === undefined) throw new MappingError('key does not exist')
      return value
    }
  },
})
