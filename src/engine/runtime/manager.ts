import { type Clock, type Log, messageOf } from '../../base/index.ts'
import type { Mapping } from '../../bloblang/index.ts'
import {
  type Batcher,
  type BatchPolicy,
  type Buffer,
  type Cache,
  type CacheHandle,
  type ComponentConfig,
  type ComponentGroup,
  type ComponentKind,
  ConfigError,
  InitError,
  type Input,
  type InputHandle,
  type Output,
  type OutputHandle,
  type Processor,
  type RateLimit,
  type Resources,
  type ScannerFactory,
} from '../component.ts'
import { namesIn } from '../config/config.ts'
import { unsupportedText } from '../config/lint.ts'
import { parseYaml } from '../config/node.ts'
import { normalisedComponent } from '../config/normalise.ts'
import { type ParseContext, parseComponent } from '../config/parse.ts'
import { printYaml } from '../config/print.ts'
import type { Delivery } from '../delivery.ts'
import type { ComponentHost } from '../host.ts'
import type { HttpHost } from '../http-host.ts'
import { declaredHost } from '../needs.ts'
import type { Message } from '../message.ts'
import { type Metrics, nullMetrics } from '../metrics.ts'
import { tracedDelivery, tracedOutput, tracedProcessor, type Tracer } from '../tracer.ts'
import { PolicyBatcher } from './batcher.ts'
import { type ErrorStrategy, logFailure, ObservedProcessor, ProcessorChain } from './chain.ts'
import type { FailureLog } from './failure-log.ts'
import { InputLayer } from './input-layer.ts'
import { ObservedBuffer, ObservedCache, ObservedRateLimit } from './observed.ts'
import { OutputLayer } from './output-layer.ts'
import { reportedPath } from './reported-path.ts'
import type { Shutdown } from './shutdown.ts'
import { processDelivery, separated } from './tracker.ts'

/** What all components of a stream share. */
export interface Surroundings {
  readonly log: Log
  readonly metrics: Metrics
  readonly clock: Clock
  readonly host: ComponentHost
  readonly http: HttpHost | undefined
  readonly shutdown: Shutdown
  readonly strategy: ErrorStrategy
  readonly logAllErrors: boolean
  /** Logs messages that a processor flags; null unless the configuration enables it. */
  readonly failureLog: FailureLog | null
  readonly shared: Map<string, unknown>
  /** Parses configurations that arrive while the stream runs. */
  readonly parsing: ParseContext
  /** Null if tracing is off. */
  readonly tracer: Tracer | null
}

type ResourceKind = 'input' | 'output' | 'processor' | 'cache' | 'rate_limit'

interface Instances {
  readonly input: Map<string, InputLayer>
  readonly output: Map<string, OutputLayer>
  readonly processor: Map<string, Processor>
  readonly cache: Map<string, ObservedCache>
  readonly rate_limit: Map<string, RateLimit>
}

/** Creates components, keeps the labelled ones for others to refer to, and closes everything it created. */
export class Manager {
  readonly #surroundings: Surroundings
  readonly #configs: Readonly<Record<ResourceKind, Map<string, ComponentConfig>>>
  readonly #instances: Instances = {
    input: new Map(),
    output: new Map(),
    processor: new Map(),
    cache: new Map(),
    rate_limit: new Map(),
  }
  readonly #opening = new Map<string, Promise<void>>()
  readonly #layers: (InputLayer | OutputLayer)[] = []
  /** Holds the resources shared by all streams; absent for a single stream and for such a parent itself. */
  readonly #parent: Manager | undefined
  /** Whether this is such a parent. Its outputs never see the end of all inputs, because streams come and go. */
  readonly #isParent: boolean
  /** The stream that this part belongs to; the part shares its resources and ends before it. */
  readonly #whole: Manager | undefined
  readonly #parts = new Set<Manager>()

  constructor(
    surroundings: Surroundings,
    resources: readonly ComponentConfig[],
    family: { readonly parent?: Manager | undefined; readonly isParent?: boolean; readonly whole?: Manager } = {},
  ) {
    this.#surroundings = surroundings
    this.#parent = family.whole ?? family.parent
    this.#whole = family.whole
    this.#isParent = family.isParent === true
    const configs = {
      input: new Map(),
      output: new Map(),
      processor: new Map(),
      cache: new Map(),
      rate_limit: new Map(),
    }
    for (const config of resources) {
      // The configuration lists resources by kind.
      const byLabel: Map<string, ComponentConfig> = configs[config.kind as ResourceKind]
      if (byLabel.has(config.label)) {
        throw new ConfigError(`label '${config.label}' collides with a previously defined resource`)
      }
      byLabel.set(config.label, config)
    }
    this.#configs = configs
  }

  /** Creates every labelled resource. */
  async open(): Promise<void> {
    for (const kind of ['rate_limit', 'cache', 'processor', 'input', 'output'] as const) {
      for (const label of this.#configs[kind].keys()) await this.#openResource(kind, label)
    }
  }

  /** Adds a resource, or replaces the one with the same label; users of the old one continue with the new one. */
  async store(config: ComponentConfig): Promise<void> {
    const kind = config.kind as ResourceKind // only resources are stored
    const instances: Map<string, { close?(): unknown }> = this.#instances[kind]
    const previous = instances.get(config.label)
    await this.#make(kind, config)
    this.#configs[kind].set(config.label, config)
    this.#opening.set(`${kind}/${config.label}`, Promise.resolve())
    await previous?.close?.()
  }

  async close(): Promise<void> {
    for (const part of this.#parts) await part.close()
    for (const layer of this.#layers.toReversed()) await layer.close()
    for (const processor of this.#instances.processor.values()) await processor.close?.()
    for (const cache of this.#instances.cache.values()) await cache.close()
    for (const limit of this.#instances.rate_limit.values()) await limit.close?.()
  }

  /** Every layer with a connection, for readiness. */
  get layers(): readonly (InputLayer | OutputLayer)[] {
    return this.#layers
  }

  async input(config: ComponentConfig): Promise<InputLayer | ProcessedInput> {
    const resources = this.resources(config)
    const input = await this.#create<Input>(config, resources)
    // An input with this field has a mapping in it.
    const settings = config.config as { extract_tracing_map?: Mapping | null } | null
    const { tracer } = this.#surroundings
    const layer = new InputLayer(input, {
      name: config.name,
      log: resources.log,
      metrics: resources.metrics,
      random: () => this.#surroundings.host.random(),
      monotonic: () => this.#surroundings.clock.monotonic(),
      replays: replaysOf(config),
      composes: config.spec.composes === true,
      traced:
        tracer === null || config.spec.composes === true
          ? null
          : delivery => tracedDelivery(tracer, config.name, delivery, settings?.extract_tracing_map ?? null),
    })
    this.#layers.push(layer)
    layer.onDrained(() => this.#drain())
    if (config.processors.length === 0) return layer
    return new ProcessedInput(layer, await this.chain(config.processors))
  }

  async output(config: ComponentConfig): Promise<OutputLayer> {
    const resources = this.resources(config)
    const made = await this.#create<Output>(config, resources)
    // Outputs get fields with these names from the engine's builders.
    const settings = (config.config ?? {}) as {
      max_in_flight?: number
      batching?: BatchPolicy
      inject_tracing_map?: Mapping | null
    }
    const { tracer } = this.#surroundings
    const output =
      tracer === null || config.spec.composes === true
        ? made
        : tracedOutput(made, config.name, tracer, settings.inject_tracing_map ?? null)
    const { batching, max_in_flight: maxInFlight = 1 } = settings
    if (maxInFlight < 1 && config.spec.composes !== true)
      throw new ConfigError(`invalid maxInFlight parameter: ${maxInFlight}`)
    const layer = new OutputLayer(output, {
      name: config.name,
      log: resources.log,
      metrics: resources.metrics,
      random: () => this.#surroundings.host.random(),
      monotonic: () => this.#surroundings.clock.monotonic(),
      maxInFlight: config.spec.maxInFlight ?? maxInFlight,
      processors: await this.chain(config.processors),
      batcher: batching !== undefined && isActive(batching) ? await resources.batcher(batching) : undefined,
      quiet: config.spec.composes === true || config.name === 'reject',
      composes: config.spec.composes === true,
      isDraining: () => this.#isDraining(),
      onFull: () => this.#eachOutput(each => each.flushStarved()),
    })
    this.#layers.push(layer)
    layer.start()
    return layer
  }

  async buffer(config: ComponentConfig): Promise<Buffer | null> {
    const resources = this.resources(config)
    const buffer = await this.#create<Buffer | null>(config, resources)
    return buffer && new ObservedBuffer(buffer, resources.metrics, () => this.#surroundings.clock.monotonic())
  }

  async chain(configs: readonly ComponentConfig[]): Promise<ProcessorChain> {
    const processors: Processor[] = []
    for (const config of configs) processors.push(await this.processor(config))
    return new ProcessorChain(processors)
  }

  async processor(config: ComponentConfig): Promise<Processor> {
    const resources = this.resources(config)
    const made = await this.#create<Processor>(config, resources)
    const { clock, strategy, tracer } = this.#surroundings
    const processor = tracer === null ? made : tracedProcessor(made, config.name, tracer)
    const metrics = isMeasured(config) ? resources.metrics : nullMetrics
    return new ObservedProcessor(processor, metrics, () => clock.monotonic(), strategy)
  }

  /** An existing processor by its label. */
  processorNamed(label: string): Processor | undefined {
    return this.#instances.processor.get(label)
  }

  /** A cache by its label, or undefined if there is none. */
  cacheNamed(label: string): Cache | undefined {
    return this.#instances.cache.get(label) ?? this.#parent?.cacheNamed(label)
  }

  /** The environment of one component. */
  resources(config: ComponentConfig): Resources {
    const { log, metrics, clock, host, http, shutdown, shared, logAllErrors, failureLog, tracer } = this.#surroundings
    const path = reportedPath(config.path)
    const componentLog = log.with({ label: config.label, path: `root.${path}` })
    const componentMetrics = metrics.with({ label: config.label, path: `root.${path}` })
    const hasSource = 'namesFailures' in config.spec && config.spec.namesFailures === true
    const source = hasSource
      ? { sourceLabel: config.label, sourcePath: path, sourceType: config.name }
      : { sourceLabel: null, sourcePath: null, sourceType: null }
    const errors = isMeasured(config) ? componentMetrics.counter('processor_error') : undefined
    const noteError = (error: unknown) => {
      errors?.add(1)
      logFailure(componentLog, messageOf(error), logAllErrors)
    }
    return {
      label: config.label,
      path: config.path,
      name: config.name,
      log: componentLog,
      metrics: componentMetrics,
      clock,
      host: declaredHost(host, config.spec),
      http,
      tracer,
      signal: shutdown.signal,
      wait: ms => shutdown.wait(ms),
      shared,
      noteError,
      fail: (message: Message, error: unknown) => {
        noteError(error)
        failureLog?.(componentLog, config.name, message, messageOf(error))
        return message.withError({ message: messageOf(error), ...source })
      },
      part: part => this.resources({ ...config, path: `${config.path}.${part}` }),
      chain: configs => this.chain(configs),
      processor: child => this.processor(child),
      input: child => this.input(child),
      output: child => this.output(child),
      scanner: child => this.#create<ScannerFactory>(child, this.resources(child)),
      batcher: policy => this.#batcher(policy, config),
      parse: (kind, text, path) => this.#parse(kind, text, `${config.path}.${path}`),
      show: child => printYaml(normalisedComponent(this.#surroundings.parsing.registry, child.kind, child.written)),
      group: () => this.#group(),
      cache: label => this.#cache(label),
      rateLimit: label => this.#rateLimit(label),
      processorResource: label => this.#processorResource(label),
      inputResource: label => this.#inputResource(label),
      outputResource: label => this.#outputResource(label),
      hasResource: (kind, label) => this.#has(kind as ResourceKind, label), // other kinds have none
    }
  }

  #has(kind: ResourceKind, label: string): boolean {
    if (this.#configs[kind]?.has(label)) return true
    return this.#parent !== undefined && this.#parent.#has(kind, label)
  }

  /** Whether every input has ended, after which no output holds back an incomplete batch. */
  #isDraining(): boolean {
    if (this.#whole !== undefined) return this.#whole.#isDraining()
    return !this.#isParent && !this.#hasOpenInput()
  }

  #hasOpenInput(): boolean {
    if (this.#layers.some(layer => layer instanceof InputLayer && layer.isOpen)) return true
    return [...this.#parts].some(part => part.#hasOpenInput())
  }

  #drain(): void {
    if (this.#whole !== undefined) return this.#whole.#drain()
    if (!this.#isDraining()) return
    this.#eachOutput(output => output.flushSoon())
    // Messages of the stream may be in an incomplete batch of a shared output.
    if (this.#parent !== undefined) this.#parent.#eachOutput(output => output.flushSoon())
  }

  #eachOutput(act: (output: OutputLayer) => void): void {
    for (const layer of this.#layers) if (layer instanceof OutputLayer) act(layer)
    for (const part of this.#parts) part.#eachOutput(act)
  }

  async #parse(kind: ComponentKind, text: string, path: string): Promise<ComponentConfig> {
    const node = parseYaml(text)
    const { parsing } = this.#surroundings
    await parsing.registry.load(namesIn(node))
    return parseComponent(parsing, kind, node, path)
  }

  #group(): ComponentGroup {
    const part = new Manager(this.#surroundings, [], { whole: this })
    this.#parts.add(part)
    return {
      input: config => part.input(config),
      output: config => part.output(config),
      close: async () => {
        this.#parts.delete(part)
        part.#eachOutput(output => output.abandon())
        await part.close()
      },
    }
  }

  async #create<T>(config: ComponentConfig, resources: Resources): Promise<T> {
    try {
      if (config.spec.create === undefined) throw new ConfigError(unsupportedText(config.kind, config.name))
      // The config was parsed by the fields of its own spec.
      return (await config.spec.create(config.config as never, resources as never)) as T
    } catch (error) {
      throw InitError.of(config, error)
    }
  }

  async #batcher(policy: BatchPolicy, { label, path }: ComponentConfig): Promise<Batcher> {
    if (!isLimited(policy)) throw new ConfigError('batch policy must have at least one active trigger')
    const { clock, host } = this.#surroundings
    const place = { label, path: `root.${reportedPath(path)}.batching` }
    const [log, metrics] = [this.#surroundings.log.with(place), this.#surroundings.metrics.with(place)]
    return new PolicyBatcher(policy, await this.chain(policy.processors ?? []), clock, log, metrics, () =>
      host.random(),
    )
  }

  async #openResource(kind: ResourceKind, label: string): Promise<void> {
    const key = `${kind}/${label}`
    let opening = this.#opening.get(key)
    if (opening === undefined) {
      opening = this.#make(kind, this.#configs[kind].get(label)!)
      this.#opening.set(key, opening)
    }
    await opening
  }

  async #make(kind: ResourceKind, config: ComponentConfig): Promise<void> {
    const resources = this.resources(config)
    switch (kind) {
      case 'cache':
        this.#instances.cache.set(
          config.label,
          new ObservedCache(await this.#create<Cache>(config, resources), resources),
        )
        return
      case 'rate_limit':
        this.#instances.rate_limit.set(
          config.label,
          new ObservedRateLimit(await this.#create<RateLimit>(config, resources), resources),
        )
        return
      case 'processor':
        this.#instances.processor.set(config.label, await this.processor(config))
        return
      case 'input':
        // An input that is a resource has a layer.
        this.#instances.input.set(config.label, (await this.input(config)) as InputLayer)
        return
      case 'output':
        this.#instances.output.set(config.label, await this.output(config))
    }
  }

  /** References are resolved on use, so that resources may refer to each other in any order. */
  #find<K extends ResourceKind>(kind: K, label: string): () => Instances[K] extends Map<string, infer T> ? T : never {
    if (!this.#configs[kind].has(label)) {
      const parent = this.#parent
      if (parent !== undefined && parent.#has(kind, label)) return parent.#find(kind, label)
      throw new ConfigError(`${kind === 'rate_limit' ? 'rate limit' : kind} resource '${label}' was not found`)
    }
    return () => {
      const instance = this.#instances[kind].get(label)
      if (instance === undefined) throw new ConfigError(`${kind} resource '${label}' is not open`)
      // The map of a kind holds instances of that kind.
      return instance as Instances[K] extends Map<string, infer T> ? T : never
    }
  }

  #cache(label: string): CacheHandle {
    const cache = this.#find('cache', label)
    return {
      get: key => cache().get(key),
      exists: key => cache().exists(key),
      set: (key, value, ttlMs) => cache().set(key, value, ttlMs),
      add: (key, value, ttlMs) => cache().add(key, value, ttlMs),
      delete: key => cache().delete(key),
    }
  }

  #rateLimit(label: string): RateLimit {
    const limit = this.#find('rate_limit', label)
    return { access: () => limit().access() }
  }

  #processorResource(label: string): Processor {
    const processor = this.#find('processor', label)
    // One that is created later may wait.
    const made = this.#instances.processor.get(label) ?? this.#parent?.processorNamed(label)
    return {
      waits: made?.waits !== false,
      effects: true,
      process: batch => processor().process(batch),
      processRun: made?.processRun === undefined ? undefined : run => processor().processRun!(run),
    }
  }

  #inputResource(label: string): InputHandle {
    const input = this.#find('input', label)
    return {
      next: signal => input().next(signal),
      get connected() {
        return input().connected
      },
      get drained() {
        return input().drained
      },
      get hasReplays() {
        return input().hasReplays
      },
      onDrained: listener => input().onDrained(listener),
      stop: () => input().stop(),
      close: () => Promise.resolve(),
    }
  }

  #outputResource(label: string): OutputHandle {
    const output = this.#find('output', label)
    return {
      write: batch => output().write(batch),
      forwardRun: (run, settle) => output().forwardRun(run, settle),
      get hasRoom() {
        return output().hasRoom
      },
      room: () => output().room(),
      get connected() {
        return output().connected
      },
      close: () => Promise.resolve(),
    }
  }
}

/** An input whose messages run through its own processors. */
export class ProcessedInput implements InputHandle {
  readonly #input: InputLayer
  readonly #chain: ProcessorChain
  #ready: Delivery[] = []

  constructor(input: InputLayer, chain: ProcessorChain) {
    this.#input = input
    this.#chain = chain
  }

  get readErrors(): number {
    return this.#input.readErrors
  }

  get connected(): boolean {
    return this.#input.connected
  }

  async next(signal: AbortSignal): Promise<Delivery | null> {
    for (;;) {
      // Rejected messages come before the rest of a run.
      const ready = this.#input.hasReplays ? undefined : this.#ready.shift()
      if (ready !== undefined) return ready
      const delivery = await this.#input.next(signal)
      if (delivery === null) return null
      const made: Delivery[] = []
      const sources = this.#chain.waits ? separated(delivery) : [delivery]
      for (const source of sources) made.push(...(await processDelivery(this.#chain, source)))
      this.#ready.unshift(...made)
    }
  }

  get drained(): boolean {
    return this.#input.drained && this.#ready.length === 0
  }

  get hasReplays(): boolean {
    return this.#input.hasReplays
  }

  onDrained(listener: () => void): void {
    this.#input.onDrained(listener)
  }

  stop(): void {
    this.#input.stop()
  }

  async close(): Promise<void> {
    await this.#input.close()
    await this.#chain.close()
  }
}

/** Whether the engine redelivers rejected messages. */
function replaysOf({ spec, config }: ComponentConfig): boolean {
  const { replays } = spec
  if (typeof replays === 'function') return replays(config as never) // the type that the same spec parsed
  return replays ?? (config as { auto_replay_nacks?: boolean } | null)?.auto_replay_nacks ?? false
}

/** Whether a component has the series of a processor. */
function isMeasured({ kind, spec }: ComponentConfig): boolean {
  return kind === 'processor' && !('unmeasured' in spec && spec.unmeasured === true)
}

/** Whether a policy has any effect. */
function isActive(policy: BatchPolicy): boolean {
  return isLimited(policy) || (policy.processors ?? []).length > 0
}

/** Whether anything ever completes a batch. */
function isLimited(policy: BatchPolicy): boolean {
  return policy.count > 0 || policy.byte_size > 0 || (policy.period ?? 0) > 0 || policy.check !== null
}
