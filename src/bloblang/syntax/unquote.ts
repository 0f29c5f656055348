import { MappingError } from '../errors.ts'
import { unquote as unquoteGo } from '../text/quote.ts'

/**
 * The value of a quoted string by Go's rules, or null for an invalid escape. Source bytes that are not UTF-8, and lone
 * surrogates, are replaced; only an escape can produce such a byte.
 */
export function unquote(quoted: string): string | null {
  const plain = quoted.toWellFormed()
  // A fast path: most strings have no escapes, and some are long.
  if (!plain.includes('\\') && !plain.includes('\n') && plain.indexOf('"', 1) === plain.length - 1)
    return plain.slice(1, -1)
  try {
    return unquoteGo(plain)
  } catch (error) {
    if (error instanceof MappingError) return null
    throw error
  }
}
