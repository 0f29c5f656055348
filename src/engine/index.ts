export {
  allDelivered,
  type Batch,
  deliverEachOf,
  failuresOf,
  PartialFailure,
  throwFailures,
} from './batch.ts'
export { codecFields, deliverCut, openScanner } from './codec.ts'
export {
  type Ack,
  type AckSome,
  deliverBatch,
  deliverEach,
  type Delivery,
  whenEachSettled,
} from './delivery.ts'
export {
  type AnySpec,
  type Batcher,
  type Buffer,
  type ByteSource,
  type Cache,
  type CacheHandle,
  type Chain,
  ClosedError,
  type ComponentConfig,
  type ComponentGroup,
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
  type Ending,
  type InputHandle,
  isClosing,
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
export { withDeadline } from './deadline.ts'
export { evaluated } from './evaluated.ts'
export { sendAll, type Settle, throwOutcomes } from './outcomes.ts'
export { Field, type FieldMap, type FieldShape, field, type Infer } from './fields.ts'
export type { ComponentHost, Databases, Files, Listening, Network, Processes, Stdio } from './host.ts'
export {
  type HttpResponse,
  HttpTransport,
  isHttpConnectionError,
  wholeBody,
  type WholeHttpRequest,
  type WholeHttpResponse,
} from './http-transport.ts'
export type { HttpEndpoint, HttpHost } from './http-host.ts'
export { Cors } from './http-access.ts'
export { answerError, bodyText } from './http-messages.ts'
export { HttpRouter } from './http-router.ts'
export { metadataFilter, metadataFilterFields } from './metadata-filter.ts'
export { tlsField, type TlsOptions, tlsOptions } from './tls-field.ts'
export { type BodyWriter, Message, type MessageContext, type Metadata } from './message.ts'
export { addressOfUrl, capabilitiesOf, type Need } from './needs.ts'
export {
  type Counter,
  type Gauge,
  type Metrics,
  metricsDocument,
  MetricsStore,
  nullMetrics,
  prometheusText,
  interpolatedQuantiles,
  recorderOf,
  type Sample,
  type SampleChange,
  SampleChanges,
  type Timer,
} from './metrics.ts'
export {
  defineMetrics,
  type MetricsExporter,
  type MetricsResources,
  MetricsService,
  type ProcessFigures,
} from './metrics-exporter.ts'
export { type KnownSpecs, type Loaders, Registry } from './registry.ts'
export { type Finding } from './config/lint.ts'
export {
  lintConfig,
  namesIn,
  readConfig,
  type ReadConfig,
  type ReadOptions,
  readResources,
  readService,
  readStream,
} from './config/config.ts'
export { configFields, shapesOf, streamFields, testFields } from './config/core-fields.ts'
export { durationText, parseDuration } from './config/duration.ts'
export { parseDotEnv, substituteEnv } from './config/env.ts'
export { setAt } from './config/set.ts'
export { readTemplate, type Template } from './config/template.ts'
export { type Node, nodeOf, parseYaml, plainValue, resolved, stringNode, valueOf, YamlError } from './config/node.ts'
export { parseComponent, parseFields } from './config/parse.ts'
export { createLog, makeLog, severityOf } from './logger.ts'
export { Backoff, pause } from './runtime/backoff.ts'
export { batchCounters } from './runtime/batcher.ts'
export { backoffField, type BackoffConfig, backoffOf, withBackoff } from './retry-fields.ts'
export { ScannedSource } from './scanned-source.ts'
export { ObjectInput, type ObjectSource, type ObjectTarget } from './objects/object-input.ts'
export { ResumedSource } from './objects/resumed-source.ts'
export { Limiter, Signal } from './runtime/limiter.ts'
export { MappingCaches } from './runtime/mapping-caches.ts'
export { Manager } from './runtime/manager.ts'
export { SharedResources } from './runtime/shared-resources.ts'
export { Shutdown } from './runtime/shutdown.ts'
export {
  loadConfig,
  parseContext,
  parseStream,
  startStream,
  type Stream,
  type StreamConfig,
  type StreamStatus,
} from './runtime/stream.ts'
export { Arrivals } from './arrivals.ts'
export { autoReplayNacksField, batchingField, maxInFlightField } from './common-fields.ts'
export { allOf, andThen, forEachMessage, kept, perMessage } from './per-message.ts'
export { defineTracer, openTracer, type Span, type TraceCarrier, type Tracer, type TracerResources } from './tracer.ts'
export { Tracing } from './tracing.ts'
export { StreamServer } from './http-server.ts'
export type { ChainThread } from './threads/chain-threads.ts'
export type { ChainEvent, ChainOrder } from './threads/protocol.ts'
export { serveChain } from './threads/serve-chain.ts'
export { StreamSet } from './streams/stream-set.ts'
export { answerAllReady, answerReady } from './streams/ready.ts'
export { streamsApi } from './streams/streams-api.ts'
export { normalised } from './config/normalise.ts'
export { printYaml } from './config/print.ts'
