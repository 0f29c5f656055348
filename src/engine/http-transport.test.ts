import assert from 'node:assert/strict'
import { getEventListeners, once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { connect, type TcpNetConnectOpts } from 'node:net'
import { after, afterEach, test } from 'node:test'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { HttpTransport, type HttpTransportOptions } from './http-transport.ts'
import { portOf } from '../../test/servers/ports.ts'

const servers: Server[] = []
const transports: HttpTransport[] = []
after(() => servers.forEach(server => server.close()))
afterEach(async () => {
  for (const transport of transports.splice(0)) await transport.close()
})

async function serve(handle: RequestListener): Promise<string> {
  const server = createServer(handle)
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${portOf(server)}` // a listening TCP server has one
}

function transport(options: HttpTransportOptions = {}): HttpTransport {
  const created = new HttpTransport(options)
  transports.push(created)
  return created
}

/** Responds with what it received. */
async function echo(request: IncomingMessage): Promise<string> {
  const { method, url, headers } = request
  return JSON.stringify({ method, url, authorization: headers.authorization ?? null, body: await text(request) })
}

const echoing: RequestListener = (request, response) => void echo(request).then(answer => response.end(answer))

/** Returns what the server responds, which must be the same when the response is read whole. */
async function send(http: HttpTransport, url: string, method = 'GET', body?: string, headers = {}): Promise<unknown> {
  const request = { method, headers, body: body === undefined ? null : Buffer.from(body), timeoutMs: 60_000 }
  const response = await http.request(url, request)
  const streamed = await text(response.body)
  const whole = await http.exchange(url, request)
  assert.equal(whole.body.toString(), streamed)
  assert.deepEqual([whole.statusCode, whole.statusText], [response.statusCode, response.statusText])
  const { date: _, ...headersOfWhole } = whole.headers
  const { date: __, ...headersOfStream } = response.headers
  assert.deepEqual(headersOfWhole, headersOfStream)
  return JSON.parse(streamed)
}

test('a 303 redirect is followed with GET, a 307 redirect with the same request', async () => {
  const url = await serve((request, response) => {
    const status = { '/see-other': 303, '/temporary': 307 }[request.url ?? '']
    if (status === undefined) return echoing(request, response)
    response.writeHead(status, { Location: '/here' }).end()
  })
  const unchanged = { method: 'POST', url: '/here', authorization: null, body: 'x' }
  assert.deepEqual(await send(transport(), `${url}/see-other`, 'POST', 'x'), { ...unchanged, method: 'GET', body: '' })
  assert.deepEqual(await send(transport(), `${url}/temporary`, 'POST', 'x'), unchanged)
})

test('credentials do not follow a redirect to another origin', async () => {
  const elsewhere = await serve(echoing)
  const url = await serve((_, response) => response.writeHead(302, { Location: `${elsewhere}/there` }).end())
  const answer = await send(transport(), url, 'GET', undefined, { Authorization: 'Bearer secret' })
  assert.deepEqual(answer, { method: 'GET', url: '/there', authorization: null, body: '' })
})

test('a redirect loop is an error', async () => {
  const url = await serve((_, response) => response.writeHead(302, { Location: '/' }).end())
  await assert.rejects(send(transport(), url), /redirect/i)
})

test('a response is requested compressed and returned decompressed', async () => {
  const url = await serve((request, response) => {
    const isAsked = request.headers['accept-encoding'] === 'gzip'
    response.writeHead(200, isAsked ? { 'Content-Encoding': 'gzip' } : {})
    response.end(isAsked ? gzipSync('"compressed"') : '"plain"')
  })
  assert.equal(await send(transport(), url), 'compressed')
  assert.equal(await send(transport(), url, 'GET', undefined, { 'Accept-Encoding': 'identity' }), 'plain')
})

test('a damaged compressed body is an error', async () => {
  const url = await serve((_, response) => {
    response.writeHead(200, { 'Content-Encoding': 'gzip' }).end('not gzip')
  })
  await assert.rejects(send(transport(), url), { code: 'Z_DATA_ERROR' })
})

test('all requests go through the configured proxy', async () => {
  const proxy = await serve((request, response) => response.end(JSON.stringify(`proxied ${request.url}`)))
  const http = transport({ proxyUrl: proxy })
  assert.equal(await send(http, 'http://unknown.invalid/path'), 'proxied http://unknown.invalid/path')
})

test('the environment selects the proxy, except for the local machine', async () => {
  const proxy = await serve((_, response) => response.end('"proxied"'))
  const url = await serve((_, response) => response.end('"direct"'))
  const http = transport({ environment: { http_proxy: proxy, NO_PROXY: 'internal.invalid' } })
  assert.equal(await send(http, 'http://unknown.invalid/'), 'proxied')
  assert.equal(await send(http, url), 'direct')
  await assert.rejects(send(http, 'http://internal.invalid/'), { code: /ENOTFOUND|EAI_AGAIN/ })
})

test('every connection is opened by the socket factory, including those to a proxy and after a redirect', async () => {
  const opened: string[] = []
  const sockets = {
    connect: (options: TcpNetConnectOpts) => {
      opened.push(`http://${options.host}:${options.port}`)
      return connect(options)
    },
    connectTls,
  }
  const elsewhere = await serve(echoing)
  const url = await serve((_, response) => response.writeHead(302, { Location: elsewhere }).end())
  const proxy = await serve((_, response) => response.end('"proxied"'))
  const read = (http: HttpTransport, from: string) => http.exchange(from, { method: 'GET', timeoutMs: 60_000 })
  await read(transport({ sockets }), url)
  await read(transport({ sockets, proxyUrl: proxy }), 'http://unknown.invalid/')
  assert.deepEqual(opened, [url, elsewhere, proxy])
})

test('a refused connection and a missing response are errors with a code', async () => {
  const silent = await serve(() => undefined)
  const request = { method: 'GET', timeoutMs: 50 }
  await assert.rejects(transport().request(silent, request), { code: 'timeout' })
  await assert.rejects(transport().request('http://127.0.0.1:1/', { ...request, timeoutMs: 60_000 }), {
    code: 'ECONNREFUSED',
    message: 'dial tcp 127.0.0.1:1: connect: connection refused',
  })
})

test('a server that closes the connection causes an EOF error', async () => {
  const url = await serve(request => request.socket.destroy())
  await assert.rejects(transport().request(url, { method: 'GET', timeoutMs: 60_000 }), { message: 'EOF' })
})

test('a signal ends a request and the body of a response; nothing listens to it after either has ended', async () => {
  const url = await serve((request, response) => {
    if (request.url === '/whole') response.end('x')
    if (request.url === '/endless') response.write('x')
  })
  const stop = new AbortController()
  const { signal } = stop
  const get = (path: string) => transport().request(url + path, { method: 'GET', timeoutMs: 60_000, signal })
  const { body } = await get('/whole')
  await once(body.resume(), 'close')
  assert.equal(getEventListeners(signal, 'abort').length, 0)

  const endless = await get('/endless')
  const ends = [
    assert.rejects(get('/silent'), /stopped/),
    assert.rejects(text(endless.body), /stopped/),
    new Promise(resolve => endless.body.once('close', resolve)),
  ]
  stop.abort(new Error('stopped'))
  await Promise.all(ends)
  assert.equal(getEventListeners(signal, 'abort').length, 0)
  await assert.rejects(get('/whole'), /stopped/)
})

function* endless() {
  for (;;) yield Buffer.alloc(65_536)
}

const bomb = gzipSync(Buffer.alloc(20 * 2 ** 20))

test('a response that is read whole fails as one that is streamed, also in the middle of its body', async () => {
  const url = await serve((request, response) => {
    if (request.url === '/loop') response.writeHead(302, { Location: '/loop' }).end()
    if (request.url === '/damaged') response.writeHead(200, { 'Content-Encoding': 'gzip' }).end('not gzip')
    if (request.url === '/half')
      response.writeHead(200, { 'Content-Length': 10 }).write('half', () => response.destroy())
    if (request.url === '/paused') response.write('x')
    if (request.url === '/endless') Readable.from(endless()).pipe(response)
    if (request.url === '/bomb') response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(bomb)
    if (request.url === '/hangup') request.socket.destroy()
  })
  const exchange = (path: string, timeoutMs = 60_000) => transport().exchange(url + path, { method: 'GET', timeoutMs })
  await assert.rejects(exchange('/loop'), /redirect/i)
  await assert.rejects(exchange('/damaged'), { code: 'Z_DATA_ERROR' })
  await assert.rejects(exchange('/half'), { message: 'EOF' })
  await assert.rejects(exchange('/hangup'), { message: 'EOF' })
  await assert.rejects(exchange('/silent', 50), { code: 'timeout' })
  await assert.rejects(exchange('/paused', 200), { code: 'timeout' })
  await assert.rejects(exchange('/endless'), { code: 'too_large' })
  await assert.rejects(exchange('/bomb'), { code: 'ERR_BUFFER_TOO_LARGE' })
  await assert.rejects(transport().exchange('http://127.0.0.1:1/', { method: 'GET', timeoutMs: 60_000 }), {
    code: 'ECONNREFUSED',
  })
  await assert.rejects(exchange('invalid\n port://'), /Invalid URL/)
})

test('a signal ends a response that is read whole, before its headers and in its body; nothing listens to it then', async () => {
  const url = await serve((request, response) => {
    if (request.url === '/whole') response.end('x')
    if (request.url === '/endless') response.write('x')
  })
  const stop = new AbortController()
  const { signal } = stop
  const exchange = (path: string) => transport().exchange(url + path, { method: 'GET', timeoutMs: 60_000, signal })
  assert.equal((await exchange('/whole')).body.toString(), 'x')
  assert.equal(getEventListeners(signal, 'abort').length, 0)
  const ends = [assert.rejects(exchange('/silent'), /stopped/), assert.rejects(exchange('/endless'), /stopped/)]
  stop.abort(new Error('stopped'))
  await Promise.all(ends)
  assert.equal(getEventListeners(signal, 'abort').length, 0)
  await assert.rejects(exchange('/whole'), /stopped/)
})

test('a request sends a User-Agent and the credentials of its URL unless its headers override them', async () => {
  const url = await serve((request, response) => {
    const { authorization, 'user-agent': agent } = request.headers
    response.end(JSON.stringify([authorization, agent]))
  })
  const own = url.replace('//', '//me:p%40ss@')
  const basic = `Basic ${Buffer.from('me:p@ss').toString('base64')}`
  assert.deepEqual(await send(transport(), own), [basic, 'penstock'])
  assert.deepEqual(await send(transport(), own, 'GET', undefined, { authorization: 'x', 'user-agent': 'y' }), [
    'x',
    'y',
  ])
})
