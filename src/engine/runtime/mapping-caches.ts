import { type CacheAccess, MappingError } from '../../bloblang/index.ts'
import type { Cache } from '../component.ts'
import type { Manager } from './manager.ts'

/** The caches of a stream for use by mappings: synchronous, because a mapping cannot wait. */
export class MappingCaches {
  /** Set once the stream's resources exist. */
  manager: Manager | undefined

  access(label: string): CacheAccess | undefined {
    const cache = this.manager?.cacheNamed(label)
    return cache === undefined ? undefined : accessTo(cache, label)
  }
}

function accessTo(cache: Cache, label: string): CacheAccess {
  const now = <T>(result: T | Promise<T>): T => {
    if (!(result instanceof Promise)) return result
    result.catch(() => undefined)
    throw new MappingError(`cache '${label}' cannot be used in a mapping because it is asynchronous`)
  }
  return {
    get: key => now(cache.get(key)),
    set: (key, value) => now(cache.set(key, value)),
    add: (key, value) => now(cache.add(key, value)),
    delete: key => now(cache.delete(key)),
  }
}
