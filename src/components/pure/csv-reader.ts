import { Buffer } from 'node:buffer'

/** One row of a table: its values, and an error if it could not be read as a whole. */
export interface CsvRow {
  readonly values: readonly string[]
  readonly error: Error | null
}

export interface CsvOptions {
  /** The character that separates values. */
  readonly delimiter: string
  /** Whether quotes may appear anywhere. */
  readonly lazyQuotes: boolean
  /** The number of values that each row must have; 0 for as many as the first row. */
  readonly width: number
}

/**
 * Reads comma-separated values (RFC 4180) from text that arrives in pieces. A malformed row is reported with its
 * position, as in the original, and reading continues after its line. Empty lines are not rows.
 */
export class CsvReader {
  readonly #options: CsvOptions
  readonly #decoder = new TextDecoder()
  #text = ''
  #at = 0
  #line = 0
  #width: number
  #ended = false

  constructor(options: CsvOptions) {
    this.#options = options
    this.#width = options.width
  }

  /** Adds the next piece, or null at the end. */
  push(piece: Uint8Array | null): void {
    this.#ended = piece === null
    const more = piece === null ? this.#decoder.decode() : this.#decoder.decode(piece, { stream: true })
    this.#text = this.#text.slice(this.#at) + more
    this.#at = 0
  }

  /** The next complete row, or null if more text is needed or there are no more rows. */
  next(): CsvRow | null {
    for (;;) {
      const row = { at: this.#at, line: this.#line }
      const line = this.#readLine()
      if (line === null) return null
      if (line === '' || line === '\n') continue
      const parsed = this.#parse(line)
      if (parsed !== null) return this.#checked(parsed, row.line + 1)
      // The row continues in text that has not arrived yet, and is parsed again then.
      this.#at = row.at
      this.#line = row.line
      return null
    }
  }

  /**
   * A line including its line break, normalised to `
   * `; null if no line is complete.
   */
  #readLine(): string | null {
    const end = this.#text.indexOf('\n', this.#at)
    if (end === -1 && (!this.#ended || this.#at >= this.#text.length)) return null
    this.#line++
    const start = this.#at
    if (end === -1) {
      this.#at = this.#text.length
      return this.#text.slice(start).replace(/\r$/, '')
    }
    this.#at = end + 1
    return this.#text[end - 1] === '\r' && end > start
      ? `${this.#text.slice(start, end - 1)}\n`
      : this.#text.slice(start, end + 1)
  }

  /** Parses the row that begins with this line; null if its end may still arrive. */
  #parse(first: string): CsvRow | null {
    const { delimiter, lazyQuotes } = this.#options
    const firstLine = this.#line
    const values: string[] = []
    let line = first
    let at = 0
    for (;;) {
      if (line[at] !== '"') {
        const end = line.indexOf(delimiter, at)
        const value = end === -1 ? line.slice(at, bodyEnd(line)) : line.slice(at, end)
        const quote = lazyQuotes ? -1 : value.indexOf('"')
        if (quote !== -1) return { values, error: parseError(firstLine, this.#line, line, at + quote, BARE_QUOTE) }
        values.push(value)
        if (end === -1) return { values, error: null }
        at = end + delimiter.length
        continue
      }
      at++
      let value = ''
      for (;;) {
        const quote = line.indexOf('"', at)
        if (quote === -1) {
          value += line.slice(at)
          const next = this.#readLine()
          if (next !== null) {
            line = next
            at = 0
            continue
          }
          if (!this.#ended) return null
          if (!lazyQuotes) return { values, error: parseError(firstLine, this.#line, line, line.length, QUOTE) }
          values.push(value)
          return { values, error: null }
        }
        value += line.slice(at, quote)
        at = quote + 1
        if (line[at] === '"') {
          value += '"'
          at++
        } else if (line.startsWith(delimiter, at) || at >= bodyEnd(line)) {
          break
        } else if (lazyQuotes) {
          value += '"'
        } else {
          return { values, error: parseError(firstLine, this.#line, line, at - 1, QUOTE) }
        }
      }
      values.push(value)
      if (at >= bodyEnd(line)) return { values, error: null }
      at += delimiter.length
    }
  }

  #checked(row: CsvRow, line: number): CsvRow {
    if (this.#width === 0) this.#width = row.values.length
    if (row.error !== null || row.values.length === this.#width) return row
    return { values: row.values, error: new Error(`record on line ${line}: wrong number of fields`) }
  }
}

const BARE_QUOTE = 'bare " in non-quoted-field'
const QUOTE = 'extraneous or missing " in quoted-field'

/** The end of a line without its line break. */
function bodyEnd(line: string): number {
  return line.endsWith('\n') ? line.length - 1 : line.length
}

/** Columns count bytes, from 1. */
function parseError(firstLine: number, atLine: number, line: string, at: number, reason: string): Error {
  const column = Buffer.byteLength(line.slice(0, at)) + 1
  const place = `parse error on line ${atLine}, column ${column}: ${reason}`
  return new Error(firstLine === atLine ? place : `record on line ${firstLine}; ${place}`)
}
