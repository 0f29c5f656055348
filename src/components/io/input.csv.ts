import { fieldsOf } from '../../base/index.ts'
import type { Value } from '../../bloblang/index.ts'
import {
  autoReplayNacksField,
  ConfigError,
  defineInput,
  deliverBatch,
  deliverEach,
  type Delivery,
  field,
  type Files,
  type Input,
  Message,
  NotConnectedError,
} from '../../engine/index.ts'
import { CsvReader, type CsvRow } from '../pure/csv-reader.ts'
import { expandGlobs, type FileSource, openFile } from './files.ts'

export default defineInput({
  name: 'csv',
  categories: ['Local'],
  summary: 'Reads CSV files, one message per row.',
  description:
    'With a header row, rows are objects, otherwise arrays; a row with more values than the header has names is an array, too. Each message has the metadata `path`, `mod_time_unix`, `mod_time` (RFC 3339) and, if rows are objects, `header`. A row with a different number of values than the first one is accepted unless `expected_number_of_fields` is set.',
  config: field
    .object({
      paths: field
        .string('The files to read, in order. Patterns with `*`, `?` and `**` expand to all matching files, sorted.')
        .needs('files')
        .list()
        .examples(['/tmp/foo.csv', '/tmp/bar/*.csv']),
      parse_header_row: field.bool('Whether the first row names the columns.').default(true),
      delimiter: field.string('The delimiter between values.').default(','),
      lazy_quotes: field.bool('Whether quotes may appear anywhere.').default(false),
      delete_on_finish: field.bool('Whether a file is deleted once it has been read.').default(false).advanced(),
      batch_count: field.int('The number of rows per batch.').default(1).advanced(),
      auto_replay_nacks: autoReplayNacksField,
      expected_headers: field
        .string('The column names that the header row must have.')
        .list()
        .optional()
        .since('1.8.0'),
      expected_number_of_fields: field
        .int('The number of values that each row must have.')
        .optional()
        .since('1.8.0')
        .lint(value => (Number(value) < 1 ? 'expected_number_of_fields must be at least 1' : undefined)),
    })
    .lint(value => {
      const { parse_header_row: header, expected_headers: expected } = fieldsOf(value)
      return header === false && Array.isArray(expected) && expected.length > 0
        ? 'expected_headers is set but parse_header_row is false'
        : undefined
    }),
  examples: [{ title: 'A folder of CSV files', config: 'input:\n  csv:\n    paths: [ ./data/*.csv ]\n' }],
  create(config, { host: { files } }) {
    if ([...config.delimiter].length !== 1) throw new ConfigError('delimiter value must be exactly one character')
    const paths = expandGlobs(config.paths, files)
    if (paths.length === 0) throw new ConfigError('requires at least one input file path')
    if (config.batch_count < 1) throw new ConfigError('batch_count must be at least 1')
    return new CsvInput(paths, files, {
      delimiter: config.delimiter,
      lazyQuotes: config.lazy_quotes,
      width: config.expected_number_of_fields ?? 0,
      hasHeader: config.parse_header_row,
      header: config.expected_headers ?? [],
      batchCount: config.batch_count,
      deletes: config.delete_on_finish,
    })
  },
})

interface Options {
  readonly delimiter: string
  readonly lazyQuotes: boolean
  readonly width: number
  readonly hasHeader: boolean
  readonly header: readonly string[]
  readonly batchCount: number
  readonly deletes: boolean
}

/** Reads rows from one piece of a file at a time. */
class CsvInput implements Input {
  readonly #paths: string[]
  readonly #files: Files
  readonly #options: Options
  #table: { readonly source: FileSource; readonly reader: CsvReader } | null = null
  #header: readonly string[] | null = null
  #failure: Error | null = null

  constructor(paths: string[], files: Files, options: Options) {
    this.#paths = paths
    this.#files = files
    this.#options = options
  }

  /** Opens the next file. If it does not exist yet it stays next, and the engine retries. */
  async connect(): Promise<void> {
    const path = this.#paths[0]
    if (this.#table !== null || path === undefined) return
    this.#table = { source: await openFile(path, this.#files), reader: new CsvReader(this.#options) }
    this.#header = null
    this.#paths.shift()
  }

  async read(): Promise<Delivery | null> {
    for (;;) {
      this.#throwFailure()
      if (this.#table === null) {
        if (this.#paths.length === 0) return null
        await this.connect().catch((cause: unknown) => {
          throw new NotConnectedError(cause)
        })
        continue
      }
      const messages = await this.#readRows(this.#table.source, this.#table.reader)
      if (messages.length > 0) return this.#deliver(messages)
    }
  }

  async close(): Promise<void> {
    const table = this.#table
    this.#table = null
    await table?.source.close()
  }

  #deliver(messages: readonly Message[]): Delivery {
    return this.#options.batchCount === 1 ? deliverEach(messages) : deliverBatch(messages, () => undefined)
  }

  /** Enough rows for a batch, or all rows of a piece; none if the file ended or a row failed. */
  async #readRows(source: FileSource, reader: CsvReader): Promise<readonly Message[]> {
    const { batchCount, deletes } = this.#options
    const messages: Message[] = []
    for (;;) {
      for (let row = reader.next(); row !== null; row = reader.next()) {
        const message = this.#message(row, source)
        if (message !== null) messages.push(message)
        if (this.#failure !== null || (batchCount > 1 && messages.length === batchCount)) return messages
      }
      if (batchCount === 1 && messages.length > 0) return messages
      const piece = await source.read()
      reader.push(piece)
      if (piece !== null) continue
      for (let row = reader.next(); row !== null; row = reader.next()) {
        const message = this.#message(row, source)
        if (message !== null) messages.push(message)
        if (this.#failure !== null || (batchCount > 1 && messages.length === batchCount)) return messages
      }
      await this.close()
      if (deletes) await this.#files.unlink(source.name)
      return messages
    }
  }

  /** Converts a row to a message; null for the header and for a row that failed. */
  #message(row: CsvRow, source: FileSource): Message | null {
    const { hasHeader, header: expected, width } = this.#options
    // What could be read of a row is accepted, unless a width is configured.
    if (row.error !== null && (row.values.length === 0 || width > 0)) {
      this.#failure = row.error
      return null
    }
    if (hasHeader && this.#header === null) {
      if (expected.length > 0 && row.values.join('\n') !== expected.join('\n')) {
        this.#failure = new Error("expected_headers don't match file contents")
      } else this.#header = row.values
      return null
    }
    const header = this.#header
    if (header === null || header.length < row.values.length) {
      return Message.fromValue([...row.values], source.metadata)
    }
    const document = Object.fromEntries(row.values.map((value, column) => [header[column]!, value]))
    return Message.fromValue(document, new Map<string, Value>(source.metadata).set('header', header))
  }

  #throwFailure(): void {
    const failure = this.#failure
    this.#failure = null
    if (failure !== null) throw failure
  }
}
