/** Prefix of text that is stored in encoded form. */
const marker = '\u0001'

/**
 * Encodes a client's text so that every database can store it: librdkafka sends
 * NULs, which PostgreSQL's text cannot hold.
 */
export function storedText(text: string): string {
  return text.includes('\0') || text.startsWith(marker) ? `${marker}${JSON.stringify(text)}` : text
}

/** Reverses `storedText`. */
export function clientText(stored: string): string {
  // Only storedText writes the marker as a prefix.
  return stored.startsWith(marker) ? (JSON.parse(stored.slice(marker.length)) as string) : stored
}
