import { MappingError } from '../errors.ts'
import type { CacheAccess, World } from '../stdlib/spec.ts'

/** A cache resource of the host. */
export function findCache(world: World, resource: string): CacheAccess {
  const cache = world.cache?.(resource)
  if (cache === undefined) throw new MappingError(`unable to locate resource: ${resource}`)
  return cache
}
