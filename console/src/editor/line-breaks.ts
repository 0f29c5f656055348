/**
 * The line separator to configure so that an editor returns a text exactly as it was. By default CodeMirror accepts
 * every kind of line break and writes `\n`, which is only right if the text has no other.
 */
export function lineSeparatorOf(text: string): string | undefined {
  if (!text.includes('\r')) return undefined
  return /\r(?!\n)|(?<!\r)\n/.test(text) ? '\n' : '\r\n'
}
