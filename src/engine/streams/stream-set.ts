import type { ComponentKind } from '../component.ts'
import { checkComponent, type CheckedPart, checkStream, namesIn } from '../config/config.ts'
import { type Node, nodeOf, plainValue, resolved } from '../config/node.ts'
import type { HttpHost } from '../http-host.ts'
import { bothMetrics, MetricsStore, metricsDocument, nullMetrics } from '../metrics.ts'
import type { SharedResources } from '../runtime/shared-resources.ts'
import { parseStream, startStream, type Stream, type StreamOptions } from '../runtime/stream.ts'
import { merged } from './merge.ts'
import { answerReady } from './ready.ts'

interface StreamSetOptions extends StreamOptions {
  readonly resources: SharedResources
  /** The configuration shared by all streams; its `logger` and `error_handling` apply to each of them. */
  readonly service: Node
  /** Whether the endpoints of a stream's components are served under the stream's name. */
  readonly prefixEndpoints: boolean
  /** How long a stopping stream may take to deliver messages in flight. */
  readonly stopTimeoutMs: number
}

/** A stream of a set as its user sees it. */
export interface StreamState {
  /** False once it has ended on its own. */
  readonly active: boolean
  readonly connected: boolean
  readonly uptimeNs: number
  /** As it was written. */
  readonly config: Node
  /** Its own metrics. */
  readonly stats: Readonly<Record<string, unknown>>
}

/** A request that the set of streams cannot fulfil. */
export class StreamSetError extends Error {
  readonly code: 'exists' | 'not_found' | 'closed'

  constructor(code: 'exists' | 'not_found' | 'closed', message: string) {
    super(message)
    this.name = 'StreamSetError'
    this.code = code
  }
}

/** Many named streams in one program that share resources. Operations on a stream are executed in call order. */
export class StreamSet {
  readonly #options: StreamSetOptions
  readonly #streams = new Map<string, Member>()
  readonly #turns = new Map<string, Promise<unknown>>()
  #isClosed = false

  constructor(options: StreamSetOptions) {
    this.#options = options
  }

  get ids(): readonly string[] {
    return [...this.#streams.keys()].toSorted()
  }

  /** Throws {@link StreamSetError} if there is none. */
  read(id: string): StreamState {
    return this.#member(id).state
  }

  /** Streams that run but are not connected. */
  get unready(): readonly string[] {
    return this.ids.filter(id => {
      const { active, connected } = this.read(id)
      return active && !connected
    })
  }

  /**
   * Starts a stream. Throws {@link StreamSetError} if the name is taken, {@link ConfigError} if it cannot be created.
   */
  create(id: string, config: Node): Promise<void> {
    return this.#inTurn(id, async () => {
      if (this.#streams.has(id)) throw new StreamSetError('exists', 'stream already exists')
      this.#streams.set(id, await this.#start(id, config))
    })
  }

  /**
   * Stops a stream gracefully and starts another in its place. If the new one cannot be created, restarts the old one
   * and throws the error.
   */
  update(id: string, config: Node): Promise<void> {
    return this.#inTurn(id, () => this.#replace(id, () => config))
  }

  /** Updates a stream to its own configuration with `change` applied. */
  patch(id: string, change: (config: Node) => Promise<Node>): Promise<void> {
    return this.#inTurn(id, () => this.#replace(id, change))
  }

  /** Stops a stream gracefully and removes it. Throws {@link StreamSetError} if there is none. */
  delete(id: string): Promise<void> {
    return this.#inTurn(id, async () => {
      await this.#member(id).stop(this.#options.stopTimeoutMs)
      this.#streams.delete(id)
    })
  }

  /** Creates a resource or replaces the one with the same label. Throws {@link ConfigError}. */
  storeResource(kind: ComponentKind, label: string, config: Node): Promise<void> {
    return this.#options.resources.store(kind, label, config)
  }

  /** Checks the configuration of a stream. */
  check(config: Node): Promise<CheckedPart> {
    return checkStream(config, this.#options)
  }

  /** Checks the configuration of a resource. */
  checkResource(kind: ComponentKind, config: Node): Promise<CheckedPart> {
    return checkComponent(kind, config, this.#options)
  }

  /** Stops all streams gracefully, within a time limit. */
  async close(timeoutMs: number): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#streams.values()].map(member => member.stop(timeoutMs)))
    this.#streams.clear()
  }

  #member(id: string): Member {
    const member = this.#streams.get(id)
    if (member === undefined) throw new StreamSetError('not_found', 'stream does not exist')
    return member
  }

  async #replace(id: string, change: (config: Node) => Node | Promise<Node>): Promise<void> {
    const previous = this.#member(id)
    const config = await change(previous.state.config)
    await this.#parse(config)
    await previous.stop(this.#options.stopTimeoutMs)
    try {
      this.#streams.set(id, await this.#start(id, config))
    } catch (error) {
      this.#streams.set(id, await this.#start(id, previous.state.config))
      throw error
    }
  }

  /** Throws the errors that can be detected before a stream is stopped for its successor. */
  async #parse(config: Node): Promise<void> {
    await this.#options.registry.load(namesIn(config))
    parseStream(this.#completed(config), this.#options)
  }

  async #start(id: string, config: Node): Promise<Member> {
    const { clock, log, metrics = nullMetrics, http, prefixEndpoints, registry } = this.#options
    await registry.load(namesIn(config))
    const store = new MetricsStore()
    const stream = await startStream(this.#completed(config), {
      ...this.#options,
      log: log.with({ stream: id }),
      metrics: bothMetrics(metrics, store.metrics).with({ stream: id }),
      ...(http === undefined || !prefixEndpoints ? {} : { http: below(http, id) }),
    })
    const member = new Member(stream, config, store, () => clock.monotonic())
    if (http !== undefined && prefixEndpoints) member.showReadiness(below(http, id))
    return member
  }

  /** Adds the settings that apply to all streams. A document that is not an object counts as empty, as in the original. */
  #completed(config: Node): Node {
    const common = this.#options.service.entries.filter(({ key }) => ['logger', 'error_handling'].includes(key.value))
    return { ...nodeOf({}), entries: [...config.entries, ...common] }
  }

  async #inTurn<T>(id: string, task: () => Promise<T>): Promise<T> {
    const previous = this.#turns.get(id)
    const turn = (async () => {
      await previous?.catch(() => undefined)
      if (this.#isClosed) throw new StreamSetError('closed', 'the program is shutting down')
      return await task()
    })()
    this.#turns.set(id, turn)
    try {
      return await turn
    } finally {
      if (this.#turns.get(id) === turn) this.#turns.delete(id)
    }
  }
}

/** Merges a document of changes into the configuration of a stream; a document that is not an object changes nothing. */
export function patched(config: Node, changes: Node): Node {
  if (changes.kind !== 'map') return config
  return nodeOf(merged(plainValue(config), plainValue(resolved(changes))))
}

class Member {
  readonly #stream: Stream
  readonly #config: Node
  readonly #store: MetricsStore
  readonly #now: () => number
  readonly #startedAt: number
  #endedAt: number | undefined
  #hideReadiness = () => {}

  constructor(stream: Stream, config: Node, store: MetricsStore, now: () => number) {
    this.#stream = stream
    this.#config = config
    this.#store = store
    this.#now = now
    this.#startedAt = now()
    const end = () => {
      this.#endedAt = now()
    }
    stream.done.then(end, end)
  }

  /** Offers `/ready` until the stream is stopped. */
  showReadiness(http: HttpHost): void {
    this.#hideReadiness = http.register({
      path: '/ready',
      description: 'Reports whether input and output of the stream are connected.',
      handle: (_request, response) => answerReady(response, this.#stream.status, this.#endedAt !== undefined),
    })
  }

  async stop(timeoutMs: number): Promise<void> {
    this.#hideReadiness()
    await this.#stream.stop(timeoutMs)
  }

  get state(): StreamState {
    const { inputConnected, outputConnected } = this.#stream.status
    const uptimeNs = Math.round(((this.#endedAt ?? this.#now()) - this.#startedAt) * 1e6)
    return {
      active: this.#endedAt === undefined,
      connected: inputConnected && outputConnected,
      uptimeNs,
      config: this.#config,
      stats: { ...metricsDocument(this.#store.samples()), uptime_ns: uptimeNs },
    }
  }
}

function below(http: HttpHost, id: string): HttpHost {
  return { register: endpoint => http.register({ ...endpoint, path: `/${id}${endpoint.path}` }) }
}
