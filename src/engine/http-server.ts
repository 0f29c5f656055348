import { listenOn, messageOf } from '../base/index.ts'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import process from 'node:process'
import { printJson } from '../bloblang/index.ts'
import { ConfigError } from './component.ts'
import { BasicAuth, Cors } from './http-access.ts'
import type { HttpEndpoint, HttpHost } from './http-host.ts'
import { answerError } from './http-messages.ts'
import { HttpRouter } from './http-router.ts'
import type { MetricsPage } from './metrics-exporter.ts'
import type { StreamConfig } from './runtime/stream.ts'

export interface ServerOptions {
  /** The `http` block. */
  readonly config: StreamConfig['http']
  readonly version: string
  readonly dateBuilt: string
  /** The content of `/metrics` and `/stats`; undefined if those endpoints do not exist. */
  readonly page: (() => MetricsPage) | undefined
  /** Responds to `/ready`. */
  readonly ready: (response: ServerResponse) => void
  /** The configuration without secrets, for the debug endpoints. */
  readonly configText: (format: 'json' | 'yaml') => string
}

/** The HTTP server of a program: liveness, readiness, metrics and the endpoints of components. */
export class StreamServer implements HttpHost {
  readonly #options: ServerOptions
  readonly #server: Server
  readonly #router: HttpRouter
  readonly #cors: Cors
  readonly #auth: BasicAuth

  /** Throws {@link ConfigError} for unusable settings. */
  constructor(options: ServerOptions) {
    const { config } = options
    this.#options = options
    this.#router = new HttpRouter(config.root_path)
    this.#cors = new Cors(config.cors)
    this.#auth = new BasicAuth(config.basic_auth)
    this.#server = makeServer(
      config,
      request => this.#takesUpgrade(request),
      (request, response) => void this.#handle(request, response),
    )
    this.#server.on('upgrade', (request, socket, head: Uint8Array) => void this.#upgrade(request, socket, head))
    for (const endpoint of this.#ownEndpoints()) this.register(endpoint)
  }

  /** Listens and resolves to the port. Rejects if the address is in use. */
  listen(): Promise<number> {
    const { address } = this.#options.config
    const separator = address.lastIndexOf(':')
    const host = address.slice(0, separator).replace(/^\[|\]$/g, '')
    const port = Number(address.slice(separator + 1))
    return listenOn(this.#server, { port, ...(host !== '' && { host }) })
  }

  register(endpoint: HttpEndpoint): () => void {
    return this.#router.register(endpoint)
  }

  close(): Promise<void> {
    return new Promise(resolve => {
      if (!this.#server.listening) return resolve()
      this.#server.close(() => resolve())
      this.#server.closeIdleConnections()
      setTimeout(() => this.#server.closeAllConnections(), 1000).unref()
    })
  }

  /** A request without credentials is answered like any other: it is asked for them. */
  #takesUpgrade(request: IncomingMessage): boolean {
    const isAnonymous = this.#auth.enabled && request.headers.authorization === undefined
    return !isAnonymous && this.#router.takesUpgrade(request)
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): Promise<void> {
    const isAdmitted = !this.#auth.enabled || (await this.#auth.admits(request))
    if (!isAdmitted || !this.#router.upgrade(request, socket, head)) socket.destroy()
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#cors.answers(request, response)) return
    if (this.#auth.enabled && !(await this.#auth.admits(request))) return this.#auth.refuse(response)
    if (this.#router.handle(request, response)) return
    answerError(response, 404, '404 page not found')
  }

  #ownEndpoints(): readonly HttpEndpoint[] {
    const { config, version, dateBuilt, page, ready, configText } = this.#options
    // The original leaves the type of these two documents to detection, which yields plain text.
    const versionText = `{"version":${JSON.stringify(version)}, "built":${JSON.stringify(dateBuilt)}}`
    return [
      textEndpoint('/ping', 'Responds while the process is alive.', () => 'pong'),
      textEndpoint('/version', 'The version of the program.', () => versionText),
      textEndpoint('/endpoints', 'Lists the endpoints.', () => printJson(this.#describe())),
      ...(page === undefined ? [] : [pageEndpoint('/metrics', page), pageEndpoint('/stats', page)]),
      {
        path: '/ready',
        description: 'Reports whether input and output are connected.',
        handle: (_, response) => ready(response),
      },
      ...(config.debug_endpoints ? debugEndpoints(configText) : []),
    ]
  }

  #describe(): Record<string, string> {
    return Object.fromEntries(this.#router.endpoints.map(({ path, description }) => [path, description]))
  }
}

function makeServer(
  { cert_file: certFile, key_file: keyFile }: StreamConfig['http'],
  takesUpgrade: (request: IncomingMessage) => boolean,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const options = { shouldUpgradeCallback: takesUpgrade }
  if (certFile === '' && keyFile === '') {
    // An `import` would also load Node's HTTP client: 20 ms that commands without a server should not pay.
    return process.getBuiltinModule('node:http').createServer(options, handle)
  }
  if (certFile === '' || keyFile === '') {
    throw new ConfigError('both cert_file and key_file must be specified, or neither')
  }
  const { createServer } = process.getBuiltinModule('node:https')
  try {
    return createServer({ ...options, cert: readFileSync(certFile), key: readFileSync(keyFile) }, handle)
  } catch (error) {
    throw new ConfigError(`failed to read the certificate of the HTTP server: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

function textEndpoint(
  path: string,
  description: string,
  body: () => string | Promise<string>,
  type = 'text/plain; charset=utf-8',
): HttpEndpoint {
  return {
    path,
    description,
    handle: async (_request, response) => void response.writeHead(200, { 'content-type': type }).end(await body()),
  }
}

function pageEndpoint(path: string, page: () => MetricsPage): HttpEndpoint {
  return {
    path,
    description: 'Metrics in the configured format.',
    handle: (_request, response) => {
      const { type, text } = page()
      response.writeHead(200, { 'content-type': type }).end(text)
    },
  }
}

/** Profiles are in V8's format: open a `.cpuprofile` or `.heapprofile` in a browser's developer tools. */
function debugEndpoints(configText: ServerOptions['configText']): readonly HttpEndpoint[] {
  const json = 'application/json'
  return [
    textEndpoint('/debug/config/json', 'The configuration as JSON.', () => configText('json'), json),
    textEndpoint('/debug/config/yaml', 'The configuration as YAML.', () => configText('yaml')),
    textEndpoint('/debug/stack', 'The pending operations of the process and its memory usage.', activity),
    {
      path: '/debug/pprof/profile',
      description: 'A CPU profile over `seconds` (default 30), for the developer tools of a browser.',
      async handle(request, response) {
        const seconds = Number(new URL(request.url ?? '/', 'http://localhost').searchParams.get('seconds') ?? 30)
        const profile = await cpuProfile(Math.min(Math.max(seconds || 30, 0.01), 600))
        response.writeHead(200, {
          'content-type': json,
          'content-disposition': 'attachment; filename="penstock.cpuprofile"',
        })
        response.end(profile)
      },
    },
    textEndpoint(
      '/debug/pprof/heap',
      'Heap statistics.',
      () => JSON.stringify(process.getBuiltinModule('node:v8').getHeapStatistics(), null, 2),
      json,
    ),
  ]
}

function activity(): string {
  const handles = [...Map.groupBy(process.getActiveResourcesInfo(), name => name)]
  const waiting = handles.map(([name, all]) => `${all.length} ${name}\n`)
  return `${waiting.join('')}\n${JSON.stringify(process.memoryUsage(), null, 2)}\n`
}

async function cpuProfile(seconds: number): Promise<string> {
  const { Session } = await import('node:inspector/promises')
  const session = new Session()
  session.connect()
  try {
    await session.post('Profiler.enable')
    await session.post('Profiler.start')
    await new Promise(resolve => setTimeout(resolve, seconds * 1000))
    const { profile } = await session.post('Profiler.stop')
    return JSON.stringify(profile)
  } finally {
    session.disconnect()
  }
}
