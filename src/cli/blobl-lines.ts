import { isAscii, isUtf8 } from 'node:buffer'
import {
  DELETED,
  type Mapping,
  MappingError,
  type MessageView,
  MetadataDraft,
  NOTHING,
  parseBody,
  printJson,
  utf8Bytes,
  utf8Text,
  type Value,
} from '../bloblang/index.ts'
import type { Paint } from './blobl-colors.ts'
import { type LineWriter, tooLong } from './blobl-io.ts'

/** How lines are read and printed. */
export interface LineOptions {
  readonly raw: boolean
  readonly pretty: boolean
  readonly maxTokenLength: number
}

/** Maps lines one by one, each on its own but for the metadata. */
export class LineMapper {
  readonly #mapping: Mapping
  readonly #options: LineOptions
  readonly #writer: LineWriter
  readonly #paint: Paint
  readonly #line = new Line()
  readonly #batch: readonly MessageView[] = [this.#line]

  constructor(mapping: Mapping, options: LineOptions, writer: LineWriter, paint: Paint) {
    this.#mapping = mapping
    this.#options = options
    this.#writer = writer
    this.#paint = paint
  }

  /** Maps whole lines. Throws `InputError` at the first that is longer than the limit. */
  map(data: Buffer): void {
    // A chunk that is UTF-8 becomes text as a whole, which is faster than line by line.
    if (isAscii(data)) this.#mapText(data.toString('latin1'))
    else if (isUtf8(data)) this.#mapText(data.toString('utf8'))
    else this.#mapBytes(data)
  }

  #mapText(text: string): void {
    const limit = this.#options.maxTokenLength
    for (let start = 0; start < text.length; ) {
      const found = text.indexOf('\n', start)
      const end = found === -1 ? text.length : found
      // A unit of a string takes three bytes at most.
      if (3 * (end - start) >= limit && Buffer.byteLength(text.slice(start, end)) >= limit) throw tooLong()
      this.#line.setText(text.slice(start, end > start && text.charCodeAt(end - 1) === 13 ? end - 1 : end))
      this.#mapLine()
      start = end + 1
    }
  }

  #mapBytes(data: Buffer): void {
    for (let start = 0; start < data.length; ) {
      const found = data.indexOf(10, start)
      const end = found === -1 ? data.length : found
      if (end - start >= this.#options.maxTokenLength) throw tooLong()
      // A mapping may keep the bytes, as metadata, for longer than the reader does.
      const line = Uint8Array.from(data.subarray(start, end > start && data[end - 1] === 13 ? end - 1 : end))
      this.#line.setBytes(line)
      this.#mapLine()
      start = end + 1
    }
  }

  #mapLine(): void {
    try {
      this.#writer.write(1, this.#shown(this.#mapping.runCommand(this.#batch, this.#line.draft, this.#options.raw)))
    } catch (error) {
      if (!(error instanceof MappingError)) throw error
      this.#writer.write(2, this.#paint(`failed to execute map: ${error.message}`))
    }
  }

  #shown(result: Value): string {
    if (typeof result === 'string') return result
    if (result instanceof Uint8Array) return utf8Text(result)
    if (result === DELETED) return ''
    if (result !== NOTHING) return this.#printed(result)
    if (this.#options.raw) return this.#printed(this.#line.bytes())
    try {
      return this.#printed(this.#line.structured())
    } catch (error) {
      if (!(error instanceof MappingError)) throw error
      return utf8Text(this.#line.bytes())
    }
  }

  #printed(value: Value): string {
    return printJson(value, this.#options.pretty ? PRETTY : PLAIN)
  }
}

const PLAIN = { escapeHtml: true }
const PRETTY = { escapeHtml: true, indent: '  ' }

/** The one message of the command: metadata that a mapping sets stays for the lines after it. */
class Line implements MessageView {
  readonly draft = new MetadataDraft()
  readonly error = null
  #bytes: Uint8Array | null = null
  #text = ''
  #value: Value | undefined

  setText(text: string): void {
    this.#text = text
    this.#bytes = null
    this.#value = undefined
  }

  setBytes(bytes: Uint8Array): void {
    this.#bytes = bytes
    this.#value = undefined
  }

  get metadata(): ReadonlyMap<string, Value> {
    return this.draft.current
  }

  bytes(): Uint8Array {
    return (this.#bytes ??= utf8Bytes(this.#text))
  }

  bodyText(): string | null {
    return this.#bytes === null && this.#value === undefined ? this.#text : null
  }

  structured(): Value {
    return (this.#value ??= this.#bytes === null ? parseBody(this.#text) : parseBody(this.#bytes))
  }
}
