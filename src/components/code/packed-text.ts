/** Encodes a text for an isolate, where a NUL would end it: see prelude.ts. */
export function packed(text: string): string {
  return text.includes('\0') ? `q${JSON.stringify(text)}` : `v${text}`
}

/** Decodes a text from an isolate. */
export function unpacked(text: string): string {
  // its letter says that it is a text
  return text.startsWith('q') ? (JSON.parse(text.slice(1)) as string) : text.slice(1)
}
