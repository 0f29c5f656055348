/** Bytes or a document that do not conform to a schema. */
export class AvroError extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'AvroError'
  }
}

/** Maximum nesting of values; a record may refer to itself. */
export const MAX_DEPTH = 500

const SHORT = 'short buffer'
const bytes8 = new Uint8Array(8)
const doubles = new Float64Array(bytes8.buffer)
const floats = new Float32Array(bytes8.buffer)

/** A read position in binary Avro. */
export class Cursor {
  input: Uint8Array = new Uint8Array(0)
  at = 0
  /** Number of items of arrays and maps that took no bytes. */
  #empty = 0

  use(input: Uint8Array, at = 0): void {
    this.input = input
    this.at = at
    this.#empty = 0
  }

  byte(): number {
    if (this.at >= this.input.length) throw new AvroError(SHORT)
    return this.input[this.at++]!
  }

  /** Reads a `long` that a double represents exactly; throws for others, which cannot be valid lengths. */
  int(): number {
    const { input } = this
    const first = input[this.at]
    if (first !== undefined && first < 128) {
      this.at++
      return (first >>> 1) ^ -(first & 1)
    }
    const value = this.long()
    if (typeof value === 'number') return value
    throw new AvroError(`integer out of range: ${value}`)
  }

  /** A number, or a bigint if a double cannot represent it exactly. */
  long(): number | bigint {
    const { input } = this
    let value = 0
    let factor = 1
    const start = this.at
    for (let at = start; at < start + 7; at++) {
      const byte = input[at]
      if (byte === undefined) throw new AvroError(SHORT)
      value += (byte & 127) * factor
      if (byte < 128) {
        this.at = at + 1
        return value % 2 === 0 ? value / 2 : -(value + 1) / 2
      }
      factor *= 128
    }
    return this.#big(start)
  }

  #big(start: number): number | bigint {
    let value = 0n
    for (let count = 0; count < 10; count++) {
      const byte = this.input[start + count]
      if (byte === undefined) throw new AvroError(SHORT)
      value |= BigInt(byte & 127) << BigInt(count * 7)
      if (byte < 128) {
        this.at = start + count + 1
        const wrapped = BigInt.asUintN(64, value)
        const signed = BigInt.asIntN(64, (wrapped >> 1n) ^ -(wrapped & 1n))
        const number = Number(signed)
        return Number.isSafeInteger(number) ? number : signed
      }
    }
    throw new AvroError('integer of more than 64 bits')
  }

  /** The end of something that is `size` bytes long. */
  end(size: number, what: string): number {
    if (size < 0) throw new AvroError(`cannot decode binary ${what}: negative size: ${size}`)
    if (size > this.input.length - this.at) throw new AvroError(`cannot decode binary ${what}: ${SHORT}`)
    return this.at + size
  }

  double(): number {
    const end = this.end(8, 'double')
    for (let i = 0; i < 8; i++) bytes8[i] = this.input[this.at + i]!
    this.at = end
    return doubles[0]!
  }

  float(): number {
    const end = this.end(4, 'float')
    for (let i = 0; i < 4; i++) bytes8[i] = this.input[this.at + i]!
    this.at = end
    return floats[0]!
  }

  /** The number of items in the next block of an array or a map; 0 at its end. */
  block(): number {
    const count = this.int()
    if (count >= 0) return count
    this.int()
    return -count
  }

  /** Counts an item that began at `start`: rejects billions of items of zero bytes, and with them false item counts. */
  passed(start: number, what: string): void {
    if (this.at === start && ++this.#empty > MAX_EMPTY_ITEMS) {
      throw new AvroError(`cannot decode binary ${what}: more than ${MAX_EMPTY_ITEMS} items without a byte`)
    }
  }
}

const MAX_EMPTY_ITEMS = 100_000
