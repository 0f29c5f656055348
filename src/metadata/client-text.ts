/** Marks what is written otherwise than it is read. */
const marker = '\u0001'

/** Text of clients as every database can hold it: PostgreSQL has no NUL in text, and librdkafka sends them. */
export function storedText(text: string): string {
  return text.includes('\0') || text.startsWith(marker) ? `${marker}${JSON.stringify(text)}` : text
}

/** The text that was given to `storedText`. */
export function clientText(stored: string): string {
  // Nothing else writes the marker in front.
  return stored.startsWith(marker) ? (JSON.parse(stored.slice(marker.length)) as string) : stored
}
