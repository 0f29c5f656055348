import { messageOf } from '../base/index.ts'
import { createRequire } from 'node:module'

interface Re2 {
  readonly RE2JS: { compile(pattern: string): Pattern }
}

/** A regular expression in RE2 syntax, which takes linear time whatever a user writes. */
interface Pattern {
  /** Whether the pattern matches the whole text. */
  matches(text: string): boolean
}

/** Why a pattern in RE2 syntax is invalid, or undefined. */
export function patternProblem(pattern: string): string | undefined {
  try {
    compilePattern(pattern)
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

/** Throws if the pattern is invalid. */
export function compilePattern(pattern: string): Pattern {
  // Loaded on first use: few users have patterns.
  const { RE2JS } = createRequire(import.meta.url)('re2js') as Re2
  return RE2JS.compile(pattern)
}
