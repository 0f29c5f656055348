import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

export interface HttpEndpoint {
  /** `/post` or, with parameters, `/{tenant}/post`. */
  readonly path: string
  readonly description: string
  handle(
    request: IncomingMessage,
    response: ServerResponse,
    parameters: ReadonlyMap<string, string>,
  ): void | Promise<void>
  /** Handles a WebSocket upgrade request. If absent, such requests are rejected. */
  upgrade?(request: IncomingMessage, socket: Duplex, head: Uint8Array, parameters: ReadonlyMap<string, string>): void
}

/** The HTTP server for the endpoints of components; a host program may share one among many streams. */
export interface HttpHost {
  /** Adds an endpoint; returns a function that removes it. */
  register(endpoint: HttpEndpoint): () => void
}
