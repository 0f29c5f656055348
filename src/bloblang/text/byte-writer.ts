/** Bytes that are written one after the other into memory that grows, and is used again for the next result. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafeSlow(1024)
  #length = 0

  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1)
    this.#bytes[this.#length++] = value
  }

  /** An integer as that many bytes, the highest first; a negative one as its two's complement. */
  uint(value: number, width: 1 | 2 | 4): void {
    for (let shift = 8 * (width - 1); shift >= 0; shift -= 8) this.byte((value >>> shift) & 255)
  }

  /** 64 bits, the highest byte first. */
  uint64(value: bigint): void {
    this.uint(Number(value >> 32n), 4)
    this.uint(Number(value & 0xffffffffn), 4)
  }

  /** A byte and a text, unless the text is beyond ASCII: then nothing, and the answer is false. */
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

  /** The bytes of `values` from `from` to before `to`. */
  slice(values: Uint8Array, from: number, to: number): void {
    const length = to - from
    if (this.#length + length > this.#bytes.length) this.#grow(length)
    if (length > SHORT) this.#bytes.set(values.subarray(from, to), this.#length)
    else for (let i = 0; i < length; i++) this.#bytes[this.#length + i] = values[from + i]!
    this.#length += length
  }

  /** What was written, as bytes of its own; the next result begins empty. */
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

/** Fewer bytes than this are quicker copied one by one. */
const SHORT = 32
const MAX_KEPT = 1 << 20
