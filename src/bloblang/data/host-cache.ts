import { MappingError } from '../errors.ts'
import type { CacheAccess, Host } from '../stdlib/spec.ts'

/** Looks up a cache resource of the host. */
export function findCache(host: Host, resource: string): CacheAccess {
  const cache = host.cache?.(resource)
  if (cache === undefined) throw new MappingError(`unable to locate resource: ${resource}`)
  return cache
}
