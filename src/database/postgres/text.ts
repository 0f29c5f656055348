// PostgreSQL's text cannot hold U+0000, which strings of Kafka and YAML may contain. It is stored as two characters of
// Unicode's private use area; a literal occurrence of the first of these is stored as two characters as well.
const ESCAPE = '\uE000'
const ESCAPED_ESCAPE = '\uE000\uE001'
const ESCAPED_NUL = '\uE000\uE002'

export function encodeText(text: string): string {
  if (!text.includes('\0') && !text.includes(ESCAPE)) return text
  return text.replaceAll(ESCAPE, ESCAPED_ESCAPE).replaceAll('\0', ESCAPED_NUL)
}

export function decodeText(text: string): string {
  if (!text.includes(ESCAPE)) return text
  return text.replaceAll(ESCAPED_NUL, '\0').replaceAll(ESCAPED_ESCAPE, ESCAPE)
}
