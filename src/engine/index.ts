export {
  type Ack,
  type Batch,
  BatchError,
  batchOf,
  type Delivery,
  joinSolo,
  logicalBatches,
  soloBatch,
} from './batch.ts'
export {
  type AnySpec,
  type Batcher,
  type BatchPolicy,
  type Buffer,
  type ByteSource,
  type Cache,
  type Chain,
  ClosedError,
  type ComponentConfig,
  type ComponentKind,
  ConfigError,
  defineBuffer,
  defineCache,
  defineInput,
  defineOutput,
  defineProcessor,
  defineRateLimit,
  defineScanner,
  type Input,
  type InputHandle,
  type MaybePromise,
  NotConnectedError,
  type Output,
  type OutputHandle,
  type Processor,
  type RateLimit,
  type Resources,
  type Scanner,
  type ScannerFactory,
} from './component.ts'
export { Field, type FieldMap, type FieldShape, field, type Infer } from './fields.ts'
export type { HttpEndpoint, HttpHost } from './http-host.ts'
export { type BodyWriter, Message, type MessageContext, type Metadata } from './message.ts'
export type { Counter, Gauge, Metrics, Timer } from './metrics.ts'
export { type KnownSpecs, type Loaders, Registry } from './registry.ts'
