/** White space as defined by Go: unlike in JavaScript, it includes U+0085 and excludes U+FEFF. */
const SPACE = '[\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]'
const LEADING = new RegExp(`^${SPACE}+`)
const IS_SPACE = new RegExp(SPACE)

/** Trims white space at both ends. */
export function trimSpace(text: string): string {
  let end = text.length
  while (end > 0 && IS_SPACE.test(text[end - 1]!)) end--
  return text.slice(0, end).replace(LEADING, '')
}

/** Trims the characters of `cutset` at both ends. */
export function trimCutset(text: string, cutset: string): string {
  const cut = new Set(Array.from(cutset))
  const runes = Array.from(text)
  let start = 0
  let end = runes.length
  while (start < end && cut.has(runes[start]!)) start++
  while (end > start && cut.has(runes[end - 1]!)) end--
  return end - start === runes.length ? text : runes.slice(start, end).join('')
}
