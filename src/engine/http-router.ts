import { messageOf } from '../base/index.ts'
import { compileRe2, groupText, type Re2 } from '../bloblang/index.ts'
import { posix } from 'node:path'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { ConfigError } from './component.ts'
import type { HttpEndpoint, HttpHost } from './http-host.ts'
import { answerError } from './http-messages.ts'

/** Routes requests to endpoints by path. One router serves one HTTP server, of a stream or of a single component. */
export class HttpRouter implements HttpHost {
  readonly #routes = new Set<Route>()

  /** Every endpoint is also available under this prefix: `/bento/post` for `/post`. */
  readonly #prefix: string

  constructor(prefix = '') {
    this.#prefix = prefix.replace(/\/+$/, '')
  }

  register(endpoint: HttpEndpoint): () => void {
    const route = { endpoint, matches: pathMatcher(endpoint.path) }
    this.#routes.add(route)
    return () => this.#routes.delete(route)
  }

  get endpoints(): readonly HttpEndpoint[] {
    return [...this.#routes].map(({ endpoint }) => endpoint)
  }

  /** Handles a request; false if no endpoint has its path. Responds with 500 if the endpoint throws. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const url = request.url ?? '/'
    const path = url.split('?', 1)[0]!
    // Like the original's router: paths with `//` or `..` redirect, whether the endpoint exists or not.
    const clean = path.startsWith('/') ? posix.normalize(path) : path
    if (clean !== path) {
      response.writeHead(301, { location: clean + url.slice(path.length) }).end()
      return true
    }
    const match = this.#match(url)
    if (match === undefined) return false
    const fail = (error: unknown) => {
      if (response.headersSent) response.end()
      else answerError(response, 500, messageOf(error))
    }
    try {
      Promise.resolve(match.endpoint.handle(request, response, match.parameters)).catch(fail)
    } catch (error) {
      fail(error)
    }
    return true
  }

  /** Whether the endpoint of a request accepts upgrades. */
  takesUpgrade(request: IncomingMessage): boolean {
    return this.#match(request.url ?? '/')?.endpoint.upgrade !== undefined
  }

  /** Passes an upgrade request to its endpoint; false if no endpoint with that path accepts upgrades. */
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
      for (const { endpoint, matches } of this.#routes) {
        const parameters = matches(candidate)
        if (parameters !== undefined) return { endpoint, parameters }
      }
    }
    return undefined
  }
}

interface Route {
  readonly endpoint: HttpEndpoint
  readonly matches: (path: string) => Map<string, string> | undefined
}

/**
 * Returns a matcher that extracts the parameters of a path such as `/{tenant}/post`, or undefined if the path differs.
 * As in the original, a parameter matches one segment unless it has its own pattern (`/files/{path:.+}`), and escaped
 * slashes in a URL count as slashes.
 */
function pathMatcher(template: string): Route['matches'] {
  const names: string[] = []
  let pattern = ''
  let end = 0
  for (const { index, 0: whole, 1: name, 2: own } of template.matchAll(/\{([^{}:]+)(?::((?:[^{}]|\{[^{}]*\})+))?\}/g)) {
    names.push(name!)
    // Named groups, because groups inside a parameter's own pattern must not count as parameters.
    pattern += `${quoteMeta(template.slice(end, index))}(?P<p${names.length}>${own ?? '[^/]+'})`
    end = index + whole.length
  }
  if (names.length === 0) return path => (path === template ? new Map() : undefined)
  const compiled = compiledPath(template, `^${pattern}${quoteMeta(template.slice(end))}$`)
  return path => {
    const text = decodePath(path)
    const spans = compiled.match(text)
    if (spans === undefined) return undefined
    const group = (name: string) => groupText(text, spans, compiled.groupNames.indexOf(name))
    return new Map(names.map((name, index) => [name, group(`p${index + 1}`)]))
  }
}

function compiledPath(template: string, pattern: string): Re2 {
  try {
    return compileRe2(pattern)
  } catch (error) {
    throw new ConfigError(`the path ${template} is not a valid pattern: ${messageOf(error)}`)
  }
}

const quoteMeta = (text: string) => text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path // not escaped properly: taken literally, as browsers do
  }
}
