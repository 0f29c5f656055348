import { ConfigError, type ComponentKind } from '../component.ts'
import { namesIn } from '../config/config.ts'
import { type Node, nodeOf, resolved } from '../config/node.ts'
import { parseComponent } from '../config/parse.ts'
import type { ComponentHost } from '../host.ts'
import { nullMetrics } from '../metrics.ts'
import { failureLog } from './failure-log.ts'
import { Manager } from './manager.ts'
import { MappingCaches } from './mapping-caches.ts'
import { Shutdown } from './shutdown.ts'
import { effectiveStrategy, parseContext, parseStream, resourcesOf, type StreamOptions } from './stream.ts'

/** Pipes between streams have program-wide names; all other shared state belongs to one stream. */
const programWide = 'inproc/'

/** Labelled caches, rate limits, inputs, outputs and processors that every stream of a program can use. */
export class SharedResources {
  readonly manager: Manager
  readonly #options: StreamOptions
  readonly #shutdown: Shutdown
  readonly #shared: Map<string, unknown>

  private constructor(manager: Manager, options: StreamOptions, shutdown: Shutdown, shared: Map<string, unknown>) {
    this.manager = manager
    this.#options = options
    this.#shutdown = shutdown
    this.#shared = shared
  }

  /** Creates the resources of a configuration. Throws {@link ConfigError} after closing those already created. */
  static async open(node: Node, options: Omit<StreamOptions, 'resources'>): Promise<SharedResources> {
    const caches = new MappingCaches()
    const cache = (label: string) => caches.access(label)
    const host = Object.create(options.host, { cache: { value: cache } }) as ComponentHost // inherits from one
    const own = { ...options, host }
    const config = parseStream(node, own)
    const shutdown = new Shutdown(options.clock)
    const shared = new Map<string, unknown>()
    const manager = new Manager(
      {
        log: options.log,
        metrics: options.metrics ?? nullMetrics,
        clock: options.clock,
        host,
        http: options.http,
        shutdown,
        strategy: effectiveStrategy(config, node, options.log),
        logAllErrors: config.logger.log_all_errors,
        failureLog: failureLog(config.error_handling.log, () => host.random()),
        shared,
        parsing: parseContext(own),
        tracer: options.tracer ?? null,
      },
      resourcesOf(config),
      { isParent: true },
    )
    caches.manager = manager
    try {
      await manager.open()
    } catch (error) {
      await manager.close()
      throw error
    }
    return new SharedResources(manager, own, shutdown, shared)
  }

  /** The shared state for the components of one more stream, by name. */
  sharedOf(): Map<string, unknown> {
    return new StreamShared(this.#shared)
  }

  /** Creates a resource and replaces the one with the same label. Throws {@link ConfigError}. */
  async store(kind: ComponentKind, label: string, written: Node): Promise<void> {
    await this.#options.registry.load(namesIn(written))
    const config = parseComponent(parseContext(this.#options), kind, labelled(written, label), `${kind}_resources`)
    await this.manager.store(config)
  }

  async close(): Promise<void> {
    this.#shutdown.abort()
    await this.manager.close()
  }
}

class StreamShared extends Map<string, unknown> {
  readonly #program: Map<string, unknown>

  constructor(program: Map<string, unknown>) {
    super()
    this.#program = program
  }

  override get(key: string): unknown {
    return key.startsWith(programWide) ? this.#program.get(key) : super.get(key)
  }

  override set(key: string, value: unknown): this {
    if (!key.startsWith(programWide)) return super.set(key, value)
    this.#program.set(key, value)
    return this
  }

  override delete(key: string): boolean {
    return key.startsWith(programWide) ? this.#program.delete(key) : super.delete(key)
  }
}

/** The configuration of a component with a different label. */
function labelled(written: Node, label: string): Node {
  const node = resolved(written)
  if (node.kind !== 'map') throw new ConfigError(`expected the configuration of a component, got ${node.tag}`)
  const entries = node.entries.filter(({ key }) => key.value !== 'label')
  return { ...node, entries: [...nodeOf({ label }).entries, ...entries] }
}
