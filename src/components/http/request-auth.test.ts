import assert from 'node:assert/strict'
import { generateKeyPairSync, verify } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startCollecting } from '../collecting.suite.ts'
import { digestAuthorization, digestChallenge } from './digest-auth.ts'
import { oauthAuthorization } from './request-auth.ts'
import { portOf } from '../../../test/servers/ports.ts'

async function serve(t: TestContext, handle: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer((request, response) => void request.resume().on('end', () => handle(request, response)))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const port = portOf(server)
  return `http://127.0.0.1:${port}/dir/index.html?a=b`
}

/** Sends `count` messages through an `http_client` output to the end of the stream. */
async function send(t: TestContext, url: string, more: string, count = 1): Promise<readonly string[]> {
  const { stream, log } = await startCollecting(
    t,
    `input: { generate: { mapping: 'root = "x"', count: ${count}, interval: '' } }
output: { drop_on: { error: true, output: { http_client: { url: '${url}', retries: 0, max_in_flight: 1, ${more} } } } }`,
  )
  await stream.done
  return log
}

test('the signature of OAuth 1 is that of its specification', () => {
  // OAuth Core 1.0, appendix A.5.
  const header = oauthAuthorization({
    consumer_key: 'dpf43f3p2l4k3l03',
    consumer_secret: 'kd94hf93k423kf44',
    access_token: 'nnch734d00sl2jdk',
    access_token_secret: 'pfkkdhi9sl3r4s00',
    method: 'GET',
    url: 'http://photos.example.net/photos?file=vacation.jpg&size=original',
    nonce: 'kllo9940pd9333jh',
    unixSeconds: 1191242096,
  })
  assert.match(header, /^OAuth oauth_consumer_key="dpf43f3p2l4k3l03", /)
  assert.match(header, /oauth_signature="tR3%2BTy81lMeYAr%2FFid0kMTYa%2FWM%3D"/)
})

test('a digest is that of RFC 7616, section 3.9.1', () => {
  const header = (algorithm: string) =>
    `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`
  const request = {
    username: 'Mufasa',
    password: 'Circle of Life',
    method: 'GET',
    uri: '/dir/index.html',
    clientNonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
    count: 1,
  }
  for (const [algorithm, response] of [
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ] as const) {
    const made = digestAuthorization(digestChallenge(header(algorithm))!, request)
    assert.match(made, new RegExp(`response="${response}"`))
    assert.match(made, /qop=auth, nc=00000001$/)
  }
  assert.equal(digestChallenge('Basic realm="x"'), undefined)
  assert.equal(digestChallenge('Digest realm="x", nonce="n", algorithm=SHA-1'), undefined)
  assert.equal(digestChallenge(['Basic realm="a"', 'Digest realm="b", nonce="n"'])?.realm, 'b')
})

test('a challenge is answered once, its nonce is reused, and a new one replaces it', async t => {
  const seen: string[] = []
  let nonce = 'first'
  const url = await serve(t, (request, response) => {
    const { authorization = '' } = request.headers
    const count = /nc=(\w+)/.exec(authorization)?.[1] ?? 'none'
    seen.push(`${/nonce="(\w+)"/.exec(authorization)?.[1] ?? ''} ${count}`)
    if (authorization.includes(`nonce="${nonce}"`) && authorization.includes('uri="/dir/index.html?a=b"')) {
      if (count === '00000002') nonce = 'second'
      response.end('ok')
      return
    }
    response.writeHead(401, { 'www-authenticate': `Digest realm="r", nonce="${nonce}", qop="auth"` }).end()
  })
  const log = await send(t, url, 'digest_auth: { enabled: true, username: u, password: p }', 3)
  assert.ok(!log.some(line => line.includes('Failed')), log.join('\n'))
  assert.deepEqual(seen, [' none', 'first 00000001', 'first 00000002', 'first 00000003', 'second 00000001'])
})

test('a token is signed with a key from a file, and verified with the public key', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-jwt-'))
  t.after(() => rm(folder, { recursive: true }))
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const ed = generateKeyPairSync('ed25519')
  for (const [algorithm, { privateKey, publicKey }, digest, type] of [
    ['RS256', rsa, 'sha256', 'pkcs1'],
    ['RS512', rsa, 'sha512', 'pkcs8'],
    ['EdDSA', ed, null, 'pkcs8'],
  ] as const) {
    const path = join(folder, 'key.pem')
    await writeFile(path, privateKey.export({ format: 'pem', type }))
    let token = ''
    const url = await serve(t, (request, response) => {
      token = (request.headers.authorization ?? '').replace('Bearer ', '')
      response.end()
    })
    const jwt = `jwt: { enabled: true, private_key_file: '${path}', signing_method: ${algorithm}, claims: { sub: s }, headers: { kid: k } }`
    await send(t, url, jwt)
    const [header, claims, signature] = token.split('.')
    const decode = (part: string | undefined): unknown => JSON.parse(Buffer.from(part ?? '', 'base64url').toString())
    assert.deepEqual(decode(header), { alg: algorithm, typ: 'JWT', kid: 'k' })
    assert.deepEqual(decode(claims), { sub: 's' })
    assert.ok(verify(digest, Buffer.from(`${header}.${claims}`), publicKey, Buffer.from(signature!, 'base64url')))
  }
  const url = await serve(t, (_, response) => void response.end())
  for (const [fields, wanted] of [
    ['signing_method: HS256', 'jwt signing method HS256 not accepted'],
    ['signing_method: RS256, private_key_file: /does/not/exist', 'failed to read private key'],
    [`signing_method: RS256, private_key_file: '${join(folder, 'key.pem')}'`, 'the key is ed25519, not rsa'],
  ] as const) {
    const log = await send(t, url, `jwt: { enabled: true, ${fields} }`)
    assert.ok(
      log.some(line => line.includes(wanted)),
      `${wanted}: ${log.join('\n')}`,
    )
  }
})

test('OAuth 1 and basic credentials are sent, each request with a new nonce', async t => {
  const seen: string[] = []
  const url = await serve(t, (request, response) => {
    seen.push(request.headers.authorization ?? '')
    response.end()
  })
  const oauth =
    'oauth: { enabled: true, consumer_key: ck, consumer_secret: cs, access_token: at, access_token_secret: as }'
  await send(t, url, oauth, 2)
  await send(t, url, 'basic_auth: { enabled: true, username: u, password: p }')
  assert.match(seen[0]!, /^OAuth oauth_consumer_key="ck", oauth_nonce="\w{32}"/)
  assert.notEqual(seen[0], seen[1])
  assert.equal(seen[2], `Basic ${Buffer.from('u:p').toString('base64')}`)
})
