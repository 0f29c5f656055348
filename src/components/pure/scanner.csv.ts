import { fieldsOf } from '../../base/index.ts'
import type { Value } from '../../bloblang/index.ts'
import { type ByteSource, ConfigError, defineScanner, field, Message, type Scanner } from '../../engine/index.ts'
import { CsvReader, type CsvRow } from './csv-reader.ts'

export default defineScanner({
  name: 'csv',
  categories: ['Utility'],
  summary: 'Makes each CSV row a message.',
  description:
    'With a header row, rows are objects; otherwise they are arrays. Each message has the metadata `csv_row`, from 0.',
  config: field
    .object({
      custom_delimiter: field.string('The delimiter between values, a comma by default.').optional(),
      parse_header_row: field.bool('Whether the first row names the columns.').default(true),
      lazy_quotes: field.bool('Whether quotes may appear anywhere.').default(false),
      continue_on_error: field
        .bool('Whether a malformed row becomes a failed message with what could be read of it.')
        .default(false),
      expected_headers: field.string('The column names that the header row must have.').list().optional(),
      expected_number_of_fields: field
        .int('The number of values that each row must have.')
        .optional()
        .lint(value => (Number(value) < 1 ? 'expected_number_of_fields must be at least 1' : undefined)),
    })
    .lint(value => {
      const { parse_header_row: header, expected_headers: expected } = fieldsOf(value)
      return header === false && Array.isArray(expected) && expected.length > 0
        ? 'expected_headers is set but parse_header_row is false'
        : undefined
    }),
  create(config) {
    const delimiter = config.custom_delimiter === '' ? ',' : (config.custom_delimiter ?? ',')
    if ([...delimiter].length !== 1) throw new ConfigError('delimiter value must be exactly one character')
    const options = {
      delimiter,
      lazyQuotes: config.lazy_quotes,
      width: config.expected_number_of_fields ?? 0,
      hasHeader: config.parse_header_row,
      header: config.expected_headers ?? [],
      continues: config.continue_on_error,
    }
    return { scan: source => new CsvScanner(source, options) }
  },
})

interface Options {
  readonly delimiter: string
  readonly lazyQuotes: boolean
  readonly width: number
  readonly hasHeader: boolean
  readonly header: readonly string[]
  readonly continues: boolean
}

class CsvScanner implements Scanner {
  readonly #source: ByteSource
  readonly #options: Options
  readonly #reader: CsvReader
  #header: readonly string[] | null = null
  #row = 0n
  #failure: Error | null = null
  #ended = false

  constructor(source: ByteSource, options: Options) {
    this.#source = source
    this.#options = options
    this.#reader = new CsvReader(options)
  }

  /** All complete rows of the next piece. */
  async next(): Promise<readonly Message[] | null> {
    for (;;) {
      if (this.#failure !== null) throw this.#failure
      if (this.#ended) return null
      const piece = await this.#source.read()
      this.#ended = piece === null
      this.#reader.push(piece)
      const messages: Message[] = []
      for (let row = this.#reader.next(); row !== null && this.#failure === null; row = this.#reader.next()) {
        const message = this.#message(row)
        if (message !== null) messages.push(message)
      }
      if (messages.length > 0) return messages
    }
  }

  close(): void | Promise<void> {
    return this.#source.close()
  }

  #message({ values, error }: CsvRow): Message | null {
    const { hasHeader, header: expected, continues } = this.#options
    if (hasHeader && this.#header === null) {
      this.#header = values
      const isExpected = expected.length === 0 || matches(values, expected)
      this.#failure = isExpected ? error : new Error("expected_headers don't match file contents")
      return null
    }
    if (error !== null && !continues) {
      this.#failure = error
      return null
    }
    const metadata = new Map<string, Value>(this.#source.metadata).set('csv_row', this.#row++)
    const message = Message.fromValue(rowValue(this.#header, values), metadata)
    if (error === null) return message
    return message.withError({ message: error.message, sourceLabel: null, sourcePath: null, sourceType: null })
  }
}

function rowValue(header: readonly string[] | null, values: readonly string[]): Value {
  if (header === null || header.length === 0) return [...values]
  return Object.fromEntries(values.slice(0, header.length).map((value, column) => [header[column]!, value]))
}

function matches(header: readonly string[], expected: readonly string[]): boolean {
  return header.length === expected.length && header.every((name, index) => name === expected[index])
}
