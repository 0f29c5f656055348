/** Appends bytes to a growing buffer that is reused for the next result. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafeSlow(1024)
  #length = 0

  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1)
    this.#bytes[this.#length++] = value
  }

  /** Writes an integer in `width` bytes, big-endian; a negative one in two's complement. */
  uint(value: number, width: 1 | 2 | 4): void {
    for (let shift = 8 * (width - 1); shift >= 0; shift -= 8) this.byte((value >>> shift) & 255)
  }

  /** Writes 64 bits, big-endian. */
  uint64(value: bigint): void {
    this.uint(Number(value >> 32n), 4)
    this.uint(Number(value & 0xffffffffn), 4)
  }

  /** Writes a byte and a text if the text is ASCII; otherwise writes nothing and returns false. */
  ascii(head: number, text: string): boolean {
    const { length } = text
    if (this.#length + length >= this.#bytes.length) this.#grow(length + 1)
    const bytes = this.#bytes
    const start = this.#length + 1
    for (let at = 0; at < length; at++) {
      const code = text.charCodeAt(at)
      if (code > 127) return false
      bytes[start + at] = code
    }
    bytes[this.#length] = head
    this.#length = start + length
    return true
  }

  bytes(values: Uint8Array): void {
    this.slice(values, 0, values.length)
  }

  /** Writes the bytes of `values` from `from` up to but excluding `to`. */
  slice(values: Uint8Array, from: number, to: number): void {
    const length = to - from
    if (this.#length + length > this.#bytes.length) this.#grow(length)
    if (length > SHORT) this.#bytes.set(values.subarray(from, to), this.#length)
    else for (let i = 0; i < length; i++) this.#bytes[this.#length + i] = values[from + i]!
    this.#length += length
  }

  /** A copy of what was written; resets the writer. */
  take(): Uint8Array {
    const result = Buffer.allocUnsafe(this.#length)
    this.#bytes.copy(result, 0, 0, this.#length)
    this.#length = 0
    if (this.#bytes.length > MAX_KEPT) this.#bytes = Buffer.allocUnsafeSlow(1024)
    return result
  }

  #grow(more: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#length + more))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}

/** Shorter ranges are faster to copy byte by byte. */
const SHORT = 32
const MAX_KEPT = 1 << 20
