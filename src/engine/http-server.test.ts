import assert from 'node:assert/strict'
import { createHash, scryptSync } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { test, type TestContext } from 'node:test'
import bcrypt from 'bcryptjs'
import { ConfigError } from './component.ts'
import { configFields } from './config/core-fields.ts'
import { nodeOf } from './config/node.ts'
import { parseFields } from './config/parse.ts'
import { StreamServer } from './http-server.ts'
import { Registry } from './registry.ts'

function serverOf(http: object): StreamServer {
  const context = { registry: new Registry({}), compileMapping: assert.fail, compileInterpolation: assert.fail }
  const { http: config } = parseFields(
    context,
    { http: configFields.http },
    nodeOf({ http: { address: '127.0.0.1:0', ...http } }),
    '',
  )
  return new StreamServer({
    config,
    version: '1.2.3',
    dateBuilt: 'today',
    page: () => ({ type: 'text/plain', text: 'input_received 1\n' }),
    ready: response => void response.writeHead(503).end('input not connected\n'),
    configText: format => `the configuration as ${format}`,
  })
}

async function started(t: TestContext, http: object = {}): Promise<string> {
  const server = serverOf(http)
  const port = await server.listen()
  t.after(() => server.close())
  return `http://127.0.0.1:${port}`
}

const statusOf = async (url: string, init?: RequestInit) => (await fetch(url, init)).status

test('liveness, readiness, version and metrics are served with and without the root path', async t => {
  const url = await started(t)
  const answers = async (path: string) => (await fetch(url + path)).text()
  for (const prefix of ['', '/bento']) {
    assert.equal(await answers(`${prefix}/ping`), 'pong')
    assert.equal(await answers(`${prefix}/ready`), 'input not connected\n')
    assert.equal(await answers(`${prefix}/metrics`), 'input_received 1\n')
    assert.equal(await answers(`${prefix}/stats`), 'input_received 1\n')
    assert.deepEqual(JSON.parse(await answers(`${prefix}/version`)), { version: '1.2.3', built: 'today' })
  }
  assert.equal(await statusOf(`${url}/ready`), 503)
  assert.equal(await statusOf(`${url}/nothing`), 404)
  assert.equal(await statusOf(`${url}/debug/config/json`), 404, 'endpoints for debugging are off')
})

test('a path with empty segments or `..` redirects to its normalized form', async t => {
  const url = await started(t)
  const asked = async (path: string) => {
    const [answer] = await once(request(url, { path }).end(), 'response')
    answer.resume()
    return [answer.statusCode, answer.headers.location]
  }
  assert.deepEqual(await asked('//ping?a=//'), [301, '/ping?a=//'])
  assert.deepEqual(await asked('/x/../nothing/'), [301, '/nothing/'])
})

test('a request to upgrade is answered like any other if only HTTP is spoken', async t => {
  const asked = async (url: string, path: string) => {
    const headers = { connection: 'Upgrade', upgrade: 'websocket' }
    const [answer] = await once(request(url, { path, headers }).end(), 'response')
    answer.resume()
    return answer.statusCode
  }
  const url = await started(t)
  assert.equal(await asked(url, '/ping'), 200)
  assert.equal(await asked(url, '/nothing'), 404)
  const md5 = createHash('md5').update('secret').digest('base64')
  const closed = { enabled: true, username: 'me', password_hash: md5, algorithm: 'md5' }
  assert.equal(await asked(await started(t, { basic_auth: closed }), '/ping'), 401)
})

test('debug endpoints exist only if the configuration enables them', async t => {
  const url = await started(t, { debug_endpoints: true })
  assert.equal(await (await fetch(`${url}/debug/config/yaml`)).text(), 'the configuration as yaml')
  const profile = JSON.parse(await (await fetch(`${url}/debug/pprof/profile?seconds=0.05`)).text())
  assert.ok(profile.nodes.length > 0)
  const endpoints = JSON.parse(await (await fetch(`${url}/endpoints`)).text())
  assert.ok(Object.hasOwn(endpoints, '/debug/stack'))
})

const salt = Buffer.from('pepper')
const hashes = {
  md5: createHash('md5').update('secret').digest(),
  sha256: createHash('sha256').update('secret').digest(),
  bcrypt: Buffer.from(bcrypt.hashSync('secret', 4)),
  scrypt: scryptSync('secret', salt, 32, { N: 32_768, r: 8, p: 1, maxmem: 64 * 1024 * 1024 }),
}

for (const [algorithm, hash] of Object.entries(hashes)) {
  test(`every endpoint requires the user name and password, verified with ${algorithm}`, async t => {
    const url = await started(t, {
      basic_auth: {
        enabled: true,
        username: 'ann',
        password_hash: hash.toString('base64'),
        algorithm,
        salt: salt.toString('base64'),
      },
    })
    const as = (credentials: string) =>
      statusOf(`${url}/ping`, { headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` } })
    assert.equal(await statusOf(`${url}/ping`), 401)
    assert.equal(await as('ann:wrong'), 401)
    assert.equal(await as('bob:secret'), 401)
    assert.equal(await as('ann:secret'), 200)
  })
}

test('requests from allowed origins are accepted, others are rejected', async t => {
  const url = await started(t, { cors: { enabled: true, allowed_origins: ['https://a.example'] } })
  const allowed = async (origin: string) =>
    (await fetch(`${url}/ping`, { headers: { origin } })).headers.get('access-control-allow-origin')
  assert.equal(await allowed('https://a.example'), 'https://a.example')
  assert.equal(await allowed('https://b.example'), null)
  const preflight = (method: string) =>
    statusOf(`${url}/ping`, {
      method: 'OPTIONS',
      headers: { origin: 'https://a.example', 'access-control-request-method': method },
    })
  assert.equal(await preflight('PUT'), 200)
  assert.equal(await preflight('TRACE'), 405)
})

test('access settings that protect nothing are rejected', () => {
  const refused: [object, RegExp][] = [
    [{ basic_auth: { enabled: true } }, /both username and password_hash are required/],
    [{ basic_auth: { enabled: true, username: 'a', password_hash: 'aa', algorithm: 'rot13' } }, /algorithm should be/],
    [{ basic_auth: { enabled: true, username: 'a', password_hash: 'aa', algorithm: 'scrypt' } }, /salt is required/],
    [{ cors: { enabled: true } }, /at least one allowed origin/],
    [{ cert_file: 'a.pem' }, /both cert_file and key_file/],
    [{ cert_file: '/none.pem', key_file: '/none.key' }, /failed to read the certificate/],
  ]
  for (const [http, text] of refused) {
    assert.throws(
      () => serverOf(http),
      (error: unknown) => error instanceof ConfigError && text.test(error.message),
    )
  }
})
