import { messageOf } from '../base/index.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { HttpEndpoint, HttpHost } from './http-host.ts'

/** Finds the endpoint of a request's path. One router serves one HTTP server, of a stream or of one component. */
export class HttpRouter implements HttpHost {
  readonly #routes = new Set<Route>()

  /** Every endpoint is found below this as well: `/bento/post` for `/post`. */
  readonly #prefix: string

  constructor(prefix = '') {
    this.#prefix = prefix.replace(/\/+$/, '')
  }

  register(endpoint: HttpEndpoint): () => void {
    const route = { endpoint, segments: endpoint.path.split('/') }
    this.#routes.add(route)
    return () => this.#routes.delete(route)
  }

  get endpoints(): readonly HttpEndpoint[] {
    return [...this.#routes].map(({ endpoint }) => endpoint)
  }

  /** Answers a request; false where no endpoint has its path. An endpoint that throws answers 500. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const match = this.#match(request.url ?? '/')
    if (match === undefined) return false
    const fail = (error: unknown) => {
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' })
      response.end(`${messageOf(error)}\n`)
    }
    try {
      Promise.resolve(match.endpoint.handle(request, response, match.parameters)).catch(fail)
    } catch (error) {
      fail(error)
    }
    return true
  }

  /** Hands a socket over; false where no endpoint of that path takes one. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): boolean {
    const match = this.#match(request.url ?? '/')
    if (match?.endpoint.upgrade === undefined) return false
    match.endpoint.upgrade(request, socket, head, match.parameters)
    return true
  }

  #match(url: string): { endpoint: HttpEndpoint; parameters: Map<string, string> } | undefined {
    const path = url.split('?', 1)[0]!
    const paths =
      this.#prefix !== '' && path.startsWith(`${this.#prefix}/`) ? [path, path.slice(this.#prefix.length)] : [path]
    for (const candidate of paths) {
      const segments = candidate.split('/')
      for (const { endpoint, segments: pattern } of this.#routes) {
        const parameters = matchSegments(pattern, segments)
        if (parameters !== undefined) return { endpoint, parameters }
      }
    }
    return undefined
  }
}

interface Route {
  readonly endpoint: HttpEndpoint
  readonly segments: readonly string[]
}

/** The parameters of `/{tenant}/post` in a path, or undefined where the path is another one. */
function matchSegments(pattern: readonly string[], segments: readonly string[]): Map<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined
  const parameters = new Map<string, string>()
  for (let index = 0; index < pattern.length; index++) {
    const expected = pattern[index]!
    const actual = segments[index]!
    const name = /^\{([^:}]+)(?::([^}]*))?\}$/.exec(expected)
    if (name === null) {
      if (expected !== actual) return undefined
      continue
    }
    if (actual === '') return undefined
    parameters.set(name[1]!, decodeSegment(actual))
  }
  return parameters
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment // not escaped properly: take it as it is written, as browsers do
  }
}
