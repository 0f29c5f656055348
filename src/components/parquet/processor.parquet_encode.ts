import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib'
import type { CompressionCodec, Encoding, SchemaElement } from 'hyparquet'
import type { ParquetWriter } from 'hyparquet-writer'
import { isObject, lz4Block, type ValueObject } from '../../bloblang/index.ts'
import { type Batch, ConfigError, defineProcessor, field } from '../../engine/index.ts'
import { type Column, columnOf, pathWithoutLists, withoutLists } from './columns.ts'

const TYPES = {
  BOOLEAN: 'A boolean.',
  INT8: 'An 8-bit integer.',
  INT16: 'A 16-bit integer.',
  INT32: 'A 32-bit integer.',
  INT64: 'A 64-bit integer.',
  DECIMAL64: 'A decimal with up to 18 digits.',
  DECIMAL32: 'A decimal with up to 9 digits.',
  FLOAT: 'A 32-bit float.',
  DOUBLE: 'A 64-bit float.',
  BYTE_ARRAY: 'Bytes.',
  UTF8: 'Text.',
  MAP: 'A map with string keys; `fields` has one field, named `value`.',
  LIST: 'A list; `fields` has one field, named `element`.',
  STRUCT: 'An object with the given `fields`.',
}

export default defineProcessor({
  name: 'parquet_encode',
  namesFailures: true,
  status: 'experimental',
  categories: ['Parsing'],
  requires: ['hyparquet-writer'],
  summary: 'Encodes the documents of a batch as one Parquet file, with a row for each.',
  description:
    'A missing field is null if its column is optional, otherwise zero or empty; fields that are not in the schema are ignored. If a document does not conform to the schema, the whole batch is left unchanged and its messages are flagged as failed.',
  config: field.object({
    schema: field
      .object(
        {
          name: field.string('The name of the column.'),
          type: field.string('The type; required unless there are `fields`.').options(TYPES).optional(),
          decimal_precision: field.int('The precision of a decimal: its total number of digits.').default(0),
          decimal_scale: field.int('The scale of a decimal: its digits after the decimal point.').default(0),
          repeated: field.bool('Whether the column is repeated.').default(false),
          optional: field.bool('Whether the column may be null.').default(false),
          fields: field.any('Nested fields, configured like columns.').list().optional(),
        },
        'The columns.',
      )
      .list(),
    default_compression: field
      .string('The compression of all columns.')
      .options({
        uncompressed: 'None.',
        snappy: 'Snappy: fast.',
        gzip: 'Gzip.',
        brotli: 'Brotli.',
        zstd: 'Zstandard: high compression, fast.',
        lz4raw: 'LZ4: the fastest.',
      })
      .default('uncompressed'),
    default_encoding: field
      .string('The encoding of string and byte columns; `RLE_DICTIONARY` also applies to all others.')
      .options({
        DELTA_LENGTH_BYTE_ARRAY: 'Stores the differences between lengths.',
        PLAIN: 'For readers that support no other encoding.',
        RLE_DICTIONARY: 'Stores each distinct value once.',
      })
      .default('DELTA_LENGTH_BYTE_ARRAY')
      .advanced(),
  }),
  examples: [
    {
      title: 'Round trip',
      config: `try:
  - parquet_encode:
      default_compression: zstd
      schema:
        - { name: id, type: INT64 }
        - { name: weight, type: DOUBLE, optional: true }
        - { name: tags, type: LIST, fields: [ { name: element, type: UTF8 } ] }
  - parquet_decode: { use_parquet_list_format: false }
`,
      input: ['{"id":1,"tags":["a","b"]}'],
      output: ['{"id":1,"tags":["a","b"],"weight":null}'],
    },
  ],
  async create(config, resources) {
    const columns = config.schema.map(column => columnOf(column))
    if (columns.length === 0) throw new ConfigError('the schema needs a column at least')
    const { ByteWriter, ParquetWriter } = await import('hyparquet-writer')
    const schema: SchemaElement[] = [
      { name: 'root', num_children: columns.length },
      ...columns.flatMap(column => column.elements),
    ]
    return {
      process(batch: Batch) {
        try {
          const rows = batch.map(message => rowOf(message.structured()))
          const bytes = new ByteWriter()
          const codec = CODECS[config.default_compression]!
          const writer = new ParquetWriter({ writer: bytes, schema, codec, compressors: COMPRESSORS })
          void writer.write({
            columnData: columns.map(column => ({
              name: column.name,
              data: rows.map(row => column.store(Object.hasOwn(row, column.name) ? row[column.name] : undefined)),
              ...encodingOf(column, config.default_encoding),
            })),
          })
          finish(writer)
          return [[batch[0]!.withBytes(bytes.getBytes()).madeOf(batch)]]
        } catch (error) {
          return [batch.map(message => resources.fail(message, error))]
        }
      },
    }
  },
})

/** Finishes a file in memory, which involves no waiting. */
function finish(writer: ParquetWriter): void {
  writer.schema = withoutLists(writer.schema)
  for (const { columns } of writer.row_groups) {
    for (const { meta_data: column } of columns) {
      if (column !== undefined) column.path_in_schema = pathWithoutLists(column.path_in_schema)
    }
  }
  void writer.finish()
}

function rowOf(value: unknown): ValueObject {
  // The structures in a configuration are values.
  if (isObject(value as never)) return value as ValueObject
  throw new Error('unable to encode message as parquet row: it is not an object')
}

function encodingOf(column: Column, encoding: string): { encoding?: Encoding } {
  if (column.isNested || (!column.isBytes && encoding !== 'RLE_DICTIONARY')) return {}
  return column.elements[0]!.type === 'BOOLEAN' ? {} : { encoding: encoding as Encoding } // as the library spells it
}

const CODECS: Readonly<Record<string, CompressionCodec>> = {
  uncompressed: 'UNCOMPRESSED',
  snappy: 'SNAPPY',
  gzip: 'GZIP',
  brotli: 'BROTLI',
  zstd: 'ZSTD',
  lz4raw: 'LZ4_RAW',
}

const COMPRESSORS = {
  GZIP: (input: Uint8Array) => gzipSync(input),
  BROTLI: (input: Uint8Array) => brotliCompressSync(input),
  ZSTD: (input: Uint8Array) => zstdCompressSync(input),
  LZ4_RAW: lz4Block,
}
