import { compileRe2 } from '../bloblang/index.ts'
import { ConfigError } from './component.ts'
import { field } from './fields.ts'

/** Fields that choose metadata, or headers, by their names. */
export const metadataFilterFields = {
  include_prefixes: field.string('Prefixes of keys.').list().default([]).advanced(),
  include_patterns: field.string('Regular expressions for keys.').list().default([]).advanced(),
}

/** Whether a key is chosen; none is where nothing was configured. Throws {@link ConfigError}. */
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
