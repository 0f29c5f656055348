/**
 * The mapping language. `syntax/` parses a text into a tree, and `compiler/` generates JavaScript from the tree. The
 * generated code calls `runtime/` for anything longer than a line, and the functions and methods of `stdlib/`, each of
 * which is defined in its own file. Their implementations are in `data/` if they concern values (conversion,
 * comparison, sorting, paths, schemas, times), and in `text/` if they concern texts and bytes (formats, encodings,
 * ciphers, regular expressions, Go's formatting). `json/` reads and writes documents.
 */
export { BodyView } from './body-view.ts'
export { compileInterpolation, compileMapping } from './compile.ts'
export { MAP_STACK_MB } from './compiled.ts'
export type {
  CompileResult,
  Importer,
  Interpolation,
  Mapping,
  TargetPath,
} from './mapping.ts'
export { MappingError } from './errors.ts'
export { parseBody, parseJson } from './json/parse.ts'
export { patchedBody, PatchedDocument } from './json/patched.ts'
export { jsonBytes, printJson } from './json/print.ts'
export { JsonWriter } from './json/writer.ts'
export type { BodyProjector, MessageFailure, MessageTracing, MessageView } from './message-view.ts'
export { MetadataDraft } from './metadata-draft.ts'
export { textOfMetadata } from './runtime/metadata-text.ts'
export type { CacheAccess, Host } from './stdlib/spec.ts'
export { isArray } from './data/coerce.ts'
export { compareText } from './data/text-order.ts'
export { formatLayout } from './data/time/format.ts'
export { parseTime } from './data/time/parse.ts'
export { toText } from './data/to-text.ts'
export type { Diagnostic } from './syntax/diagnostic.ts'
export { compileRe2, groupText, type MatchSpans, type Re2 } from './text/re2/re2.ts'
export { utf8Bytes, utf8Text } from './text/bytes.ts'
export { lz4Block } from './text/compression/lz4-block.ts'
export { parseParquet } from './text/parquet.ts'
export { formatFloat } from './text/go-float.ts'
export { sprintf } from './text/go-format.ts'
export { yamlFaultIn } from './text/yaml/parse.ts'
export { xxhash64 } from './text/xxhash.ts'
export {
  DELETED,
  Float,
  getOwn,
  isObject,
  JsonNumber,
  NarrowFloat,
  NarrowInteger,
  type NarrowType,
  NOTHING,
  Opaque,
  setOwn,
  Timestamp,
  typeOf,
  Uint64,
  type Value,
  type ValueObject,
  type Zone,
} from './value.ts'
export { FUNCTION_SIGNATURES, METHOD_SIGNATURES } from './syntax/signatures.gen.ts'
export { nearest } from './syntax/nearest.ts'
