export { rawBody } from './compiled.ts'
export { compileInterpolation, compileMapping } from './compile.ts'
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
export type { MessageFailure, MessageView } from './message-view.ts'
export { MetadataDraft } from './metadata-draft.ts'
export type { CallContext, FunctionSpec, MethodSpec, World } from './stdlib/spec.ts'
export type { Diagnostic } from './syntax/diagnostic.ts'
export {
  DELETED,
  type Deleted,
  Float,
  getOwn,
  isNumber,
  isObject,
  JsonNumber,
  NOTHING,
  type Nothing,
  Timestamp,
  typeOf,
  Uint64,
  type Value,
  type ValueObject,
  type ValueType,
  type Zone,
} from './value.ts'
export { toText } from './stdlib/support.ts'
export { compileRe2, type Re2 } from './text/re2.ts'
