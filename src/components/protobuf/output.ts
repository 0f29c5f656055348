import { Buffer, isUtf8 } from 'node:buffer'

const encoder = new TextEncoder()

/** A growing buffer of bytes that is reused from message to message. */
export class Output {
  bytes: Buffer = Buffer.allocUnsafe(4096)
  length = 0

  /** Makes room for more bytes. */
  reserve(count: number): void {
    const needed = this.length + count
    if (needed <= this.bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2))
    larger.set(this.bytes.subarray(0, this.length))
    this.bytes = larger
  }

  /** Returns a copy of what was written and resets the buffer. */
  take(): Uint8Array {
    const result = Buffer.from(this.bytes.subarray(0, this.length))
    this.length = 0
    if (this.bytes.length > KEPT_BYTES) this.bytes = Buffer.allocUnsafe(4096)
    return result
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.reserve(1)
    this.bytes[this.length++] = value
  }

  raw(source: Uint8Array): void {
    this.copy(source, 0, source.length)
  }

  copy(source: Uint8Array, start: number, end: number): void {
    const count = end - start
    this.reserve(count)
    const { bytes } = this
    let at = this.length
    if (count < SHORT) for (let i = start; i < end; i++) bytes[at++] = source[i]!
    else bytes.set(source.subarray(start, end), at)
    this.length += count
  }

  /** Characters below 128 only. */
  ascii(text: string): void {
    const count = text.length
    this.reserve(count)
    const { bytes } = this
    let at = this.length
    if (count < SHORT) for (let i = 0; i < count; i++) bytes[at++] = text.charCodeAt(i)
    else bytes.write(text, at, 'latin1')
    this.length += count
  }

  utf8(text: string): void {
    const count = text.length
    if (count < SHORT) {
      this.reserve(count)
      let bits = 0
      for (let i = 0; i < count; i++) {
        const code = text.charCodeAt(i)
        bits |= code
        this.bytes[this.length + i] = code
      }
      if (bits < 128) {
        this.length += count
        return
      }
    }
    this.raw(encoder.encode(text))
  }

  /** Writes an integer in decimal, which must be exact as a double. */
  integer(value: number): void {
    if (value >= 0 && value < 10) this.byte(48 + value)
    else if (value < -2_147_483_648 || value > 2_147_483_647) this.ascii(String(value))
    else this.#small(value)
  }

  #small(value: number): void {
    this.reserve(11)
    const { bytes } = this
    let rest = value
    if (value < 0) {
      bytes[this.length++] = 45
      rest = -value
    }
    let size = 1
    for (let power = 10; power <= rest; power *= 10) size++
    for (let at = this.length + size - 1; at >= this.length; at--) {
      const next = Math.floor(rest / 10)
      bytes[at] = 48 + (rest - next * 10)
      rest = next
    }
    this.length += size
  }

  /**
   * Writes UTF-8 as a JSON string, with only the escapes that JSON requires. Returns false if it is not valid UTF-8.
   */
  quoted(source: Uint8Array, start: number, end: number): boolean {
    this.reserve(end - start + 2)
    const { bytes } = this
    bytes[this.length++] = 34
    let at = this.length
    let bits = 0
    let position = start
    for (; position < end; position++) {
      const byte = source[position]!
      if (byte < 32 || byte === 34 || byte === 92) break
      bits |= byte
      bytes[at++] = byte
    }
    this.length = at
    if (position < end) return this.#escaped(source, start, position, end)
    if (bits >= 128 && !isUtf8(source.subarray(start, end))) return false
    this.byte(34)
    return true
  }

  /** Continues at the first character to escape. */
  #escaped(source: Uint8Array, start: number, from: number, end: number): boolean {
    if (!isUtf8(source.subarray(start, end))) return false
    this.reserve((end - from) * 6 + 1)
    const { bytes } = this
    let at = this.length
    for (let position = from; position < end; position++) {
      const byte = source[position]!
      if (byte >= 32 && byte !== 34 && byte !== 92) {
        bytes[at++] = byte
        continue
      }
      const escape = ESCAPES[byte]!
      for (let i = 0; i < escape.length; i++) bytes[at++] = escape.charCodeAt(i)
    }
    bytes[at++] = 34
    this.length = at
    return true
  }

  varint(value: number): void {
    this.reserve(10)
    const { bytes } = this
    let rest = value
    while (rest >= 128) {
      bytes[this.length++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    bytes[this.length++] = rest
  }

  /** Writes a 64-bit varint. */
  bigVarint(value: bigint): void {
    let rest = BigInt.asUintN(64, value)
    while (rest >= 128n) {
      this.byte(Number(rest & 127n) | 128)
      rest >>= 7n
    }
    this.byte(Number(rest))
  }

  /** Reserves space for the length of what is written next, which `endLength` fills in. */
  beginLength(): number {
    this.byte(0)
    return this.length
  }

  endLength(start: number): void {
    const size = this.length - start
    if (size < 128) {
      this.bytes[start - 1] = size
      return
    }
    let more = 0
    for (let rest = Math.floor(size / 128); rest > 0; rest = Math.floor(rest / 128)) more++
    this.reserve(more)
    this.bytes.copyWithin(start + more, start, this.length)
    const end = this.length + more
    this.length = start - 1
    this.varint(size)
    this.length = end
  }
}

const SHORT = 48
/** A larger buffer is released after its message. */
const KEPT_BYTES = 1_048_576

const ESCAPES: readonly string[] = Array.from({ length: 93 }, (_, code) =>
  JSON.stringify(String.fromCharCode(code)).slice(1, -1),
)
