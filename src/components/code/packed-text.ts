/** A text on its way into an isolate, where a NUL would end it: see prelude.ts. */
export function packed(text: string): string {
  return text.includes('\0') ? `q${JSON.stringify(text)}` : `v${text}`
}

/** A text that came out of an isolate. */
export function unpacked(text: string): string {
  return text.startsWith('q') ? (JSON.parse(text.slice(1)) as string) : text.slice(1) // a text by its letter
}
