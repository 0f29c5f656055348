import { messageOf } from '../../base/index.ts'
import { createRequire } from 'node:module'
import { ConfigError } from '../../engine/index.ts'

/** A user's regular expression, matched in linear time. */
export interface Pattern {
  matches(text: string): boolean
}

interface Re2 {
  readonly RE2JS: { compile(pattern: string): { matcher(text: string): { find(): boolean } } }
}

/** Compiles an RE2 regular expression. Throws a `ConfigError` whose message begins with `what`. */
export function compilePattern(pattern: string, what: string): Pattern {
  const { RE2JS } = createRequire(import.meta.url)('re2js') as Re2 // re2js is only loaded once a pattern needs it
  try {
    const compiled = RE2JS.compile(pattern)
    return { matches: text => compiled.matcher(text).find() }
  } catch (error) {
    throw new ConfigError(`${what}: ${messageOf(error)}`, { cause: error })
  }
}
