import { messageOf } from '../base/index.ts'
import { createRequire } from 'node:module'

interface Re2 {
  readonly RE2JS: { compile(pattern: string): Pattern }
}

/** A regular expression in RE2's syntax, which takes linear time whatever a user writes. */
interface Pattern {
  /** Whether it matches the whole text. */
  matches(text: string): boolean
}

/** What is wrong with a pattern in RE2's syntax, or undefined. */
export function patternProblem(pattern: string): string | undefined {
  try {
    compilePattern(pattern)
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

/** Throws for a pattern that is none. */
export function compilePattern(pattern: string): Pattern {
  // Loaded at the first pattern: few users have one.
  const { RE2JS } = createRequire(import.meta.url)('re2js') as Re2
  return RE2JS.compile(pattern)
}
