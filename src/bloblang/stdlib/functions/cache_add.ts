import { MappingError } from '../../errors.ts'
import { findCache } from '../../data/host-cache.ts'
import { utf8Bytes } from '../../text/bytes.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'cache_add',
  categories: ['Environment'],
  status: 'experimental',
  description: 'Stores a value in a cache resource under a new key; fails if the key already exists. Returns `null`.',
  params: [
    { name: 'resource', type: 'string', description: 'The label of the cache.' },
    { name: 'key', type: 'string', description: 'The key.' },
    { name: 'value', type: 'string', description: 'The value.' },
  ],
  impure: true,
  examples: [],
  create([resource, key, value], host) {
    return () => {
      const added = findCache(host, resource).add(key, utf8Bytes(value))
      if (!added) throw new MappingError('key already exists')
      return null
    }
  },
})
