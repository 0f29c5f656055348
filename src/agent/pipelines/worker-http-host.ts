import { createServer, type Server } from 'node:http'
import { type HttpEndpoint, type HttpHost, HttpRouter } from '../../engine/index.ts'

/**
 * The endpoints of one pipeline, served on a socket of this thread. The agent's HTTP server forwards requests to it, so
 * bodies of any length flow with back pressure and without copies between threads.
 */
export class WorkerHttpHost implements HttpHost {
  readonly #router = new HttpRouter()
  readonly #socketPath: string
  readonly #announce: (paths: readonly string[]) => void
  #server: Server | undefined

  /** `announce` is called with all reachable paths whenever they change. */
  constructor(socketPath: string, announce: (paths: readonly string[]) => void) {
    this.#socketPath = socketPath
    this.#announce = announce
  }

  register(endpoint: HttpEndpoint): () => void {
    const unregister = this.#router.register(endpoint)
    this.#server ??= this.#listen()
    if (this.#server.listening) this.#tell()
    return () => {
      unregister()
      this.#tell()
    }
  }

  /** Stops listening; the thread may keep running for other pipelines. */
  close(): void {
    this.#server?.close()
    this.#server?.closeAllConnections()
  }

  #listen(): Server {
    const server = createServer((request, response) => {
      if (this.#router.handle(request, response)) return
      response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('404 page not found\n')
    })
    server.on('upgrade', (request, socket, head) => {
      if (!this.#router.upgrade(request, socket, head)) socket.destroy()
    })
    server.listen(this.#socketPath, () => this.#tell())
    return server
  }

  #tell(): void {
    this.#announce(this.#router.endpoints.map(({ path }) => path))
  }
}
