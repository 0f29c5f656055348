import { Buffer } from 'node:buffer'
import { type Clock, type Log, unreachable } from '../../base/index.ts'
import {
  compileInterpolation,
  compileMapping,
  type Host,
  type Importer,
  type Interpolation,
} from '../../bloblang/index.ts'
import { type Buffer as StreamBuffer, type ComponentConfig, ConfigError } from '../component.ts'
import { namesIn } from '../config/config.ts'
import { configFields } from '../config/core-fields.ts'
import { type Node, nodeOf, parseYaml, resolved } from '../config/node.ts'
import { type ParseContext, parseFields } from '../config/parse.ts'
import type { Infer } from '../fields.ts'
import type { ComponentHost } from '../host.ts'
import type { HttpHost } from '../http-host.ts'
import { type Metrics, MetricsStore, nullMetrics } from '../metrics.ts'
import type { Registry } from '../registry.ts'
import { pause } from './backoff.ts'
import { AdaptiveChain } from '../threads/adaptive-chain.ts'
import { type ChainThread, ChainThreads } from '../threads/chain-threads.ts'
import { isMovable } from '../threads/movable.ts'
import type { ErrorStrategy, ProcessorChain } from './chain.ts'
import { MappingCaches } from './mapping-caches.ts'
import { failureLog } from './failure-log.ts'
import { Manager, type ProcessedInput } from './manager.ts'
import type { InputLayer } from './input-layer.ts'
import type { OutputLayer } from './output-layer.ts'
import { type PipelineChain, runPipeline, type Source } from './pipeline.ts'
import type { Tracer } from '../tracer.ts'
import type { SharedResources } from './shared-resources.ts'
import { Shutdown } from './shutdown.ts'

/** A whole configuration, parsed. */
export type StreamConfig = Infer<typeof configFields>

/** The environment of a stream, chosen by the host program. */
export interface StreamOptions {
  readonly registry: Registry
  readonly host: ComponentHost
  readonly clock: Clock
  readonly log: Log
  /** Resolves imports of mappings; if absent, they are refused. */
  readonly importer?: Importer
  /** Where components register HTTP endpoints; absent if they cannot. */
  readonly http?: HttpHost
  /** Where series are kept; if absent, in a store private to the stream. */
  readonly metrics?: Metrics
  /** Absent if tracing is off. */
  readonly tracer?: Tracer | null
  /** Resources shared with other streams; absent if the stream has only its own. */
  readonly resources?: SharedResources
  /** Starts a thread for the processors of a configuration; if absent, they always run in this thread. */
  readonly startChainThread?: (config: Node) => ChainThread
  /** Number of CPUs, for `pipeline.threads: -1`. */
  readonly parallelism?: number
  /** Rejects mappings that access anything outside themselves. */
  readonly pureOnly?: boolean
}

/** Whether input and output are connected, and the state of reading. */
export interface StreamStatus {
  readonly inputConnected: boolean
  readonly outputConnected: boolean
  /** Failed reads of the input while it was connected. */
  readonly readErrors: number
}

/** A running stream. */
export interface Stream {
  /** Resolves when the input has ended and all is delivered, or when the stream was stopped; rejects if it failed. */
  readonly done: Promise<void>
  readonly status: StreamStatus
  readonly config: StreamConfig
  /** Stops reading, delivers messages in flight, and closes; work that exceeds the time limit is abandoned. */
  stop(timeoutMs?: number): Promise<void>
}

/** Parses a configuration that was read. Throws {@link ConfigError}. */
export function parseStream(node: Node, options: ParseOptions): StreamConfig {
  return parseFields(parseContext(options), configFields, node, '')
}

/** What parsing any part of a configuration requires. */
type ParseOptions = Pick<StreamOptions, 'registry' | 'importer' | 'pureOnly'> & { readonly host: Host }

/** The context for parsing any part of a configuration. */
export function parseContext(options: ParseOptions): ParseContext {
  const { refusal } = options.host
  const compileOptions = {
    host: options.host,
    ...(options.importer === undefined ? {} : { importer: options.importer }),
    ...(options.pureOnly === undefined ? {} : { pureOnly: options.pureOnly }),
  }
  return {
    registry: options.registry,
    ...(refusal === undefined ? {} : { refusal }),
    compileMapping(text) {
      const { mapping, diagnostics } = compileMapping(text, compileOptions)
      if (mapping === undefined) throw new ConfigError(`failed to parse bloblang mapping: ${diagnostics[0]!.text}`)
      return mapping
    },
    compileInterpolation(text) {
      if (!text.includes('${')) return constantText(text)
      const { interpolation, diagnostics } = compileInterpolation(text, compileOptions)
      if (interpolation === undefined) {
        throw new ConfigError(`failed to parse interpolated field: ${diagnostics[0]!.text}`)
      }
      return interpolation
    },
  }
}

/** Most interpolated fields contain no query, so their text needs no compiler. */
function constantText(text: string): Interpolation {
  const bytes = Buffer.from(text, 'utf8')
  return { static: text, eval: () => text, evalBytes: () => bytes, reads: [] }
}

/**
 * Parses the text of a configuration and loads the components it names. Lint it first: this throws only if the text
 * cannot be read at all.
 */
export async function loadConfig(text: string, registry: Registry): Promise<Node> {
  const node = parseYaml(text)
  await registry.load(namesIn(node))
  return node.kind === 'map' ? node : nodeOf({})
}

/**
 * Creates and starts the stream of a configuration: its text, with environment variables already substituted, or its
 * tree. Throws {@link ConfigError} if a component cannot be created, after closing those already created.
 */
export async function startStream(config: string | Node, options: StreamOptions): Promise<Stream> {
  const node = typeof config === 'string' ? await loadConfig(config, options.registry) : config
  // Mappings are compiled before the caches that they use at run time exist.
  const caches = new MappingCaches()
  const cache = (label: string) => caches.access(label)
  const host = Object.create(options.host, { cache: { value: cache } }) as ComponentHost // inherits from one
  const own = { ...options, host }
  return await RunningStream.start(parseStream(node, own), node, own, caches)
}

interface Parts {
  readonly input: InputLayer | ProcessedInput
  readonly output: OutputLayer
  readonly buffer: StreamBuffer | null
  readonly chain: PipelineChain
}

class RunningStream implements Stream {
  readonly config: StreamConfig
  readonly done: Promise<void>
  readonly #manager: Manager
  readonly #input: InputLayer | ProcessedInput
  readonly #output: OutputLayer
  readonly #buffer: StreamBuffer | null
  readonly #chain: PipelineChain
  readonly #soft = new AbortController()
  readonly #shutdown: Shutdown

  private constructor(
    config: StreamConfig,
    options: StreamOptions,
    manager: Manager,
    shutdown: Shutdown,
    parts: Parts,
    run: (source: Source, signal: AbortSignal) => Promise<void>,
  ) {
    this.config = config
    this.#manager = manager
    this.#shutdown = shutdown
    this.#input = parts.input
    this.#output = parts.output
    this.#buffer = parts.buffer
    this.#chain = parts.chain
    this.done = this.#run(run, options)
    // Owners learn of the end through `done`, but may not be listening yet.
    this.done.catch(() => undefined)
  }

  static async start(
    config: StreamConfig,
    node: Node,
    options: StreamOptions,
    caches: MappingCaches,
  ): Promise<RunningStream> {
    const shutdown = new Shutdown(options.clock)
    const strategy = effectiveStrategy(config, node, options.log)
    const manager = new Manager(
      {
        log: options.log,
        metrics: options.metrics ?? new MetricsStore().metrics,
        clock: options.clock,
        host: options.host,
        http: options.http,
        shutdown,
        strategy,
        logAllErrors: config.logger.log_all_errors,
        failureLog: failureLog(config.error_handling.log, () => options.host.random()),
        shared: options.resources === undefined ? new Map() : options.resources.sharedOf(),
        parsing: parseContext(options),
        tracer: options.tracer ?? null,
      },
      resourcesOf(config),
      { parent: options.resources?.manager },
    )
    caches.manager = manager
    let chain: PipelineChain | undefined
    try {
      await manager.open()
      const input = await manager.input(config.input)
      const buffer = await manager.buffer(config.buffer)
      const inLine = await manager.chain(config.pipeline.processors)
      const processors = strategy === 'none' ? adaptive(inLine, config, node, options) : inLine
      chain = processors
      const output = await manager.output(config.output)
      const threads = config.pipeline.threads < 1 ? (options.parallelism ?? 1) : config.pipeline.threads
      const loop = {
        threads,
        strategy,
        log: options.log,
        random: () => options.host.random(),
        monotonic: () => options.clock.monotonic(),
      }
      const run = (source: Source, signal: AbortSignal) => runPipeline(source, processors, output, loop, signal)
      return new RunningStream(config, options, manager, shutdown, { input, output, buffer, chain }, run)
    } catch (error) {
      await chain?.close()
      await manager.close()
      throw error
    }
  }

  get status(): StreamStatus {
    const { connected, readErrors } = this.#input
    return { inputConnected: connected, outputConnected: this.#output.connected, readErrors }
  }

  async stop(timeoutMs = 20_000): Promise<void> {
    const graceMs = timeoutMs * 0.75
    this.#soft.abort()
    // A buffer hands out rejected messages again, so they may wait as long as possible.
    if (this.#buffer === null) this.#shutdown.begin(graceMs)
    const finished = this.done.then(
      () => true,
      () => true,
    )
    // Keeps the remaining timers from keeping the program alive.
    const over = new AbortController()
    try {
      const graceful = await Promise.race([finished, pause(graceMs, over.signal).then(() => false)])
      if (graceful) return
      this.#shutdown.abort()
      await Promise.race([Promise.all([finished, this.#close()]), pause(timeoutMs * 0.25, over.signal)])
    } finally {
      over.abort()
    }
  }

  async #run(run: (source: Source, signal: AbortSignal) => Promise<void>, options: StreamOptions): Promise<void> {
    try {
      if (this.#buffer === null) {
        await run(this.#input, this.#soft.signal)
      } else {
        const buffer = this.#buffer
        const fill = this.#fill(buffer)
        await run(buffer, this.#shutdown.signal)
        await fill
      }
      await this.#output.flush()
    } finally {
      await this.#close()
      options.log.debug('Stream closed')
    }
  }

  /** Moves batches from the input to the buffer until the input ends. */
  async #fill(buffer: StreamBuffer): Promise<void> {
    try {
      for (;;) {
        const delivery = await this.#input.next(this.#soft.signal)
        if (delivery === null) return
        await buffer.push(delivery, this.#shutdown.signal)
      }
    } finally {
      buffer.end()
    }
  }

  async #close(): Promise<void> {
    await this.#input.close()
    await this.#chain.close()
    await this.#output.close()
    await this.#buffer?.close?.()
    await this.#manager.close()
  }
}

/**
 * Wraps the chain so that it can move to threads, if the configuration asks for them and the processors can be copied.
 */
function adaptive(chain: ProcessorChain, config: StreamConfig, node: Node, options: StreamOptions): PipelineChain {
  const { startChainThread } = options
  const { threads: count } = config.pipeline
  if (count < 2 || startChainThread === undefined || chain.waits || !isMovable(node)) return chain
  // Spans do not cross threads.
  if (options.tracer !== undefined && options.tracer !== null) return chain
  const names = ['pipeline', 'logger', 'error_handling']
  const part = { ...node, entries: node.entries.filter(({ key }) => names.includes(key.value)) }
  const threads = {
    // The thread of the stream is one of them.
    count: count - 1,
    start: () => startChainThread(part),
    log: options.log,
    metrics: options.metrics ?? nullMetrics,
  }
  return new AdaptiveChain(
    chain,
    () => new ChainThreads(threads),
    () => options.clock.monotonic(),
  )
}

/** The labelled resources of a configuration. */
export function resourcesOf(config: StreamConfig): readonly ComponentConfig[] {
  const named = (field: string, configs: readonly ComponentConfig[]) =>
    configs.map(resource => ({ ...resource, path: resource.path.replace(/^(\w+)\.\d+$/, field) }))
  return [
    ...named('input_resources', config.input_resources),
    ...named('processor_resources', config.processor_resources),
    ...named('output_resources', config.output_resources),
    ...named('cache_resources', config.cache_resources),
    ...named('rate_limit_resources', config.rate_limit_resources),
  ]
}

/** The strategy for failed messages; it is disabled if the configuration handles errors itself. */
export function effectiveStrategy(config: StreamConfig, node: Node, log: Log): ErrorStrategy {
  const strategy = config.error_handling.strategy.toLowerCase() as ErrorStrategy // one of the options of the field
  switch (strategy) {
    case 'none':
      return 'none'
    case 'reject':
    case 'retry':
      if (!handlesErrors(node)) return strategy
      log.warn(`Error handling strategy '${strategy}' is disabled, as the configuration handles errors itself`)
      return 'none'
    default:
      return unreachable(strategy)
  }
}

function handlesErrors(node: Node): boolean {
  const own = resolved(node)
  if (own.kind === 'scalar') return /\berrored\(\)|\berror\(\)|\.catch\(/.test(own.value)
  for (const { key, value } of own.entries) {
    if (['try', 'catch', 'retry', 'reject_errored'].includes(key.value) || handlesErrors(value)) return true
  }
  return own.items.some(handlesErrors)
}
