import { createServer, type IncomingMessage, request as httpRequest, type Server, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { listenOn } from '../../base/index.ts'
import { HttpRouter } from '../../engine/index.ts'

/** The endpoints of one instance of a pipeline. */
export interface Offer {
  readonly pipelineId: string
  readonly pipelineName: string
  readonly paths: readonly string[]
  /** The socket on which the instance's thread listens. */
  readonly socketPath: string
}

/**
 * The HTTP server that all pipelines of an agent share, on port 4195. An endpoint is served at its own path and below
 * the pipeline's name; if several pipelines want the same path, the first one gets it.
 */
export class PipelineHttpServer {
  readonly #server: Server
  readonly #offers = new Set<Offer>()
  #router = new HttpRouter()
  #turn = 0

  constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response))
    this.#server.on('upgrade', (request, socket, head) => {
      if (!this.#router.upgrade(request, socket, head)) socket.destroy()
    })
  }

  /** Listens; port 0 picks a free one. Resolves to the port. Rejects if it is taken. */
  listen(host: string, port: number): Promise<number> {
    return listenOn(this.#server, { host, port })
  }

  /** Adds the endpoints of an instance; call the returned function when it is gone. */
  offer(offer: Offer): () => void {
    this.#offers.add(offer)
    this.#route()
    return () => {
      if (this.#offers.delete(offer)) this.#route()
    }
  }

  close(): Promise<void> {
    return new Promise(resolve => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  #route(): void {
    const router = new HttpRouter()
    const owners = new Map<string, string>()
    const backends = new Map<string, Offer[]>()
    for (const offer of this.#offers) {
      for (const path of offer.paths) {
        const own = `/${encodeURIComponent(offer.pipelineName)}${path}`
        const owner = owners.get(path) ?? offer.pipelineId
        owners.set(path, owner)
        for (const place of owner === offer.pipelineId ? [path, own] : [own])
          backends.set(place, [...(backends.get(place) ?? []), offer])
      }
    }
    for (const [path, offers] of backends) {
      const next = () => offers[this.#turn++ % offers.length]!.socketPath
      // The thread's own router knows only the endpoint's path.
      const rest = (url: string) =>
        path === offers[0]!.paths.find(own => own === path) ? url : url.replace(/^\/[^/]*/, '')
      router.register({
        path,
        description: `pipeline ${offers[0]!.pipelineName}`,
        handle: (request, response) => pass(request, response, next(), rest(request.url ?? '/')),
        upgrade: (request, socket, head) => passUpgrade(request, socket, head, next(), rest(request.url ?? '/')),
      })
    }
    this.#router = router
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (this.#router.handle(request, response)) return
    const path = request.url?.split('?')[0]
    if (path === '/ping') {
      response.end('pong')
      return
    }
    if (path === '/endpoints') {
      const endpoints = Object.fromEntries(
        this.#router.endpoints.map(({ path: own, description }) => [own, description]),
      )
      response.setHeader('content-type', 'application/json').end(JSON.stringify(endpoints))
      return
    }
    response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('404 page not found\n')
  }
}

function pass(request: IncomingMessage, response: ServerResponse, socketPath: string, path: string): void {
  const onward = httpRequest({ socketPath, path, method: request.method, headers: request.headers }, answer => {
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, answer.headers)
    answer.pipe(response)
    // A thread that ends in the middle of a response leaves it open; the client must not wait for the rest.
    answer.once('close', () => answer.complete || response.destroy())
  })
  onward.once('error', () => {
    if (response.headersSent) {
      response.destroy()
      return
    }
    response.writeHead(503, { 'content-type': 'text/plain; charset=utf-8' }).end('the pipeline is not running\n')
  })
  response.once('close', () => onward.destroy())
  request.pipe(onward)
}

/** From here on the two sides speak their own protocol; the request is passed on unchanged. */
function passUpgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Uint8Array,
  socketPath: string,
  path: string,
): void {
  const onward = connect({ path: socketPath })
  onward.once('connect', () => {
    const headers: string[] = []
    for (let index = 0; index < request.rawHeaders.length; index += 2)
      headers.push(`${request.rawHeaders[index]}: ${request.rawHeaders[index + 1]}`)
    onward.write(`${request.method} ${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`)
    onward.write(head)
    onward.pipe(socket)
    socket.pipe(onward)
  })
  onward.once('error', () => socket.destroy())
  socket.once('error', () => onward.destroy())
  socket.once('close', () => onward.destroy())
}
