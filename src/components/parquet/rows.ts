import type { FileMetaData, SchemaTree } from 'hyparquet'
import { getOwn, isObject, parseParquet, type Value } from '../../bloblang/index.ts'

/** The parts of the library that are used; it is loaded with the first file. */
export interface ParquetLibrary {
  readonly parquetMetadata: (file: ArrayBuffer) => FileMetaData
  readonly parquetSchema: (metadata: FileMetaData) => SchemaTree
}

/** The rows of a file. Throws the errors of `parseParquet`. */
export function rowsOf(file: Uint8Array): readonly Value[] {
  return parseParquet(file) as readonly Value[] // a file is an array of rows
}

/** Like {@link rowsOf}, with each list as Parquet stores it: `{"list":[{"element":…},…]}`. */
export function rowsWithStoredLists(file: Uint8Array, library: ParquetLibrary): readonly Value[] {
  const rows = rowsOf(file)
  // The bytes of messages are in unshared memory.
  const bytes = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) as ArrayBuffer
  const tree = library.parquetSchema(library.parquetMetadata(bytes))
  return hasLists(tree) ? rows.map(row => stored(row, tree)) : rows
}

function hasLists(tree: SchemaTree): boolean {
  return isList(tree) || tree.children.some(hasLists)
}

function isList({ element }: SchemaTree): boolean {
  return element.converted_type === 'LIST' || element.logical_type?.type === 'LIST'
}

function stored(value: Value, tree: SchemaTree): Value {
  if (value === null) return null
  if (isList(tree)) {
    const element = tree.children[0]?.children[0]
    const items = value as readonly Value[] // the reader makes arrays of lists
    return { list: items.map(item => ({ element: element === undefined ? item : stored(item, element) })) }
  }
  if (Array.isArray(value)) return value.map(item => fieldsStored(item, tree))
  return fieldsStored(value, tree)
}

function fieldsStored(value: Value, tree: SchemaTree): Value {
  if (!isObject(value) || tree.children.length === 0) return value
  const fields: Record<string, Value> = { ...value }
  for (const child of tree.children) {
    const { name } = child.element
    if (Object.hasOwn(fields, name)) fields[name] = stored(getOwn(fields, name), child)
  }
  return fields
}
