/** CSV with the behaviour and error texts of Go's encoding/csv; positions count in bytes. */
import { MappingError } from '../errors.ts'
import { utf8Bytes, utf8Text } from './bytes.ts'

/** Options of the CSV parser. */
export interface CsvOptions {
  /** A single character. */
  readonly delimiter: string
  /** Allows quotes inside unquoted fields, and unescaped quotes inside quoted fields. */
  readonly lazyQuotes: boolean
}

/** Parses all records; each must have as many fields as the first. */
export function parseCsv(bytes: Uint8Array, options: CsvOptions): string[][] {
  const { delimiter } = options
  if (
    delimiter === '"' ||
    delimiter === '\r' ||
    delimiter === '\n' ||
    delimiter === '\ufffd' ||
    !delimiter.isWellFormed()
  ) {
    throw new MappingError('csv: invalid field or comment delimiter')
  }
  if (delimiter === '\0') throw new MappingError('csv: invalid field or comment delimiter')
  const reader = new CsvReader(bytes, options)
  const records: string[][] = []
  for (let record = reader.record(); record !== undefined; record = reader.record()) records.push(record)
  return records
}

/** Works on one character per byte, so that columns are byte positions and invalid UTF-8 in fields is preserved. */
class CsvReader {
  readonly #text: string
  readonly #comma: string
  readonly #lazy: boolean
  readonly #isAscii: boolean
  #at = 0
  #lineNumber = 0
  #ended = false
  #fieldCount = 0

  constructor(bytes: Uint8Array, options: CsvOptions) {
    this.#text = Buffer.from(bytes).toString('latin1')
    this.#comma = Buffer.from(utf8Bytes(options.delimiter)).toString('latin1')
    this.#lazy = options.lazyQuotes
    // oxlint-disable-next-line no-control-regex -- the whole ASCII range is intended
    this.#isAscii = /^[\0-\x7f]*$/.test(this.#text)
  }

  record(): string[] | undefined {
    let line = this.#nextLine()
    // A last line consisting only of a carriage return does not count.
    while (line === '\n' || (line === '' && !this.#ended)) line = this.#nextLine()
    if (this.#ended) return undefined
    const startLine = this.#lineNumber
    const fields = this.#fields(line, startLine)
    if (this.#fieldCount === 0) this.#fieldCount = fields.length
    else if (fields.length !== this.#fieldCount) {
      throw new MappingError(`record on line ${startLine}: wrong number of fields`)
    }
    return fields.map(field => this.#decoded(field))
  }

  #decoded(field: string): string {
    return this.#isAscii ? field : utf8Text(Buffer.from(field, 'latin1'))
  }

  /** The next line, ending in `\n`; empty after the last one, with the end recorded. */
  #nextLine(): string {
    const start = this.#at
    this.#lineNumber++
    if (start >= this.#text.length) {
      this.#ended = true
      return ''
    }
    const newline = this.#text.indexOf('\n', start)
    if (newline < 0) {
      this.#at = this.#text.length
      const rest = this.#text.slice(start)
      return rest.endsWith('\r') ? rest.slice(0, -1) : rest
    }
    this.#at = newline + 1
    return this.#text[newline - 1] === '\r' && newline > start
      ? `${this.#text.slice(start, newline - 1)}\n`
      : this.#text.slice(start, newline + 1)
  }

  #fields(firstLine: string, startLine: number): string[] {
    const fields: string[] = []
    let line = firstLine
    let lineNumber = startLine
    let column = 1
    for (;;) {
      if (!line.startsWith('"')) {
        const comma = line.indexOf(this.#comma)
        const field = comma >= 0 ? line.slice(0, comma) : line.endsWith('\n') ? line.slice(0, -1) : line
        const quote = this.#lazy ? -1 : field.indexOf('"')
        if (quote >= 0) throw failure(startLine, this.#lineNumber, column + quote, 'bare " in non-quoted-field')
        fields.push(field)
        if (comma < 0) return fields
        line = line.slice(comma + this.#comma.length)
        column += comma + this.#comma.length
        continue
      }
      line = line.slice(1)
      column++
      let field = ''
      for (;;) {
        const quote = line.indexOf('"')
        if (quote < 0) {
          if (line.length === 0) {
            if (!this.#lazy) throw failure(startLine, lineNumber, column, 'extraneous or missing " in quoted-field')
            fields.push(field)
            return fields
          }
          field += line
          column += line.length
          line = this.#nextLine()
          this.#ended = false
          if (line.length > 0) {
            lineNumber++
            column = 1
          }
          continue
        }
        field += line.slice(0, quote)
        line = line.slice(quote + 1)
        column += quote + 1
        if (line.startsWith('"')) {
          field += '"'
          line = line.slice(1)
          column++
        } else if (line.startsWith(this.#comma)) {
          line = line.slice(this.#comma.length)
          column += this.#comma.length
          fields.push(field)
          break
        } else if (line === '' || line === '\n') {
          fields.push(field)
          return fields
        } else if (this.#lazy) field += '"'
        else throw failure(startLine, this.#lineNumber, column - 1, 'extraneous or missing " in quoted-field')
      }
    }
  }
}

function failure(startLine: number, line: number, column: number, what: string): MappingError {
  const record = startLine === line ? '' : `record on line ${startLine}; `
  return new MappingError(`${record}parse error on line ${line}, column ${column}: ${what}`)
}
