export { BodyView } from './body-view.ts'
export { compileInterpolation, compileMapping } from './compile.ts'
export { MAP_STACK_MB, rawBody } from './compiled.ts'
export type {
  CompileOptions,
  CompileResult,
  Importer,
  Interpolation,
  InterpolationResult,
  Mapping,
  TargetPath,
} from './mapping.ts'
export { MappingError, WrongTypeError } from './errors.ts'
export { parseBody, parseJson } from './json/parse.ts'
export { jsonBytes, printJson, type PrintOptions } from './json/print.ts'
export { JsonWriter } from './json/writer.ts'
export type { BodyProjector, MessageFailure, MessageTracing, MessageView } from './message-view.ts'
export { MetadataDraft } from './metadata-draft.ts'
export { textOfMetadata } from './runtime/metadata-text.ts'
export type { CacheAccess, CallContext, FunctionSpec, MethodSpec, World } from './stdlib/spec.ts'
export { compareText } from './data/text-order.ts'
export { clone as cloneValue, equals as equalValues, toText } from './stdlib/support.ts'
export type { Diagnostic } from './syntax/diagnostic.ts'
export { compileRe2, type Re2 } from './text/re2/re2.ts'
export { utf8Bytes, utf8Text } from './text/bytes.ts'
export {
  DELETED,
  type Deleted,
  Float,
  getOwn,
  isNumber,
  isObject,
  JsonNumber,
  NarrowFloat,
  NarrowInteger,
  NOTHING,
  type Nothing,
  Opaque,
  Timestamp,
  typeOf,
  Uint64,
  type Value,
  type ValueObject,
  type ValueType,
  type Zone,
} from './value.ts'
export { xxhash64 } from './text/xxhash.ts'
