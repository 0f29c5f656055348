import type { Capability, Clock, Log } from '../base/index.ts'
import type { Mapping } from '../bloblang/index.ts'
import { type Batch, PartialFailure } from './batch.ts'
import type { Node } from './config/node.ts'
import type { AckSome, Delivery } from './delivery.ts'
import type { Field } from './fields.ts'
import type { ComponentHost } from './host.ts'
import type { HttpHost } from './http-host.ts'
import type { Message, Metadata } from './message.ts'
import type { Metrics } from './metrics.ts'
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
 * A source of messages. The engine calls `connect` until it succeeds, then `read` one call at a time; it keeps what is not
 * acknowledged, replays what was refused, and backs off after errors.
 */
export interface Input {
  /** Throws where there is no connection; the engine tries again. */
  connect?(signal: AbortSignal): MaybePromise<void>
  /**
   * The next batch, or null at the end of the source. Throws {@link NotConnectedError} where the connection is lost, anything
   * else is logged and tried again. Returns null or throws soon after the signal aborts.
   */
  read(signal: AbortSignal): MaybePromise<Delivery | null>
  /** Releases everything. Called once, also when `connect` never succeeded. */
  close?(): MaybePromise<void>
  /** Of an input that reads others: whether those have ended, while it waits for the acknowledgement of what they delivered. */
  readonly ending?: Ending
}

/** Tells when a source has ended. */
export interface Ending {
  /** Whether nothing is still to come but replays. */
  readonly drained: boolean
  /** Calls `listener` when a source has ended: messages that wait to become a batch are delivered as they are. */
  onDrained(listener: () => void): void
  /** Whether refused messages wait to be delivered again, which are the next ones then. */
  readonly hasReplays: boolean
}

/**
 * A destination of messages. The engine calls `write` for up to `max_in_flight` batches at a time, in their order, and answers
 * whoever sent a batch by what came of it.
 */
export interface Output {
  /** Throws where there is no connection; the engine tries again. */
  connect?(signal: AbortSignal): MaybePromise<void>
  /**
   * Delivers one batch; when it returns or resolves, every message has arrived. Throws {@link NotConnectedError} to be connected
   * and called again, a `PartialFailure` where only some messages failed, any other error where all did.
   */
  write(batch: Batch, signal: AbortSignal): MaybePromise<void>
  /**
   * For outputs that gain from many messages at once: delivers messages that are each a batch of their own, so that each succeeds
   * or fails alone and interpolations see it alone. The outcome of every message stands at its place: null where it arrived. It
   * throws as `write` does where all failed; messages whose outcome is a {@link NotConnectedError} are written again. What waits
   * while `max_in_flight` calls are under way goes with the next one.
   */
  writeRun?(run: readonly Message[], signal: AbortSignal): MaybePromise<readonly (Error | null)[]>
  /**
   * For outputs that only hand messages on: the same for messages that are each a batch of their own, each of which is answered
   * as soon as its outcome is known. `settle` is called with those that share one, the very objects that are given here, until
   * each had one. Never throws.
   */
  forwardRun?(run: readonly Message[], settle: AckSome): void
  /** Releases everything. Called once, also when `connect` never succeeded. */
  close?(): MaybePromise<void>
}

/**
 * A step of a pipeline. It never throws for a message's sake: it flags the message (`Resources.fail`) and hands it on. An error
 * that is thrown refuses the whole batch.
 */
export interface Processor {
  /** What becomes of one batch: itself, several batches, or none, which acknowledges it. No batch is empty. */
  process(batch: Batch): MaybePromise<readonly Batch[]>
  /**
   * For processors that look at each message by itself, which most do by `perMessage`: the same for messages that are each a
   * batch of their own. What becomes of every message stands at its place: null where it is dropped.
   */
  processRun?: ((run: readonly Message[]) => MaybePromise<readonly (Message | null)[]>) | undefined
  close?(): MaybePromise<void>
  /**
   * Set where `process` may take time (network, sleep): then messages that are batches of their own come one by one, several at
   * a time, so that none waits for its neighbours.
   */
  readonly waits?: boolean
  /**
   * Set where the order of its work can be noticed from elsewhere (counters, logs, caches): where two such processors follow
   * each other, messages that are batches of their own go through both before the next one does.
   */
  readonly effects?: boolean
}

/** A store of keys and values with a time to live. */
export interface Cache {
  get(key: string): MaybePromise<Uint8Array | undefined>
  /** `ttlMs` is undefined where the cache's own default holds. */
  set(key: string, value: Uint8Array, ttlMs?: number): MaybePromise<void>
  /** Sets a key that must not exist; false where it does. */
  add(key: string, value: Uint8Array, ttlMs?: number): MaybePromise<boolean>
  delete(key: string): MaybePromise<void>
  close?(): MaybePromise<void>
}

export interface RateLimit {
  /** Takes one token: 0, or the milliseconds to wait before the next attempt. */
  access(): MaybePromise<number>
  close?(): MaybePromise<void>
}

/** Stands between inputs and the pipeline, and decides when the source is acknowledged. */
export interface Buffer {
  /** Takes a delivery; resolves when there is room for more. */
  push(delivery: Delivery, signal: AbortSignal): MaybePromise<void>
  /** The source ended: what is buffered is still delivered. */
  end(): void
  /** The next batch, or null when the source ended and everything was delivered and acknowledged. */
  next(signal: AbortSignal): Promise<Delivery | null>
  close?(): MaybePromise<void>
}

/** Bytes that arrive in pieces. */
export interface ByteSource {
  /** The next piece, or null at the end. The piece belongs to the caller. */
  read(): MaybePromise<Uint8Array | null>
  close(): MaybePromise<void>
  /** A file name or URL, where one is known. */
  readonly name: string
  /** The metadata of every message that is cut from it. */
  readonly metadata: Metadata
}

/** Cuts a source into messages. */
export interface ScannerFactory {
  scan(source: ByteSource): Scanner
}

export interface Scanner {
  /** Whether the messages of each call are one batch; else each is a batch of its own. */
  readonly makesBatches?: true
  /** The next messages, or null at the end. Throws where the source cannot be cut; what came before was delivered. */
  next(): MaybePromise<readonly Message[] | null>
  close(): MaybePromise<void>
}

/** The connection to a source or destination is gone; the engine makes a new one. */
export class NotConnectedError extends Error {
  constructor(cause?: unknown) {
    super('not connected to target source or sink', { cause })
    this.name = 'NotConnectedError'
  }
}

/** The component was closed, or ended by itself. */
export class ClosedError extends Error {
  constructor() {
    super('type was closed')
    this.name = 'ClosedError'
  }
}

/** Whether messages were refused because the stream ends: then they are neither acknowledged nor tried again. */
export function isClosing(error: unknown): boolean {
  if (error instanceof PartialFailure) return [...error.failures.values()].some(isClosing)
  return error instanceof ClosedError
}

/** A component broke its contract, as by an outcome too few; nothing that it was given counts as delivered. */
export class ContractError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ContractError'
  }
}

/** A configuration that no component can be made of. Its text is for the user. */
export class ConfigError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ConfigError'
  }
}

/** An output that a composing component feeds: queueing, connecting, batching and its processors are inside. */
export interface OutputHandle {
  /** Resolves when everything arrived; rejects as `Output.write` does. Batches are written in the order of the calls. */
  write(batch: Batch): Promise<void>
  /** The same for messages that are each a batch of their own, as `Output.forwardRun` does it. */
  forwardRun(run: readonly Message[], settle: AckSome): void
  /** Whether a further batch would be taken up at once. */
  readonly hasRoom: boolean
  /** Resolves when a further batch would be taken up at once. */
  room(): Promise<void>
  readonly connected: boolean
  close(): Promise<void>
}

/** An input that a composing component reads: connecting, replays and its processors are inside. */
export interface InputHandle extends Ending {
  /** The next batch, or null when the source ended and everything was acknowledged. */
  next(signal: AbortSignal): Promise<Delivery | null>
  readonly connected: boolean
  /** Stops reading; `next` yields what is to be replayed and then null. */
  stop(): void
  close(): Promise<void>
}

/** A list of processors, run one after the other. */
export interface Chain {
  readonly processors: readonly Processor[]
  /** What becomes of one batch. */
  process(batch: Batch): MaybePromise<readonly Batch[]>
  /** Present where every processor has one, so that each message becomes one message or none. */
  readonly processRun?: Processor['processRun']
  /** What becomes of each of some messages as a batch of its own, at its place. */
  processEach(messages: readonly Message[]): MaybePromise<readonly (readonly Batch[])[]>
  /** What becomes of a delivery. It is answered for its messages as the results are, at once where there is none. */
  deliver(delivery: Delivery): MaybePromise<readonly Delivery[]>
  readonly waits: boolean
  /** Whether any of them has effects. */
  readonly effects: boolean
  readonly length: number
  close(): Promise<void>
}

/** Components that were made while the stream runs, and everything inside of them. */
export interface ComponentGroup {
  input(config: ComponentConfig): Promise<InputHandle>
  output(config: ComponentConfig): Promise<OutputHandle>
  /** Closes them. Called where one could not be made, too. */
  close(): Promise<void>
}

/** What was written for a component, checked and with its defaults, before it is made. */
export interface ComponentConfig {
  readonly kind: ComponentKind
  readonly name: string
  readonly label: string
  /** `pipeline.processors.0`, without `root.`. */
  readonly path: string
  readonly config: unknown
  readonly spec: AnySpec
  /** As it was written, with its label and processors. */
  readonly written: Node
  /** The `mapping` beside a metrics exporter. */
  readonly mapping?: Mapping
  /** The `processors` beside an input or output. */
  readonly processors: readonly ComponentConfig[]
  /** The same once more, with mappings (and their counters) of its own: for copies. */
  fresh(): ComponentConfig
}

/** What a component gets to live with. */
export interface Resources {
  readonly label: string
  readonly path: string
  readonly name: string
  readonly log: Log
  /** Handles carry the component's label and path. */
  readonly metrics: Metrics
  readonly clock: Clock
  /** The outside: what the component's spec declares that it needs, and the stream is granted. */
  readonly host: ComponentHost
  /** Null where nothing is traced. */
  readonly tracer: Tracer | null
  /** Absent where the host has no HTTP server. */
  readonly http: HttpHost | undefined
  /** Aborts when the stream has to end immediately. */
  readonly signal: AbortSignal
  /**
   * Waits for `ms` milliseconds. Throws {@link ClosedError} where the stream ends before that: immediately when it has to end
   * and the time that it has left is too short. Processors let the error through, so that the messages are not acknowledged.
   */
  wait(ms: number): Promise<void>
  /** Flags a message as failed here; the message goes on. */
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
   * A component's configuration that arrives while the stream runs, as YAML; its path is `path` below this component's. Throws
   * `ConfigError` or `YamlError`, also for what the stream is not granted.
   */
  parse(kind: ComponentKind, text: string, path: string): Promise<ComponentConfig>
  /** A configuration as YAML, without secrets and without what is there by default. */
  show(config: ComponentConfig): string
  /** Makes components that end before the stream does. */
  group(): ComponentGroup
  /** Resources by label; throws `ConfigError` where there is none. */
  cache(label: string): Cache
  rateLimit(label: string): RateLimit
  processorResource(label: string): Processor
  inputResource(label: string): InputHandle
  outputResource(label: string): OutputHandle
  hasResource(kind: ComponentKind, label: string): boolean
  /** What a running stream shares between its components by name: in-process pipes. */
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

/** Collects deliveries until its policy says that the batch is complete. */
export interface Batcher {
  /** Adds a delivery; the batches that are complete with it. */
  add(delivery: Delivery): MaybePromise<readonly Delivery[]>
  /** What is pending, complete or not. */
  flush(): MaybePromise<readonly Delivery[]>
  /** The milliseconds until the period ends, or undefined where none runs. */
  untilDue(): number | undefined
  readonly size: number
  close(): Promise<void>
}

interface SpecBase<F extends Field<unknown>> {
  /** As written in a configuration. */
  readonly name: string
  readonly status?: Status
  /** Since which version of the original; of ours where it has none. */
  readonly version?: string
  readonly categories?: readonly string[]
  /** One sentence. */
  readonly summary: string
  /** Markdown, in our own words. */
  readonly description?: string
  readonly config: F
  readonly examples?: readonly ComponentExample[]
  /** npm packages that it loads when it connects. */
  readonly requires?: readonly string[]
  /** What it reaches outside of the stream, whatever its configuration says; fields declare the rest. */
  readonly needs?: readonly Capability[]
}

/** A piece of configuration and, for processors, what it makes of messages. Examples run as tests. */
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
   * Whether refused batches are replayed, or what its config says about that; where it is not said, `auto_replay_nacks` of
   * its config decides, or it does not replay.
   */
  readonly replays?: boolean | ((config: C) => boolean)
  /** Whether it only combines other inputs. */
  readonly composes?: boolean
}

interface OutputOptions {
  /** Batches written at a time, whatever `max_in_flight` says. */
  readonly maxInFlight?: number
  /** Whether it only hands on to other outputs, which report their failures themselves. */
  readonly composes?: boolean
}

interface ProcessorOptions {
  /**
   * Whether `error_source_label`, `_path` and `_type` tell of its failures. As in the original that is so for the processors that
   * work on a whole batch; for others they are null.
   */
  readonly namesFailures?: boolean
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

/** A spec whose config type is not known: what the registry holds. */
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
  /** For a template: the configuration of the component that replaces it. */
  readonly expand?: (config: unknown) => Node
  /** The names of the components in what {@link expand} returns, of a spec that is not a user's template. */
  readonly expandsTo?: readonly string[]
  /** Absent: the component is known and checked, and cannot run here. */
  readonly create?: (config: never, resources: never) => MaybePromise<unknown>
}
