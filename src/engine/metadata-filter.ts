import { compileRe2 } from '../bloblang/index.ts'
import { ConfigError } from './component.ts'
import { field } from './fields.ts'

/** Fields that select metadata or headers by name. */
export const metadataFilterFields = {
  include_prefixes: field.string('Prefixes of keys.').list().default([]).advanced(),
  include_patterns: field.string('Regular expressions for keys.').list().default([]).advanced(),
}

/** Returns a predicate that selects keys; it selects none if nothing is configured. Throws {@link ConfigError}. */
export function metadataFilter(options: {
  readonly include_prefixes: readonly string[]
  readonly include_patterns: readonly string[]
}): (key: string) => boolean {
  const patterns = options.include_patterns.map(pattern => {
    try {
      return compileRe2(pattern)
    } catch (error) {
      throw new ConfigError(`failed to compile metadata filter pattern '${pattern}': ${String(error)}`, {
        cause: error,
      })
    }
  })
  return key => options.include_prefixes.some(prefix => key.startsWith(prefix)) || patterns.some(re => re.test(key))
}
