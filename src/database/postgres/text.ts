// PostgreSQL's text has no U+0000, which Kafka's and YAML's strings may have. It is kept as two characters of Unicode's
// private use area, and the first of them, where it stands for itself, as two as well.
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
