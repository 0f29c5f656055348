import assert from 'node:assert/strict'
import { createHash, createHmac, generateKeyPairSync, pbkdf2Sync } from 'node:crypto'
import { describe, it } from 'node:test'
import { SignJWT } from 'jose'
import { bearerCheck } from './bearer.ts'
import { type Credential, PasswordCheck } from './credentials.ts'
import { SaslSession, type SaslSettings } from './sasl.ts'
import { scramChallenge, scramKeysOf, scramVerify } from '../../kafka/index.ts'

let now = 1_700_000_000_000
const clock = { now: () => now, monotonic: () => now }
const salt = Buffer.from('salt of the user')
const alice: Credential = {
  username: 'alice',
  sha256: await scramKeysOf('sha256', 'secret', salt),
  sha512: await scramKeysOf('sha512', 'secret', salt),
  superuser: false,
}
const settings: SaslSettings = {
  credentials: { find: name => (name === 'alice' ? alice : undefined) },
  passwords: new PasswordCheck(),
  maxSessionMs: 0,
  clock,
}

const plain = (name: string, password: string, id = '') => Buffer.from(`${id}\0${name}\0${password}`)
const authenticate = async (session: SaslSession, message: Uint8Array | string) =>
  session.authenticate(typeof message === 'string' ? Buffer.from(message) : message)

describe('SCRAM', () => {
  it('reproduces the exchange of RFC 7677 byte for byte', async () => {
    const keys = await scramKeysOf('sha256', 'pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'), 4096)
    const challenge = scramChallenge(
      'sha256',
      'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
      keys,
      '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
    )
    assert.equal(
      challenge.message,
      'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    )
    const last =
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ='
    assert.equal(scramVerify(challenge, last), 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')
    assert.throws(() => scramVerify(challenge, last.replace('dHzb', 'dHzc')), { name: 'ScramError' })
    assert.throws(() => scramVerify(challenge, last.replace('r=rO', 'r=rP')), { name: 'ScramError' })
  })

  it('accepts the right password, with either hash', async () => {
    for (const [mechanism, hash] of [
      ['SCRAM-SHA-256', 'sha256'],
      ['SCRAM-SHA-512', 'sha512'],
    ] as const) {
      const session = new SaslSession(settings)
      assert.equal(session.handshake(mechanism), undefined)
      await runClient(session, hash, 'secret')
      assert.deepEqual(session.identity?.principal, { type: 'User', name: 'alice' })
    }
  })

  it('rejects a wrong password and an unknown user with the same error', async () => {
    const messages = new Set<string>()
    for (const [name, password] of [
      ['alice', 'wrong'],
      ['bob', 'secret'],
    ] as const) {
      const session = new SaslSession(settings)
      session.handshake('SCRAM-SHA-256')
      await assert.rejects(runClient(session, 'sha256', password, name), (error: Error) => {
        messages.add(error.message)
        return error.name === 'SaslError'
      })
      assert.equal(session.failed, true)
      assert.equal(session.identity, undefined)
    }
    assert.equal(messages.size, 1)
  })

  it('rejects malformed client messages', async () => {
    for (const message of [
      '',
      'n,,',
      'p=tls-unique,,n=alice,r=x',
      'n,,m=1,n=alice,r=x',
      'n,,n=al=ice,r=x',
      'n,,n=alice,r=x,tokenauth=true',
    ]) {
      const session = new SaslSession(settings)
      session.handshake('SCRAM-SHA-256')
      await assert.rejects(authenticate(session, message), { name: 'SaslError' }, message)
    }
  })
})

describe('PLAIN', () => {
  it('accepts the right password, also when the check is cached', async () => {
    for (let round = 0; round < 2; round++) {
      const session = new SaslSession(settings)
      session.handshake('PLAIN')
      await authenticate(session, plain('alice', 'secret'))
      assert.equal(session.identity?.principal.name, 'alice')
    }
  })

  it('rejects all other credentials', async () => {
    for (const message of [
      plain('alice', 'wrong'),
      plain('bob', 'secret'),
      plain('alice', ''),
      plain('', 'secret'),
      plain('alice', 'secret', 'bob'),
      Buffer.from('alice\0secret'),
    ]) {
      const session = new SaslSession(settings)
      session.handshake('PLAIN')
      await assert.rejects(session.authenticate(message), { name: 'SaslError' })
    }
  })
})

describe('OAUTHBEARER', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const check = bearerCheck({
    keys: { keys: [{ ...publicKey.export({ format: 'jwk' }), alg: 'ES256' }] },
    issuer: 'us',
  })
  const token = (issuer: string, expires: string) =>
    new SignJWT({})
      .setProtectedHeader({ alg: 'ES256' })
      .setSubject('carol')
      .setIssuer(issuer)
      .setExpirationTime(expires)
      .sign(privateKey)

  it('accepts a valid token until it expires', async () => {
    now = Date.now()
    const session = new SaslSession({ ...settings, checkToken: check })
    session.handshake('OAUTHBEARER')
    const { lifetimeMs } = await authenticate(session, `n,,\x01auth=Bearer ${await token('us', '1h')}\x01\x01`)
    assert.ok(lifetimeMs > 3_500_000 && lifetimeMs <= 3_600_000)
    assert.equal(session.identity?.principal.name, 'carol')
    now += 3_600_001
    assert.equal(session.isExpired, true)
  })

  it('answers an invalid token with its status, and fails at the next message', async () => {
    const session = new SaslSession({ ...settings, checkToken: check })
    session.handshake('OAUTHBEARER')
    const { reply } = await authenticate(session, `n,,\x01auth=Bearer ${await token('others', '1h')}\x01\x01`)
    assert.equal(Buffer.from(reply).toString(), '{"status":"invalid_token"}')
    assert.equal(session.identity, undefined)
    await assert.rejects(authenticate(session, '\x01'), /Authentication failed: unexpected "iss" claim value/)
  })
})

describe('a session', () => {
  it('requires a handshake with an available mechanism first', async () => {
    const session = new SaslSession(settings)
    await assert.rejects(authenticate(session, plain('alice', 'secret')), /without a SaslHandshake/)
    assert.equal(session.handshake('GSSAPI'), 'UNSUPPORTED_SASL_MECHANISM')
    assert.equal(session.handshake('OAUTHBEARER'), 'UNSUPPORTED_SASL_MECHANISM')
  })

  it('can only be renewed with the same mechanism and principal', async () => {
    const session = new SaslSession({ ...settings, maxSessionMs: 1000 })
    session.handshake('PLAIN')
    const { lifetimeMs } = await authenticate(session, plain('alice', 'secret'))
    assert.equal(lifetimeMs, 1000)
    assert.equal(session.handshake('SCRAM-SHA-256'), 'ILLEGAL_SASL_STATE')
    now += 1000
    assert.equal(session.isExpired, true)
    assert.equal(session.handshake('PLAIN'), undefined)
    await authenticate(session, plain('alice', 'secret'))
    assert.equal(session.isExpired, false)
  })
})

/** The client's side of SCRAM, implemented from RFC 5802. */
async function runClient(session: SaslSession, hash: 'sha256' | 'sha512', password: string, name = 'alice') {
  const bare = `n=${name},r=clientnonce`
  const { reply } = await authenticate(session, `n,,${bare}`)
  const challenge = Buffer.from(reply).toString()
  const [, nonce, salted, iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(challenge)!
  const hmac = (key: Buffer, text: string) => createHmac(hash, key).update(text).digest()
  const key = pbkdf2Sync(
    password,
    Buffer.from(salted!, 'base64'),
    Number(iterations),
    hash === 'sha256' ? 32 : 64,
    hash,
  )
  const clientKey = hmac(key, 'Client Key')
  const last = `c=biws,r=${nonce}`
  const signed = `${bare},${challenge},${last}`
  const signature = hmac(createHash(hash).update(clientKey).digest(), signed)
  const proof = Buffer.from(clientKey.map((byte, index) => byte ^ signature[index]!)).toString('base64')
  const final = await authenticate(session, `${last},p=${proof}`)
  assert.equal(Buffer.from(final.reply).toString(), `v=${hmac(hmac(key, 'Server Key'), signed).toString('base64')}`)
}
