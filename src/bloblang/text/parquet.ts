/** Reads Parquet files synchronously: the library's readers are asynchronous, but their building blocks are not. */
import { messageOf } from '../../base/index.ts'
import { createRequire } from 'node:module'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import type { FileMetaData, RowGroup, SchemaElement, SchemaTree } from 'hyparquet'
import { MappingError } from '../errors.ts'
import { setOwn } from '../value.ts'
import type { Value } from '../value.ts'
import { utf8Text } from './bytes.ts'
import { decompressLz4Block } from './compression/lz4-block.ts'
import { type ColumnType, columnTypes, convertColumn } from './parquet-values.ts'
import { quote } from './quote.ts'
import { MAX_RESULT_BYTES } from './target.ts'

type Column = ArrayLike<unknown>

/** The library's internals in use, which its types do not cover. */
interface Library {
  readonly parquetMetadata: (file: ArrayBuffer) => FileMetaData
  readonly deserializeTCompactProtocol: (reader: {
    view: DataView
    offset: number
  }) => Readonly<Record<string, unknown>>
  readonly parquetSchema: (metadata: FileMetaData) => SchemaTree
  readonly getTreePath: (tree: SchemaTree, path: readonly string[]) => readonly SchemaTree[]
  readonly readColumn: (reader: object, range: object, decoder: object) => { readonly data: readonly Column[] }
  readonly assembleNested: (columns: Map<string, unknown>, schema: SchemaTree, parsers: object) => void
  readonly flatten: (chunks: readonly Column[]) => Column
  readonly DEFAULT_PARSERS: object
}

const require = createRequire(import.meta.url)

let library: Library | undefined

/** A file that does not start, end or describe itself like a Parquet file, in the original's words. */
export class ParquetError extends MappingError {}

/** The rows of a file as objects. Throws {@link ParquetError} and {@link MappingError}. */
export function parseParquet(bytes: Uint8Array): Value {
  checkEnds(bytes)
  // Message bytes are in an ordinary ArrayBuffer, never a shared one.
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
  const parquet = load()
  const metadata = readMetadata(parquet, file)
  try {
    const types = columnTypes(metadata)
    return metadata.row_groups.flatMap(group => readGroup(parquet, file, metadata, types, group))
  } catch (error) {
    if (error instanceof MappingError) throw error
    throw new MappingError(`parquet: ${messageOf(error)}`)
  }
}

const MAGIC = 'PAR1'

/** Checks the first and last bytes of a file; throws the original's errors. */
function checkEnds(bytes: Uint8Array): void {
  const text = (start: number, end: number) => utf8Text(bytes.subarray(start, end))
  if (bytes.length < 4) throw failure('reading magic header of parquet file: EOF')
  if (text(0, 4) !== MAGIC) throw failure(`invalid magic header of parquet file: ${quote(text(0, 4))}`)
  const { length } = bytes
  if (length < 8) throw failure('reading magic footer of parquet file: bytes.Reader.ReadAt: negative offset (read: 0)')
  if (text(length - 4, length) !== MAGIC)
    throw failure(`invalid magic footer of parquet file: ${quote(text(length - 4, length))}`)
  const size = new DataView(bytes.buffer, bytes.byteOffset, length).getUint32(length - 8, true)
  if (size + 8 > length) throw failure('reading footer of parquet file: bytes.Reader.ReadAt: negative offset')
  if (size === 0) throw failure('reading parquet file metadata: EOF')
}

/** The required metadata fields, as the original names them: version, schema, row count, row groups. */
const REQUIRED = ['1:FIELD<I32>', '2:FIELD<LIST>', '3:FIELD<I64>', '4:FIELD<LIST>']

function readMetadata(parquet: Library, file: ArrayBuffer): FileMetaData {
  const view = new DataView(file)
  const offset = file.byteLength - 8 - view.getUint32(file.byteLength - 8, true)
  const fields = orEnd(() => parquet.deserializeTCompactProtocol({ view, offset }))
  for (const [index, shown] of REQUIRED.entries()) {
    if (fields[`field_${index + 1}`] === undefined)
      throw failure(`reading parquet file metadata: missing required field: ${shown}`)
  }
  return orEnd(() => parquet.parquetMetadata(file))
}

/** Treats unreadable data as truncated. */
function orEnd<T>(read: () => T): T {
  try {
    return read()
  } catch {
    throw failure('reading parquet file metadata: unexpected EOF')
  }
}

function failure(message: string): ParquetError {
  return new ParquetError(message)
}

function load(): Library {
  if (library !== undefined) return library
  const modules: Library = {
    ...require('hyparquet'),
    ...require('hyparquet/src/schema.js'),
    ...require('hyparquet/src/thrift.js'),
    ...require('hyparquet/src/column.js'),
    ...require('hyparquet/src/assemble.js'),
    ...require('hyparquet/src/utils.js'),
    ...require('hyparquet/src/convert.js'),
  }
  library = modules
  return modules
}

function readGroup(
  parquet: Library,
  file: ArrayBuffer,
  metadata: FileMetaData,
  types: ReadonlyMap<SchemaElement, ColumnType>,
  group: RowGroup,
): Value[] {
  const rowCount = Number(group.num_rows)
  const tree = parquet.parquetSchema(metadata)
  const columns = new Map<string, unknown>()
  for (const { meta_data: column } of group.columns) {
    if (column === undefined) throw new MappingError('parquet: the file keeps its columns elsewhere')
    const path = parquet.getTreePath(tree, column.path_in_schema)
    const start = Number(column.dictionary_page_offset ?? column.data_page_offset)
    const reader = { view: new DataView(file, start, Number(column.total_compressed_size)), offset: 0 }
    const { element } = path.at(-1)!
    const decoder = {
      ...column,
      pathInSchema: column.path_in_schema,
      element,
      schemaPath: path,
      compressors: COMPRESSORS,
      // 96-bit timestamps are split into words again later.
      parsers: { ...parquet.DEFAULT_PARSERS, timestampFromNanoseconds: (nanos: bigint) => nanos },
      utf8: false,
    }
    const range = { groupStart: 0, groupRows: rowCount, selectStart: 0, selectEnd: rowCount }
    const stored = parquet.flatten(parquet.readColumn(reader, range, decoder).data)
    columns.set(column.path_in_schema.join('.'), convertColumn(stored, types.get(element)!))
  }
  for (const child of tree.children) {
    if (child.children.length > 0) parquet.assembleNested(columns, child, parquet.DEFAULT_PARSERS)
  }
  return Array.from({ length: rowCount }, (_, row) => {
    const fields: Record<string, Value> = {}
    for (const { element } of tree.children) {
      const stored = (columns.get(element.name) as Column | undefined)?.[row] // every column of the element was read
      // A repeated field without occurrences is an empty list.
      setOwn(fields, element.name, element.repetition_type === 'REPEATED' ? toValue(stored ?? []) : toValue(stored))
    }
    return fields
  })
}

const COMPRESSORS = {
  GZIP: (input: Uint8Array) => new Uint8Array(gunzipSync(input, { maxOutputLength: MAX_RESULT_BYTES })),
  ZSTD: (input: Uint8Array) => new Uint8Array(zstdDecompressSync(input, { maxOutputLength: MAX_RESULT_BYTES })),
  BROTLI: (input: Uint8Array) => new Uint8Array(brotliDecompressSync(input, { maxOutputLength: MAX_RESULT_BYTES })),
  LZ4_RAW: (input: Uint8Array, length: number) => {
    if (length > MAX_RESULT_BYTES) throw new MappingError('parquet: a page is too large')
    const output = new Uint8Array(length)
    decompressLz4Block(input, 0, input.length, output, 0, 0, length)
    return output
  },
}

/** Converts an assembled row: lists and objects of values that are already converted. */
function toValue(stored: unknown): Value {
  if (stored === null || stored === undefined) return null
  if (Array.isArray(stored)) return stored.map(toValue)
  // Scalars of hyparquet are values.
  if (typeof stored !== 'object' || Object.getPrototypeOf(stored) !== Object.prototype) return stored as Value
  const fields: Record<string, Value> = {}
  for (const [key, field] of Object.entries(stored)) setOwn(fields, key, toValue(field))
  return fields
}
