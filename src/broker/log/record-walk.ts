/** What the broker needs to know about a batch's records, without extracting them. */
export interface WalkedRecords {
  /** The smallest and largest difference from the base timestamp, in milliseconds. */
  readonly earliestDelta: number
  readonly latestDelta: number
  /** The indexes of records without a key. */
  readonly keyless: readonly number[]
}

/**
 * Walks over the records in a decompressed batch body and checks that there are as many as the header says, numbered in
 * order, and that each can be read to its end. Otherwise returns a description of the problem. Takes about 20 ns per
 * record, measured with 100 bytes each.
 */
export function walkRecords(body: Buffer, count: number): WalkedRecords | string {
  const walk = new Walk(body)
  const keyless: number[] = []
  let earliestDelta = Number.POSITIVE_INFINITY
  let latestDelta = Number.NEGATIVE_INFINITY
  for (let number = 0; number < count; number++) {
    const sizeBytes = walk.varint()
    const end = walk.position + sizeBytes
    if (sizeBytes < 0 || end > body.length) return `record ${number} extends beyond its batch`
    // The attributes, all of which are unused.
    walk.position += 1
    const timestampDelta = walk.varint()
    if (timestampDelta < earliestDelta) earliestDelta = timestampDelta
    if (timestampDelta > latestDelta) latestDelta = timestampDelta
    const offsetDelta = walk.varint()
    if (offsetDelta !== number) return `record ${number} has the offset delta ${offsetDelta}`
    if (!walk.skipBytes()) keyless.push(number)
    walk.skipBytes()
    const headers = walk.varint()
    if (headers < 0) return `record ${number} has a negative number of headers`
    for (let left = headers; left > 0 && walk.position < end; left--) {
      if (!walk.skipBytes()) return `record ${number} has a header without a key`
      walk.skipBytes()
    }
    if (walk.position !== end) return `record ${number} does not have the length that it states`
  }
  if (walk.position !== body.length) return 'the batch has more data than the stated number of records'
  return { earliestDelta, latestDelta, keyless }
}

class Walk {
  position = 0
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** Reads a zigzag varint. Beyond the end it reads zeros; the caller detects that by the position. */
  varint(): number {
    const first = this.#bytes[this.position++] ?? 0
    if (first < 0x80) return (first >>> 1) ^ -(first & 1)
    let value = first & 0x7f
    for (let factor = 0x80; factor < 2 ** 63; factor *= 0x80) {
      const byte = this.#bytes[this.position++] ?? 0
      value += (byte & 0x7f) * factor
      if (byte < 0x80) break
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  /** Skips length-prefixed bytes; returns whether there are any (null has a negative length). */
  skipBytes(): boolean {
    const length = this.varint()
    if (length < 0) return false
    this.position += length
    return true
  }
}
