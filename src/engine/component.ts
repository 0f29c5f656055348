import { type Capability, type Clock, type Log, messageOf } from '../base/index.ts'
import type { Mapping } from '../bloblang/index.ts'
import { type Batch, PartialFailure } from './batch.ts'
import type { Node } from './config/node.ts'
import type { AckSome, Delivery } from './delivery.ts'
import type { Field } from './fields.ts'
import type { ComponentHost } from './host.ts'
import type { HttpHost } from './http-host.ts'
import type { Message, Metadata } from './message.ts'
import type { Metrics } from './metrics.ts'
import { reportedPath } from './runtime/reported-path.ts'
import type { Tracer } from './tracer.ts'

export type MaybePromise<T> = T | Promise<T>

export type ComponentKind =
  | 'input'
  | 'output'
  | 'processor'
  | 'cache'
  | 'buffer'
  | 'rate_limit'
  | 'scanner'
  | 'metrics'
  | 'tracer'

type Status = 'stable' | 'beta' | 'experimental' | 'deprecated'

/**
 * A source of messages. The engine calls `connect` until it succeeds, then `read`, one call at a time. It keeps
 * messages until they are acknowledged, replays rejected ones, and backs off after errors.
 */
export interface Input {
  /** Throws if there is no connection; the engine retries. */
  connect?(signal: AbortSignal): MaybePromise<void>
  /**
   * The next batch, or null at the end of the source. Throws {@link NotConnectedError} if the connection is lost; any
   * other error is logged and the read retried. Returns null or throws soon after the signal aborts.
   */
  read(signal: AbortSignal): MaybePromise<Delivery | null>
  /** Releases everything. Called once, even if `connect` never succeeded. */
  close?(): MaybePromise<void>
  /** For an input that reads others: whether those have ended, while their messages await acknowledgement. */
  readonly ending?: Ending
}

/** Reports the end of a source. */
export interface Ending {
  /** Whether nothing but replays is still to come. */
  readonly drained: boolean
  /** Calls `listener` when a source has ended, so that an incomplete batch is delivered as it is. */
  onDrained(listener: () => void): void
  /** Whether rejected messages are waiting for redelivery; they come next. */
  readonly hasReplays: boolean
}

/**
 * A destination of messages. The engine calls `write` for up to `max_in_flight` batches at a time, in order, and
 * settles each batch with its outcome.
 */
export interface Output {
  /** Throws if there is no connection; the engine retries. */
  connect?(signal: AbortSignal): MaybePromise<void>
  /**
   * Delivers one batch; once it returns or resolves, every message has arrived. Throws {@link NotConnectedError} to be
   * reconnected and called again, a `PartialFailure` if only some messages failed, any other error if all did.
   */
  write(batch: Batch, signal: AbortSignal): MaybePromise<void>
  /**
   * For outputs that are faster with many messages per call: delivers a run, that is, messages each of which is a batch
   * by itself, so that each succeeds or fails alone and interpolations see it alone. Returns the outcome of each
   * message at its index, null if it arrived. Throws as `write` does if all failed; messages whose outcome is a
   * {@link NotConnectedError} are written again. Messages that queue up while `max_in_flight` calls are in progress go
   * with the next call.
   */
  writeRun?(run: readonly Message[], signal: AbortSignal): MaybePromise<readonly (Error | null)[]>
  /**
   * For outputs that only forward messages: delivers a run like `writeRun`, but each message is settled as soon as its
   * outcome is known. `settle` is called with messages that share an outcome, the same objects that were passed in,
   * until every message has one. Never throws.
   */
  forwardRun?(run: readonly Message[], settle: AckSome): void
  /** Releases everything. Called once, even if `connect` never succeeded. */
  close?(): MaybePromise<void>
}

/**
 * A step of a pipeline. It never throws because of a message: it flags the message (`Resources.fail`) and passes it on.
 * A thrown error rejects the whole batch.
 */
export interface Processor {
  /** The results of one batch: the batch itself, several batches, or none, which acknowledges it. No batch is empty. */
  process(batch: Batch): MaybePromise<readonly Batch[]>
  /**
   * For processors that handle each message by itself, which most implement with `perMessage`: processes a run and
   * returns the result of each message at its index, null if it is dropped.
   */
  processRun?: ((run: readonly Message[]) => MaybePromise<readonly (Message | null)[]>) | undefined
  close?(): MaybePromise<void>
  /**
   * Set if `process` may take time (network, sleep): the messages of a run are then processed separately and
   * concurrently, so that none waits for its neighbours.
   */
  readonly waits?: boolean
  /**
   * Set if the order of its work is observable elsewhere (counters, logs, caches): in a chain with several such
   * processors, each message of a run passes the whole chain before the next one starts.
   */
  readonly effects?: boolean
}

/** A store of keys and values with a time to live. */
export interface Cache {
  get(key: string): MaybePromise<Uint8Array | undefined>
  /** `ttlMs` is undefined to use the cache's default. */
  set(key: string, value: Uint8Array, ttlMs?: number): MaybePromise<void>
  /** Sets a key that must not exist yet; false if it does. */
  add(key: string, value: Uint8Array, ttlMs?: number): MaybePromise<boolean>
  delete(key: string): MaybePromise<void>
  close?(): MaybePromise<void>
}

/** A cache resource. */
export interface CacheHandle extends Cache {
  exists(key: string): MaybePromise<boolean>
}

export interface RateLimit {
  /** Takes one token: 0, or the milliseconds to wait before the next attempt. */
  access(): MaybePromise<number>
  close?(): MaybePromise<void>
}

/** Sits between the inputs and the pipeline, and decides when the source is acknowledged. */
export interface Buffer {
  /** Takes a delivery; resolves when there is room for more, to the batches that it dropped, if any. */
  push(delivery: Delivery, signal: AbortSignal): MaybePromise<readonly Batch[] | void>
  /** The source has ended; buffered messages are still delivered. */
  end(): void
  /** The next batch, or null once the source has ended and everything is delivered and acknowledged. */
  next(signal: AbortSignal): Promise<Delivery | null>
  close?(): MaybePromise<void>
}

/** Bytes that arrive in pieces. */
export interface ByteSource {
  /** The next piece, or null at the end. The piece belongs to the caller. */
  read(): MaybePromise<Uint8Array | null>
  close(): MaybePromise<void>
  /** A file name or URL, if known. */
  readonly name: string
  /** Metadata for every message cut from this source. */
  readonly metadata: Metadata
}

/** Cuts a source into messages. */
export interface ScannerFactory {
  scan(source: ByteSource): Scanner
}

export interface Scanner {
  /** Whether the messages of each call form one batch; otherwise they form a run. */
  readonly makesBatches?: true
  /** The next messages, or null at the end. Throws if the source cannot be cut further, after the earlier ones. */
  next(): MaybePromise<readonly Message[] | null>
  close(): MaybePromise<void>
}

/** The connection to a source or destination is lost; the engine reconnects. */
export class NotConnectedError extends Error {
  constructor(cause?: unknown) {
    super('not connected to target source or sink', { cause })
    this.name = 'NotConnectedError'
  }
}

/** The component was closed, or terminated on its own. */
export class ClosedError extends Error {
  constructor() {
    super('type was closed')
    this.name = 'ClosedError'
  }
}

/** Whether messages were rejected because the stream is stopping: those are neither acknowledged nor retried. */
export function isClosing(error: unknown): boolean {
  if (error instanceof PartialFailure) return [...error.failures.values()].some(isClosing)
  return error instanceof ClosedError
}

/** A component broke its contract, for example by too few outcomes; none of its messages counts as delivered. */
export class ContractError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ContractError'
  }
}

/** A configuration that a component cannot be created from. Its message is meant for the user. */
export class ConfigError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ConfigError'
  }
}

/** A component could not be created; the message names it. */
export class InitError extends ConfigError {
  /** The error of a component, by its configuration. An error that already names a component is returned unchanged. */
  static of({ kind, label, path }: Pick<ComponentConfig, 'kind' | 'label' | 'path'>, error: unknown): InitError {
    if (error instanceof InitError) return error
    const name = label === '' ? '<no label>' : `'${label}'`
    const text = `failed to init ${kind} ${name} path root.${reportedPath(path)}: ${messageOf(error)}`
    return new InitError(text, { cause: error })
  }

  private constructor(message: string, options: ErrorOptions) {
    super(message, options)
    this.name = 'InitError'
  }
}

/** An output owned by a composing component, including its queue, reconnection, batching and processors. */
export interface OutputHandle {
  /** Resolves when everything has arrived; rejects as `Output.write` does. Batches are written in call order. */
  write(batch: Batch): Promise<void>
  /** Delivers a run, as `Output.forwardRun` does. */
  forwardRun(run: readonly Message[], settle: AckSome): void
  /** Whether another batch would be accepted immediately. */
  readonly hasRoom: boolean
  /** Resolves when another batch would be accepted immediately. */
  room(): Promise<void>
  readonly connected: boolean
  close(): Promise<void>
}

/** An input owned by a composing component, including its reconnection, replays and processors. */
export interface InputHandle extends Ending {
  /** The next batch, or null once the source has ended and everything is acknowledged. */
  next(signal: AbortSignal): Promise<Delivery | null>
  readonly connected: boolean
  /** Stops reading; `next` then returns pending replays, followed by null. */
  stop(): void
  close(): Promise<void>
}

/** A list of processors run in sequence. */
export interface Chain {
  readonly processors: readonly Processor[]
  /** The results of one batch. */
  process(batch: Batch): MaybePromise<readonly Batch[]>
  /** Present if every processor has it, so that each message yields one message or none. */
  readonly processRun?: Processor['processRun']
  /** The results of each message as a batch by itself, at the index of the message. */
  processEach(messages: readonly Message[]): MaybePromise<readonly (readonly Batch[])[]>
  /** The results of a delivery. Its messages are settled as their results are, immediately if there are none. */
  deliver(delivery: Delivery): MaybePromise<readonly Delivery[]>
  readonly waits: boolean
  /** Whether any processor has effects. */
  readonly effects: boolean
  readonly length: number
  close(): Promise<void>
}

/** Components created while the stream runs, with everything inside them. */
export interface ComponentGroup {
  input(config: ComponentConfig): Promise<InputHandle>
  output(config: ComponentConfig): Promise<OutputHandle>
  /** Closes them. Also called if one could not be created. */
  close(): Promise<void>
}

/** The checked configuration of a component, with defaults, before the component is created. */
export interface ComponentConfig {
  readonly kind: ComponentKind
  readonly name: string
  readonly label: string
  /** `pipeline.processors.0`, without `root.`. */
  readonly path: string
  readonly config: unknown
  readonly spec: AnySpec
  /** As written, with its label and processors. */
  readonly written: Node
  /** The `mapping` beside a metrics exporter. */
  readonly mapping?: Mapping
  /** The `processors` beside an input or output. */
  readonly processors: readonly ComponentConfig[]
  /** An independent copy with its own mappings and their counters, for creating a second component. */
  fresh(): ComponentConfig
}

/** The environment of a component. */
export interface Resources {
  readonly label: string
  readonly path: string
  readonly name: string
  readonly log: Log
  /** Handles carry the component's label and path. */
  readonly metrics: Metrics
  readonly clock: Clock
  /** Access to the host, limited to what the component's spec declares and the stream is granted. */
  readonly host: ComponentHost
  /** Null if tracing is off. */
  readonly tracer: Tracer | null
  /** Absent if the host has no HTTP server. */
  readonly http: HttpHost | undefined
  /** Aborts when the stream must stop immediately. */
  readonly signal: AbortSignal
  /**
   * Waits for `ms` milliseconds. Throws {@link ClosedError} if the stream ends first: immediately if it is stopping and
   * the remaining time is too short. Processors let the error propagate, so that the messages are not acknowledged.
   */
  wait(ms: number): Promise<void>
  /** The environment of a part of the component whose series and logs have their own path, `path` below this one. */
  part(path: string): Resources
  /** Flags a message as failed in this component; the message continues. */
  fail(message: Message, error: unknown): Message
  /** Counts and logs an error that flags no message. */
  noteError(error: unknown): void
  chain(configs: readonly ComponentConfig[]): Promise<Chain>
  processor(config: ComponentConfig): Promise<Processor>
  input(config: ComponentConfig): Promise<InputHandle>
  output(config: ComponentConfig): Promise<OutputHandle>
  scanner(config: ComponentConfig): Promise<ScannerFactory>
  /** Collects messages into batches by a `batching` policy. */
  batcher(policy: BatchPolicy): Promise<Batcher>
  /**
   * Parses a component's configuration that arrives as YAML while the stream runs; its path is `path` below this
   * component's. Throws `ConfigError` or `YamlError`, also if the stream lacks a grant that it needs.
   */
  parse(kind: ComponentKind, text: string, path: string): Promise<ComponentConfig>
  /** A configuration as YAML, without secrets and default values. */
  show(config: ComponentConfig): string
  /** Creates components that end before the stream does. */
  group(): ComponentGroup
  /** Resources by label; throws `ConfigError` if there is none. */
  cache(label: string): CacheHandle
  rateLimit(label: string): RateLimit
  processorResource(label: string): Processor
  inputResource(label: string): InputHandle
  outputResource(label: string): OutputHandle
  hasResource(kind: ComponentKind, label: string): boolean
  /** State that the components of a running stream share by name: in-process pipes. */
  readonly shared: Map<string, unknown>
}

/** A `batching` block. */
export interface BatchPolicy {
  readonly count: number
  readonly byte_size: number
  readonly period: number | undefined
  readonly jitter: number
  readonly check: Check | null
  readonly processors: readonly ComponentConfig[] | undefined
}

interface Check {
  check(batch: readonly Message[], index: number): boolean
}

/** Collects deliveries until the policy completes the batch. */
export interface Batcher {
  /** Adds a delivery; returns the batches that this completes. */
  add(delivery: Delivery): MaybePromise<readonly Delivery[]>
  /** The pending messages, complete or not. `isDue`: whether they count as completed by the period, the default. */
  flush(options?: { readonly isDue: boolean }): MaybePromise<readonly Delivery[]>
  /** The milliseconds until the period ends, or undefined if none is running. */
  untilDue(): number | undefined
  readonly size: number
  close(): Promise<void>
}

interface SpecBase<F extends Field<unknown>> {
  /** As written in a configuration. */
  readonly name: string
  readonly status?: Status
  /** The version of the original that introduced it; ours if the original lacks it. */
  readonly version?: string
  readonly categories?: readonly string[]
  /** One sentence. */
  readonly summary: string
  /** Markdown, in our own words. */
  readonly description?: string
  readonly config: F
  readonly examples?: readonly ComponentExample[]
  /** npm packages loaded on connecting. */
  readonly requires?: readonly string[]
  /** Capabilities required whatever the configuration says; fields declare the others. */
  readonly needs?: readonly Capability[]
}

/** A configuration and, for processors, its effect on messages. Examples run as tests. */
interface ComponentExample {
  readonly title: string
  readonly summary?: string
  readonly config: string
  readonly input?: readonly string[]
  readonly output?: readonly string[]
}

type Create<F, R> = (config: F extends Field<infer T> ? T : never, resources: Resources) => MaybePromise<R>

interface Spec<K extends ComponentKind, F extends Field<unknown>, R> extends SpecBase<F> {
  readonly kind: K
  readonly create: Create<F, R>
}

interface InputOptions<C> {
  /**
   * Whether rejected batches are replayed, or a function of the config that decides. If absent, the config's
   * `auto_replay_nacks` decides; without that field there are no replays.
   */
  readonly replays?: boolean | ((config: C) => boolean)
  /** Whether it only combines other inputs. */
  readonly composes?: boolean
}

interface OutputOptions {
  /** Batches written concurrently, overriding `max_in_flight`. */
  readonly maxInFlight?: number
  /** Whether it only forwards to other outputs, which report their own failures. */
  readonly composes?: boolean
}

interface ProcessorOptions {
  /**
   * Whether `error_source_label`, `_path` and `_type` name this processor for its failures. As in the original, that
   * holds for processors that work on a whole batch; for others they are null.
   */
  readonly namesFailures?: boolean
  /** Whether it has no `processor_…` series; like the original, for processors that do no work of their own. */
  readonly unmeasured?: boolean
}

export type InputSpec<F extends Field<unknown>> = Spec<'input', F, Input> &
  InputOptions<F extends Field<infer T> ? T : never>
export type OutputSpec<F extends Field<unknown>> = Spec<'output', F, Output> & OutputOptions
export type ProcessorSpec<F extends Field<unknown>> = Spec<'processor', F, Processor> & ProcessorOptions
export type CacheSpec<F extends Field<unknown>> = Spec<'cache', F, Cache>
export type BufferSpec<F extends Field<unknown>> = Spec<'buffer', F, Buffer | null>
export type RateLimitSpec<F extends Field<unknown>> = Spec<'rate_limit', F, RateLimit>
export type ScannerSpec<F extends Field<unknown>> = Spec<'scanner', F, ScannerFactory>

/** The default export of `input.<name>.ts`. */
export function defineInput<const F extends Field<unknown>>(spec: Omit<InputSpec<F>, 'kind'>): InputSpec<F> {
  return { ...spec, kind: 'input' }
}

/** The default export of `output.<name>.ts`. */
export function defineOutput<const F extends Field<unknown>>(spec: Omit<OutputSpec<F>, 'kind'>): OutputSpec<F> {
  return { ...spec, kind: 'output' }
}

/** The default export of `processor.<name>.ts`. */
export function defineProcessor<const F extends Field<unknown>>(
  spec: Omit<ProcessorSpec<F>, 'kind'>,
): ProcessorSpec<F> {
  return { ...spec, kind: 'processor' }
}

/** The default export of `cache.<name>.ts`. */
export function defineCache<const F extends Field<unknown>>(spec: Omit<CacheSpec<F>, 'kind'>): CacheSpec<F> {
  return { ...spec, kind: 'cache' }
}

/** The default export of `buffer.<name>.ts`. */
export function defineBuffer<const F extends Field<unknown>>(spec: Omit<BufferSpec<F>, 'kind'>): BufferSpec<F> {
  return { ...spec, kind: 'buffer' }
}

/** The default export of `rate_limit.<name>.ts`. */
export function defineRateLimit<const F extends Field<unknown>>(
  spec: Omit<RateLimitSpec<F>, 'kind'>,
): RateLimitSpec<F> {
  return { ...spec, kind: 'rate_limit' }
}

/** The default export of `scanner.<name>.ts`. */
export function defineScanner<const F extends Field<unknown>>(spec: Omit<ScannerSpec<F>, 'kind'>): ScannerSpec<F> {
  return { ...spec, kind: 'scanner' }
}

/** A spec of unknown config type, as the registry holds it. */
export interface AnySpec {
  readonly kind: ComponentKind
  readonly name: string
  readonly status?: Status
  readonly version?: string
  readonly categories?: readonly string[]
  readonly summary: string
  readonly description?: string
  readonly config: Field<unknown>
  readonly examples?: readonly ComponentExample[]
  readonly requires?: readonly string[]
  readonly needs?: readonly Capability[]
  readonly replays?: boolean | ((config: never) => boolean)
  readonly maxInFlight?: number
  readonly composes?: boolean
  /** For a template: returns the configuration of the component that replaces it. */
  readonly expand?: (config: unknown) => Node
  /** Names of the components in the result of {@link expand}, for a spec that is not a user's template. */
  readonly expandsTo?: readonly string[]
  /** Absent if the component is known and checked but cannot run here. */
  readonly create?: (config: never, resources: never) => MaybePromise<unknown>
}
