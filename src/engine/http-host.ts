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
  /** Takes a request to speak WebSocket over. Absent: refused. */
  upgrade?(request: IncomingMessage, socket: Duplex, head: Uint8Array, parameters: ReadonlyMap<string, string>): void
}

/** The HTTP server that a component's endpoints live on; a host program may share one among many streams. */
export interface HttpHost {
  /** Adds an endpoint; call what it returns to remove it again. */
  register(endpoint: HttpEndpoint): () => void
}
