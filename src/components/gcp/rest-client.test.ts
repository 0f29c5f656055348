import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { after, test } from 'node:test'
import { makeAuthority } from '../../../test/servers/certificates.ts'
import { listen } from '../../../test/servers/ports.ts'
import { nullLog, systemClock } from '../../base/index.ts'
import type { ComponentHost, Resources } from '../../engine/index.ts'
import { systemHost } from '../../host/index.ts'
import { bytesOf, GcpRest } from './rest-client.ts'
import { GcpSession } from './session.ts'

type Answer = readonly [status: number, headers?: Readonly<Record<string, string>>, body?: string]

interface Seen {
  readonly line: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** A handler that answers as a test requires, and the requests it received. */
function handler(answer: (seen: Seen, count: number) => Answer): { handle: RequestListener; seen: Seen[] } {
  const seen: Seen[] = []
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const one = { line: `${request.method} ${request.url}`, headers: request.headers, body: await bytesOf(request) }
    seen.push(one)
    const [status, headers = {}, body = '{}'] = answer(one, seen.length)
    response.writeHead(status, headers).end(body)
  }
  return { handle: (request, response) => void handle(request, response), seen }
}

function clientOf(endpoint: string, host: ComponentHost, key = '', scope?: string): GcpRest {
  const parts: Partial<Resources> = { host, clock: systemClock, log: nullLog }
  const resources = parts as Resources // the client uses no other part
  const client = new GcpRest({ endpoint, scope }, new GcpSession({ credentials_json: key }, resources), resources)
  after(() => client.close())
  return client
}

/** A client of a server that answers as a test requires. */
async function plain(answer: (seen: Seen, count: number) => Answer) {
  const { handle, seen } = handler(answer)
  const server = createServer(handle)
  const endpoint = `http://127.0.0.1:${await listen(server)}`
  after(() => server.close())
  return { client: clientOf(endpoint, systemHost), seen, endpoint }
}

const upload = { operation: 'Insert', path: '/upload/x', document: { a: 1 }, contentType: 'text/plain' }

test('data of at most one chunk is uploaded in the same request as its metadata', async () => {
  const { client, seen } = await plain(() => [200, {}, '{"done":true}'])
  const data = Buffer.from('some data')
  assert.deepEqual(await client.upload({ ...upload, data, chunkBytes: 9, query: { name: 'a b' } }), { done: true })
  assert.equal(seen[0]!.line, 'POST /upload/x?name=a+b&uploadType=multipart')
  const [, boundary] = /^multipart\/related; boundary=(\S+)$/.exec(seen[0]!.headers['content-type']!)!
  const part = (type: string, text: string) => `--${boundary}\r\nContent-Type: ${type}\r\n\r\n${text}\r\n`
  const expected = `${part('application/json', '{"a":1}')}${part('text/plain', 'some data')}--${boundary}--\r\n`
  assert.equal(seen[0]!.body.toString(), expected)
})

test('lost chunks are sent again from the offset that the service reports', async () => {
  const unit = 256 * 1024
  const data = Buffer.from(Array.from({ length: 3 * unit + 5 }, (_, index) => index % 251))
  const taken: Buffer[] = []
  const arrived = () => taken.reduce((sum, { length }) => sum + length, 0)
  const { client, seen, endpoint } = await plain(({ line, headers, body }, count) => {
    if (line.startsWith('POST')) return [200, { location: `${endpoint}/session/1` }]
    assert.equal(line, 'PUT /session/1')
    // The third request fails after half of its chunk was accepted.
    if (count === 3) {
      taken.push(body.subarray(0, unit / 2))
      return [503]
    }
    if (headers['content-range'] !== `bytes */${data.length}`) taken.push(body)
    return arrived() === data.length ? [200, {}, '{"done":true}'] : [308, { range: `bytes=0-${arrived() - 1}` }]
  })
  assert.deepEqual(await client.upload({ ...upload, data, chunkBytes: 1000 }), { done: true })
  assert.deepEqual(Buffer.concat(taken), data)
  assert.deepEqual(
    seen.map(({ headers }) => headers['content-range']),
    [
      undefined,
      `bytes 0-${unit - 1}/${data.length}`,
      `bytes ${unit}-${2 * unit - 1}/${data.length}`,
      `bytes */${data.length}`,
      `bytes ${1.5 * unit}-${2.5 * unit - 1}/${data.length}`,
      `bytes ${2.5 * unit}-${data.length - 1}/${data.length}`,
    ],
  )
  assert.equal(seen[0]!.headers['x-upload-content-length'], String(data.length))
})

test('an upload is abandoned when the service accepts nothing or keeps failing', async () => {
  const data = Buffer.alloc(300_000)
  const begin: Answer = [200, { location: '/session' }]
  const idle = await plain(({ line }) => (line.startsWith('POST') ? begin : [308]))
  await assert.rejects(idle.client.upload({ ...upload, data, chunkBytes: 1 }), /Insert: nothing of a chunk was taken/)
  const failing = await plain(({ line }) => (line.startsWith('POST') ? begin : [503, {}, 'no backend']))
  await assert.rejects(failing.client.upload({ ...upload, data, chunkBytes: 1 }), /^GcpError: Insert: no backend$/)
  assert.equal(failing.seen.length, 4)
})

test('an error response, an HTML page and invalid JSON are reported with the operation', async () => {
  const call = { operation: 'Get', method: 'GET', path: '/x' } as const
  const answers: readonly (readonly [Answer, RegExp])[] = [
    [[404, {}, '{"error":{"message":"Not here","errors":[{"reason":"notFound"}]}}'], /^GcpError: Get: Not here$/],
    [[403, {}, '<html>go away</html>'], /^GcpError: Get: <html>go away<\/html>$/],
    [[400, {}, ''], /^GcpError: Get: HTTP status 400$/],
    [[200, {}, 'nonsense'], /^Error: Get: the response is not JSON$/],
  ]
  for (const [answer, expected] of answers) {
    const { client, seen } = await plain(() => answer)
    await assert.rejects(client.request(call), expected)
    assert.equal(seen.length, 1)
  }
})

test('requests carry a token for the key, fetched through the network of the host and renewed when refused', async () => {
  const authority = await makeAuthority()
  const { handle, seen } = handler((_, count) => (count === 2 ? [401] : [200, {}, '{"ok":true}']))
  const server = createSecureServer(await authority.issue('localhost'), handle)
  const endpoint = `https://127.0.0.1:${await listen(server)}`
  after(() => server.close())
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key = {
    type: 'service_account',
    client_email: 'a@example.invalid',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  }
  const asked: string[] = []
  // Google's token service is not available in a test, so its request is intercepted.
  const network: ComponentHost['network'] = {
    ...systemHost.network,
    connectTls: options => systemHost.network.connectTls({ ...options, ca: authority.ca }),
    // The vendor's library calls it like the global `fetch`, whose types differ only in name.
    fetch: (async (url: URL, { body }: { body: URLSearchParams }) => {
      const [, claims = ''] = new URLSearchParams(String(body)).get('assertion')!.split('.')
      asked.push(`${url.href} ${JSON.parse(Buffer.from(claims, 'base64url').toString()).scope}`)
      return Response.json({ access_token: `token-${asked.length}`, expires_in: 3600, token_type: 'Bearer' })
    }) as unknown as ComponentHost['network']['fetch'],
  }
  const client = clientOf(endpoint, { ...systemHost, network }, JSON.stringify(key), 'https://scope.invalid/x')
  const call = { operation: 'Get', method: 'GET', path: '/x' } as const
  for (let i = 0; i < 2; i++) assert.deepEqual(await client.request(call), { ok: true })
  assert.deepEqual(
    seen.map(({ headers }) => headers.authorization),
    ['Bearer token-1', 'Bearer token-1', 'Bearer token-2'],
  )
  assert.deepEqual(asked, Array(2).fill('https://oauth2.googleapis.com/token https://scope.invalid/x'))
})

test('the reason why no token could be obtained is reported', async () => {
  const network: ComponentHost['network'] = {
    ...systemHost.network,
    fetch: () => Promise.reject(new TypeError('fetch failed', { cause: new Error('getaddrinfo ENOTFOUND example') })),
  }
  const key = { type: 'authorized_user', client_id: 'a', client_secret: 'b', refresh_token: 'c' }
  const client = clientOf('https://example.invalid', { ...systemHost, network }, JSON.stringify(key), 'scope')
  await assert.rejects(
    client.prepare(),
    /^Error: failed to get a token from Google: dial tcp: lookup example: no such host$/,
  )
})
