import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { hostPort, messageOf, reachableHost } from '../base/index.ts'
import { DatabaseError } from '../database/index.ts'
import { authorize, type Caller } from './access.ts'
import { accessLevels } from './contract/access.ts'
import type { ControlPlane } from './control-plane.ts'
import { ControlError } from './errors.ts'
import type { LinkServer } from './link/link-server.ts'
import { linkPath } from './link/wire.ts'
import { peerPath } from './peer-planes.ts'
import { SessionCookie } from './session-cookie.ts'

const maxBodyBytes = 4 * 1024 * 1024

export interface ControlServerOptions {
  /** The folder of the built console; if it is missing, a page says how to build it. */
  readonly consoleFolder: string
  readonly host: string
  /** 0 picks a free port. */
  readonly port: number
  /** Where agents in other processes connect; absent if there are none. */
  readonly links?: LinkServer
}

/** The control plane's HTTP server: the API under `/api/v1/`, the console everywhere else. */
export class ControlServer {
  readonly #app: FastifyInstance
  readonly #streams = new Set<() => void>()
  /** `http://127.0.0.1:9080` */
  readonly url: string

  /** Listens; rejects with the system's error (such as `EADDRINUSE`). */
  static async listen(plane: ControlPlane, options: ControlServerOptions): Promise<ControlServer> {
    // Loaded here, so that the agent's threads, which need only the types, do not pay for it.
    const { default: fastify } = await import('fastify')
    const app = fastify({
      bodyLimit: maxBodyBytes,
      forceCloseConnections: true,
      routerOptions: { maxParamLength: 200 },
    })
    const streams = new Set<() => void>()
    addHeaders(app)
    addBodyParser(app)
    addErrors(app, plane)
    await addApi(app, plane, streams)
    await addConsole(app, options.consoleFolder)
    if (options.links !== undefined) acceptLinks(app, options.links)
    app.post(peerPath, async (request, reply) => sendJson(reply, await plane.answerPeer(request.body ?? {})))
    await app.listen({ host: options.host, port: options.port })
    const address = app.server.address()
    const port = typeof address === 'object' && address !== null ? address.port : options.port
    const url = `http://${hostPort(reachableHost(options.host), port)}`
    plane.apiUrl = `${url}/api/v1`
    return new ControlServer(app, streams, url)
  }

  private constructor(app: FastifyInstance, streams: Set<() => void>, url: string) {
    this.#app = app
    this.#streams = streams
    this.url = url
  }

  async close(): Promise<void> {
    for (const end of this.#streams) end()
    await this.#app.close()
  }
}

function acceptLinks(app: FastifyInstance, links: LinkServer): void {
  app.server.on('upgrade', (request, socket, head) => {
    if (request.url?.split('?')[0] === linkPath) void links.accept(request, socket, head)
    else socket.destroy()
  })
}

function addHeaders(app: FastifyInstance): void {
  const policy = [
    "default-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    "worker-src 'self' blob:",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
  ].join('; ')
  app.addHook('onSend', async (_request, reply) => {
    reply.header('content-security-policy', policy)
    reply.header('x-content-type-options', 'nosniff')
    // The address of the first page contains the sign-in token.
    reply.header('referrer-policy', 'no-referrer')
  })
}

/** Reads every body as JSON whatever its content type, and a missing one as `{}`: the original's clients send both. */
function addBodyParser(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    if (body.length === 0) return done(null, {})
    try {
      done(null, JSON.parse(body.toString()))
    } catch (cause) {
      done(new ControlError('invalid_request', `the body is not JSON: ${messageOf(cause)}`, { cause }))
    }
  })
}

function addErrors(app: FastifyInstance, plane: ControlPlane): void {
  app.setErrorHandler(async (error: Error & { statusCode?: number }, request, reply) => {
    if (error instanceof ControlError) return sendError(reply, error)
    if (error instanceof DatabaseError && error.isRetriable) {
      plane.options.log.warn('the database is unavailable', { code: error.code, error: error.message })
      const message = `nothing was changed, since the database is unavailable (${error.code}): try again in a moment`
      return sendError(reply, new ControlError('database_unavailable', message, { cause: error }))
    }
    const status = error.statusCode ?? 500
    if (status < 500) return sendError(reply, new ControlError('invalid_request', error.message), status)
    plane.options.log.error('request failed', { path: request.url.split('?')[0], error: error.stack ?? error.message })
    return sendError(reply, new ControlError('internal_error', 'the request failed; see the log for the reason'))
  })
  app.setNotFoundHandler(async (request, reply) => {
    const name = JSON.stringify(request.url.split('?')[0])
    return sendError(reply, new ControlError('unknown_endpoint', `there is no ${request.method} ${name}`))
  })
}

async function addApi(app: FastifyInstance, plane: ControlPlane, streams: Set<() => void>): Promise<void> {
  // Loaded lazily like the framework, because it builds the schemas of all endpoints.
  const { answerCall } = await import('./api/index.ts')
  app.post<{ Params: { '*': string } }>('/api/v1/*', async (request, reply) => {
    const cookie = new SessionCookie(request, reply)
    const caller = await callerOf(plane, request, cookie)
    return sendJson(reply, await answerCall(plane, request.params['*'], request.body ?? {}, { caller, cookie }))
  })
  app.get<{ Querystring: { virtual_cluster_id?: string } }>('/api/v1/events', async (request, reply) => {
    const clusterId = request.query.virtual_cluster_id
    const caller = await callerOf(plane, request, new SessionCookie(request, reply))
    authorize(accessLevels.application, caller)
    if (clusterId === undefined) throw new ControlError('invalid_request', 'virtual_cluster_id is missing')
    authorize(accessLevels.cluster_read, caller, clusterId)
    await plane.cluster(clusterId)
    streamEvents(plane, clusterId, request, reply, streams)
  })
}

const keyHeader = 'warpstream-api-key'

/** The sender of this request, by key or by session cookie; undefined if it has neither. */
async function callerOf(
  plane: ControlPlane,
  request: FastifyRequest,
  cookie: SessionCookie,
): Promise<Caller | undefined> {
  const key = request.headers[keyHeader]
  if (typeof key === 'string') {
    const caller = await plane.keys.authenticate(key)
    if (caller === undefined) throw new ControlError('invalid_api_key', 'the API key is not known')
    return caller
  }
  const { secret } = cookie
  if (secret === undefined) return undefined
  // A page of another site can make a browser send a form with the cookie, but not JSON.
  const isForm = request.method === 'POST' && request.headers['content-type']?.split(';')[0] !== 'application/json'
  if (isForm) throw new ControlError('invalid_request', 'the content type has to be application/json')
  return plane.sessions.find(secret)
}

function streamEvents(
  plane: ControlPlane,
  clusterId: string,
  request: FastifyRequest,
  reply: FastifyReply,
  streams: Set<() => void>,
): void {
  reply.hijack()
  const { raw } = reply
  raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
  raw.write(': hello\n\n')
  const unsubscribe = plane.changes.subscribe(clusterId, event => {
    // A listener that does not read is disconnected; its browser reconnects automatically.
    if (raw.writableLength > 1024 * 1024) end()
    else raw.write(`event: changed\ndata: ${JSON.stringify(event)}\n\n`)
  })
  const beat = setInterval(() => raw.write(': still here\n\n'), 15_000)
  const end = () => {
    clearInterval(beat)
    unsubscribe()
    streams.delete(end)
    raw.end()
  }
  streams.add(end)
  request.raw.once('close', end)
}

async function addConsole(app: FastifyInstance, folder: string): Promise<void> {
  if (!existsSync(join(folder, 'index.html'))) {
    const page = 'The console is not built. Run `node tools/build.ts --only console` and reload this page.\n'
    app.get('/', async (_request, reply) => reply.code(503).type('text/plain; charset=utf-8').send(page))
    return
  }
  const { default: fastifyStatic } = await import('@fastify/static')
  await app.register(fastifyStatic, {
    root: folder,
    wildcard: false,
    cacheControl: false,
    preCompressed: true,
    setHeaders(reply, path) {
      // Files with a hash in their name never change; the page itself is requested each time.
      const isHashed = path.includes('/assets/')
      reply.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache')
    },
  })
  // The console does its own routing; every address serves the one page.
  app.get('/*', async (request, reply) => {
    if (request.url.startsWith('/api/') || request.url.startsWith('/assets/')) return reply.callNotFound()
    return reply.sendFile('index.html')
  })
}

// Sent as a string, because clients of some endpoints compare the body with `{}` byte by byte.
function sendJson(reply: FastifyReply, value: object): FastifyReply {
  return reply.type('application/json; charset=utf-8').header('cache-control', 'no-store').send(JSON.stringify(value))
}

function sendError(reply: FastifyReply, error: ControlError, status = error.status): FastifyReply {
  return sendJson(reply.code(status), error.toJSON())
}
