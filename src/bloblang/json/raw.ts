/**
 * A part of a document that a mapping only passes through: bytes of the body that equal what the printer would print.
 * It exists between the scan of a document and its printing, only inside the values of one mapping and of its result
 * (`PatchedDocument`).
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
