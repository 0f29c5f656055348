import { BodyView, DELETED, type Mapping, MappingError, NOTHING, type Value } from '../bloblang/index.ts'
import type { Paint } from './blobl-colors.ts'
import { type LineWriter, tooLong } from './blobl-io.ts'

/** Options for reading and printing lines. */
export interface LineOptions {
  readonly raw: boolean
  readonly pretty: boolean
  readonly 'max-token-length': number
}

/** Maps lines separately, except that they share metadata. */
export class LineMapper {
  readonly #mapping: Mapping
  readonly #options: LineOptions
  readonly #writer: LineWriter
  readonly #paint: Paint
  readonly #line = new BodyView()
  readonly #batch = [this.#line]

  constructor(mapping: Mapping, options: LineOptions, writer: LineWriter, paint: Paint) {
    this.#mapping = mapping
    this.#options = options
    this.#writer = writer
    this.#paint = paint
  }

  /** Maps complete lines. Throws `InputError` at the first that exceeds the limit. */
  map(data: Buffer): void {
    // One code unit per byte: positions are byte positions, and slicing costs no copy.
    const latin1 = data.toString('latin1')
    for (let start = 0; start < data.length; ) {
      const found = latin1.indexOf('\n', start)
      const end = found === -1 ? data.length : found
      if (end - start >= this.#options['max-token-length']) throw tooLong()
      this.#line.set(data, start, end > start && data[end - 1] === 13 ? end - 1 : end, latin1)
      this.#mapLine()
      start = end + 1
    }
  }

  #mapLine(): void {
    const { out } = this.#writer
    const start = out.length
    const { pretty, raw } = this.#options
    try {
      const result = this.#mapping.runCommand(this.#batch, this.#line.draft, raw, pretty ? null : out)
      if (result !== undefined) this.#write(result)
      this.#writer.endLine()
    } catch (error) {
      if (!(error instanceof MappingError)) throw error
      out.length = start
      this.#writer.error(this.#paint(`failed to execute map: ${error.message}`))
    }
  }

  #write(result: Value): void {
    const { out } = this.#writer
    if (typeof result === 'string') out.raw(result)
    else if (result instanceof Uint8Array) out.put(result)
    else if (result === NOTHING) this.#writeLine()
    else if (result !== DELETED) this.#writeDocument(result)
  }

  /** The unchanged line; if it is a document, in the same form as results. */
  #writeLine(): void {
    if (this.#options.raw) return this.#writeDocument(this.#line.bytes())
    let document: Value
    try {
      document = this.#line.structured()
    } catch (error) {
      if (!(error instanceof MappingError)) throw error
      return this.#writer.out.put(this.#line.bytes())
    }
    this.#writeDocument(document)
  }

  #writeDocument(value: Value): void {
    if (this.#options.pretty) this.#writer.out.indented(value, '  ')
    else this.#writer.out.value(value)
  }
}
