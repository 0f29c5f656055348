import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import type { HttpEndpoint, HttpHost } from './http-host.ts'
import { type MetricsStore, prometheusText } from './metrics.ts'

export interface ServerOptions {
  /** `0.0.0.0:4195`. */
  readonly address: string
  /** A prefix under which everything is found as well. */
  readonly rootPath: string
  readonly version: string
  readonly dateBuilt: string
  readonly metrics: MetricsStore
  /** What is not ready, by name; undefined where the stream has ended. */
  readonly ready: () => readonly string[] | undefined
}

/** The HTTP server of a stream: liveness, readiness, metrics, and the endpoints of its components. */
export class StreamServer implements HttpHost {
  readonly #options: ServerOptions
  readonly #server: Server
  readonly #endpoints: HttpEndpoint[] = []

  constructor(options: ServerOptions) {
    this.#options = options
    // An `import` would load all of Node's HTTP client as well, 20 ms that commands without a server need not wait for.
    const { createServer } = process.getBuiltinModule('node:http')
    this.#server = createServer((request, response) => void this.#handle(request, response))
    this.#server.on('upgrade', (request, socket, head: Uint8Array) => {
      const found = this.#find(this.#path(request))
      if (found?.endpoint.upgrade === undefined) socket.destroy()
      else found.endpoint.upgrade(request, socket, head, found.parameters)
    })
    for (const endpoint of this.#ownEndpoints()) this.register(endpoint)
  }

  /** Listens; resolves to the port. Rejects where the address is taken. */
  listen(): Promise<number> {
    const separator = this.#options.address.lastIndexOf(':')
    const host = this.#options.address.slice(0, separator).replace(/^\[|\]$/g, '')
    const port = Number(this.#options.address.slice(separator + 1))
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, host === '' ? undefined : host, () =>
        resolve((this.#server.address() as AddressInfo).port),
      )
    })
  }

  register(endpoint: HttpEndpoint): () => void {
    this.#endpoints.push(endpoint)
    return () => {
      const index = this.#endpoints.indexOf(endpoint)
      if (index >= 0) this.#endpoints.splice(index, 1)
    }
  }

  close(): Promise<void> {
    return new Promise(resolve => {
      if (!this.#server.listening) return resolve()
      this.#server.close(() => resolve())
      this.#server.closeIdleConnections()
      setTimeout(() => this.#server.closeAllConnections(), 1000).unref()
    })
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const found = this.#find(this.#path(request))
    if (found === undefined) {
      response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('404 page not found\n')
      return
    }
    try {
      await found.endpoint.handle(request, response, found.parameters)
    } catch (error) {
      if (response.headersSent) response.destroy()
      else response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' }).end(`${(error as Error).message}\n`)
    }
  }

  #path(request: IncomingMessage): string {
    return new URL(request.url ?? '/', 'http://localhost').pathname
  }

  #find(path: string): { endpoint: HttpEndpoint; parameters: ReadonlyMap<string, string> } | undefined {
    const { rootPath } = this.#options
    const candidates =
      rootPath !== '' && rootPath !== '/' && path.startsWith(`${rootPath}/`)
        ? [path.slice(rootPath.length), path]
        : [path]
    for (const candidate of candidates) {
      for (const endpoint of this.#endpoints) {
        const parameters = matchPath(endpoint.path, candidate)
        if (parameters !== undefined) return { endpoint, parameters }
      }
    }
    return undefined
  }

  #ownEndpoints(): readonly HttpEndpoint[] {
    const { version, dateBuilt, metrics } = this.#options
    const text = (
      path: string,
      description: string,
      body: () => string,
      type = 'text/plain; charset=utf-8',
    ): HttpEndpoint => ({
      path,
      description,
      handle: (_request, response) => void response.writeHead(200, { 'content-type': type }).end(body()),
    })
    return [
      text('/ping', 'Answers as soon as the process does.', () => 'pong'),
      text(
        '/version',
        'The version of the program.',
        () => JSON.stringify({ version, built: dateBuilt }),
        'application/json',
      ),
      text('/endpoints', 'This list.', () => JSON.stringify(this.#describe()), 'application/json'),
      text('/metrics', 'Metrics in the format of Prometheus.', () => prometheusText(metrics.samples())),
      text('/stats', 'Metrics in the format of Prometheus.', () => prometheusText(metrics.samples())),
      {
        path: '/ready',
        description: 'Whether input and output are connected.',
        handle: (_, response) => this.#ready(response),
      },
    ]
  }

  #describe(): Record<string, string> {
    return Object.fromEntries(this.#endpoints.map(({ path, description }) => [path, description]))
  }

  #ready(response: ServerResponse): void {
    const waiting = this.#options.ready()
    if (waiting === undefined) response.writeHead(404).end('Stream terminated\n')
    else if (waiting.length === 0) response.writeHead(200).end('OK')
    else response.writeHead(503).end(waiting.map(name => `${name} not connected\n`).join(''))
  }
}

/** The parameters of a path that matches a pattern such as `/{tenant}/post`, or undefined. */
function matchPath(pattern: string, path: string): ReadonlyMap<string, string> | undefined {
  const wanted = pattern.split('/')
  const given = path.split('/')
  if (wanted.length !== given.length) return undefined
  const parameters = new Map<string, string>()
  for (const [index, segment] of wanted.entries()) {
    const name = /^\{(\w+)(?::.*)?\}$/.exec(segment)?.[1]
    if (name === undefined) {
      if (segment !== given[index]) return undefined
    } else {
      parameters.set(name, decodeURIComponent(given[index]!))
    }
  }
  return parameters
}
