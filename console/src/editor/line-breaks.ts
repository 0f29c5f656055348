/**
 * The line separator that an editor must be told so that it hands a text back exactly as it was. Left to itself
 * CodeMirror takes every kind of line break and writes `\n`; that is right only where the text has no other.
 */
export function lineSeparatorOf(text: string): string | undefined {
  if (!text.includes('\r')) return undefined
  return /\r(?!\n)|(?<!\r)\n/.test(text) ? '\n' : '\r\n'
}
