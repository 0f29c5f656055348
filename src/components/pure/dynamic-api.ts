import { messageOf } from '../../base/index.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  answerError,
  bodyText,
  ConfigError,
  type ComponentConfig,
  durationText,
  type HttpHost,
  parseYaml,
  plainValue,
  type Resources,
} from '../../engine/index.ts'

/** Components that are added and removed by requests: the API of a `dynamic` input or output. */
export interface DynamicSet {
  readonly kind: 'input' | 'output'
  /** Replaces the component with the same id, or adds one. Throws if that fails. */
  set(id: string, config: ComponentConfig, signal: AbortSignal): Promise<void>
  /** Stops and removes a component; a missing one is not an error. */
  remove(id: string, signal: AbortSignal): Promise<void>
}

/** The user-visible state of a requested component. */
interface Entry {
  /** YAML without secrets. */
  readonly text: string
  /** Body of the request that created it; null if it came from the stream's configuration. */
  readonly request: string | null
}

/**
 * The REST API of `dynamic` components, with the paths, methods, statuses and bodies of the original. Components that
 * ended on their own stay listed as `stopped`.
 */
export class DynamicApi {
  readonly #set: DynamicSet
  readonly #resources: Resources
  readonly #entries = new Map<string, Entry>()
  /** Start times of the running components. */
  readonly #startedAt = new Map<string, number>()
  /** Serializes changes. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(set: DynamicSet, resources: Resources) {
    this.#set = set
    this.#resources = resources
  }

  /** Called when a component has started. */
  started(id: string, config: ComponentConfig): void {
    this.#startedAt.set(id, this.#resources.clock.monotonic())
    const request = this.#entries.get(id)?.request ?? null
    this.#entries.set(id, { text: this.#resources.show(config), request })
  }

  /** Called when a component has ended, on its own or because it was removed. */
  stopped(id: string): void {
    this.#startedAt.delete(id)
  }

  /** Registers the endpoints under a prefix; returns a function that removes them. */
  register(http: HttpHost, prefix: string): () => void {
    const { kind } = this.#set
    const base = `/${prefix}/${kind}s`.replace(/\/{2,}/g, '/')
    const endpoints = [
      http.register({
        path: `${base}/{id}/uptime`,
        description: `How long the ${kind} has been running, or "stopped" if it has ended.`,
        handle: (_request, response, parameters) => this.#uptime(response, parameters.get('id') ?? ''),
      }),
      http.register({
        path: `${base}/{id}`,
        description: `GET reads, POST sets and DELETE removes the configuration of a dynamic ${kind}.`,
        handle: (request, response, parameters) => this.#handle(request, response, parameters.get('id') ?? ''),
      }),
      http.register({
        path: base,
        description: `All dynamic ${kind}s with their configurations and uptimes.`,
        handle: (_request, response) => void response.writeHead(200, text).end(JSON.stringify(this.#list())),
      }),
    ]
    return () => {
      for (const withdraw of endpoints) withdraw()
    }
  }

  async #handle(request: IncomingMessage, response: ServerResponse, id: string): Promise<void> {
    const aborted = new AbortController()
    response.once('close', () => aborted.abort())
    try {
      switch (request.method) {
        case 'GET': {
          const entry = this.#entries.get(id)
          if (entry === undefined) return answerError(response, 404, `Dynamic component '${id}' is not active`)
          response.writeHead(200, text).end(entry.text)
          return
        }
        case 'POST':
          await this.#inTurn(async () => this.#change(id, await bodyText(request), aborted.signal))
          break
        case 'DELETE':
          await this.#inTurn(() => this.#remove(id, aborted.signal))
          break
        default:
          throw new ConfigError(`verb not supported: ${request.method}`)
      }
      response.writeHead(200).end()
    } catch (error) {
      answerError(response, 502, `Error: ${messageOf(error)}`)
    }
  }

  async #change(id: string, body: string, signal: AbortSignal): Promise<void> {
    const previous = this.#entries.get(id)
    if (previous?.request === body) return
    const { kind } = this.#set
    const config = await this.#resources.parse(kind, body, `${kind}s.${id}`)
    await this.#set.set(id, config, signal)
    this.#entries.set(id, { text: this.#resources.show(config), request: body })
  }

  async #remove(id: string, signal: AbortSignal): Promise<void> {
    await this.#set.remove(id, signal)
    this.#entries.delete(id)
  }

  #uptime(response: ServerResponse, id: string): void {
    const uptime = this.#uptimeOf(id)
    if (uptime === undefined) return answerError(response, 404, `Dynamic component '${id}' is unknown`)
    response.writeHead(200, text).end(uptime)
  }

  #uptimeOf(id: string): string | undefined {
    const startedAt = this.#startedAt.get(id)
    if (startedAt === undefined) return this.#entries.has(id) ? 'stopped' : undefined
    return durationText(Math.round((this.#resources.clock.monotonic() - startedAt) * 1e6))
  }

  #list(): Record<string, unknown> {
    return Object.fromEntries(
      [...this.#entries].map(([id, entry]) => [
        id,
        { uptime: this.#uptimeOf(id), config: plainValue(parseYaml(entry.text)), config_raw: entry.text },
      ]),
    )
  }

  async #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(task)
    this.#turn = turn.catch(() => undefined)
    return await turn
  }
}

const text = { 'content-type': 'text/plain; charset=utf-8' }
