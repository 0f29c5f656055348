/** Parquet files, read in one go: the library's readers wait for byte ranges, but the parts that they are made of do not. */
import { createRequire } from 'node:module'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import type { FileMetaData, RowGroup, SchemaTree } from 'hyparquet'
import { MappingError } from '../errors.ts'
import { setOwn } from '../stdlib/support.ts'
import { Float, type Value } from '../value.ts'
import { utf8Text } from './bytes.ts'
import { MAX_RESULT_BYTES } from './target.ts'

type Column = ArrayLike<unknown>

/** What is used of the library's inside, which its types do not name. */
interface Library {
  readonly parquetMetadata: (file: ArrayBuffer) => FileMetaData
  readonly parquetSchema: (metadata: FileMetaData) => SchemaTree
  readonly getTreePath: (tree: SchemaTree, path: readonly string[]) => readonly SchemaTree[]
  readonly readColumn: (reader: object, range: object, decoder: object) => { readonly data: readonly Column[] }
  readonly assembleNested: (columns: Map<string, unknown>, schema: SchemaTree, parsers: object) => void
  readonly flatten: (chunks: readonly Column[]) => Column
  readonly DEFAULT_PARSERS: object
}

const require = createRequire(import.meta.url)
/** The types by which nested columns are put together, and text; all others would change the plain value. */
const KEPT_TYPES = new Set(['UTF8', 'LIST', 'MAP', 'MAP_KEY_VALUE', 'JSON', 'ENUM'])

let library: Library | undefined

/** The rows of a file as objects. */
export function parseParquet(bytes: Uint8Array): Value {
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
  try {
    const parquet = load()
    const metadata = parquet.parquetMetadata(file)
    withoutConversions(metadata)
    return metadata.row_groups.flatMap(group => readGroup(parquet, file, metadata, group))
  } catch (error) {
    if (error instanceof MappingError) throw error
    throw new MappingError(`parquet: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function load(): Library {
  library ??= {
    ...(require('hyparquet') as object),
    ...(require('hyparquet/src/schema.js') as object),
    ...(require('hyparquet/src/column.js') as object),
    ...(require('hyparquet/src/assemble.js') as object),
    ...(require('hyparquet/src/utils.js') as object),
    ...(require('hyparquet/src/convert.js') as object),
  } as unknown as Library
  return library
}

/** Dates, times and decimals stay the numbers that they are stored as. */
function withoutConversions(metadata: FileMetaData): void {
  for (const element of metadata.schema) {
    if (element.converted_type !== undefined && KEPT_TYPES.has(element.converted_type)) continue
    if (element.logical_type !== undefined && ['STRING', 'LIST', 'MAP'].includes(element.logical_type.type)) continue
    delete element.converted_type
    delete element.logical_type
  }
}

function readGroup(parquet: Library, file: ArrayBuffer, metadata: FileMetaData, group: RowGroup): Value[] {
  const rowCount = Number(group.num_rows)
  const tree = parquet.parquetSchema(metadata)
  const columns = new Map<string, unknown>()
  for (const { meta_data: column } of group.columns) {
    if (column === undefined) throw new MappingError('parquet: the file keeps its columns elsewhere')
    const path = parquet.getTreePath(tree, column.path_in_schema)
    const start = Number(column.dictionary_page_offset ?? column.data_page_offset)
    const reader = { view: new DataView(file, start, Number(column.total_compressed_size)), offset: 0 }
    const decoder = {
      ...column,
      pathInSchema: column.path_in_schema,
      element: path.at(-1)!.element,
      schemaPath: path,
      compressors: COMPRESSORS,
      parsers: parquet.DEFAULT_PARSERS,
      utf8: false,
    }
    const range = { groupStart: 0, groupRows: rowCount, selectStart: 0, selectEnd: rowCount }
    columns.set(column.path_in_schema.join('.'), parquet.flatten(parquet.readColumn(reader, range, decoder).data))
  }
  for (const child of tree.children) {
    if (child.children.length > 0) parquet.assembleNested(columns, child, parquet.DEFAULT_PARSERS)
  }
  return Array.from({ length: rowCount }, (_, row) => {
    const fields: Record<string, Value> = {}
    for (const { element } of tree.children) {
      const stored = (columns.get(element.name) as Column | undefined)?.[row]
      // A repeated field that does not occur is an empty list.
      setOwn(fields, element.name, element.repetition_type === 'REPEATED' ? toValue(stored ?? []) : toValue(stored))
    }
    return fields
  })
}

const COMPRESSORS = {
  GZIP: (input: Uint8Array) => new Uint8Array(gunzipSync(input, { maxOutputLength: MAX_RESULT_BYTES })),
  ZSTD: (input: Uint8Array) => new Uint8Array(zstdDecompressSync(input, { maxOutputLength: MAX_RESULT_BYTES })),
}

function toValue(stored: unknown): Value {
  switch (typeof stored) {
    case 'number':
      return Number.isInteger(stored) ? BigInt(stored) : new Float(stored)
    case 'bigint':
    case 'boolean':
    case 'string':
      return stored
    case 'object': {
      if (stored === null) return null
      if (stored instanceof Uint8Array) return utf8Text(stored)
      if (Array.isArray(stored)) return stored.map(toValue)
      if (ArrayBuffer.isView(stored)) return Array.from(stored as unknown as ArrayLike<number>, toValue)
      const fields: Record<string, Value> = {}
      for (const [key, field] of Object.entries(stored)) setOwn(fields, key, toValue(field))
      return fields
    }
    default:
      return null
  }
}
