/**
 * A part of a document that a mapping only carries along: bytes of the body, known to be what the printer would print. It lives
 * between a scan of a document and its printing, inside of the values of one mapping and of what it makes (`PatchedDocument`), and
 * reaches nothing else.
 */
export class RawJson {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes
    this.start = start
    this.end = end
  }

  get text(): string {
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + this.start, this.end - this.start).toString('utf8')
  }
}
