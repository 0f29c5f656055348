import assert from 'node:assert/strict'
import { connect as connectTls } from 'node:tls'
import { after, before, describe, it } from 'node:test'
import { Kafka, logLevel, type KafkaConfig } from 'kafkajs'
import { type Authority, type IssuedCertificate, makeAuthority } from '../../../test/servers/certificates.ts'
import { systemClock } from '../../base/index.ts'
import { ErrorCode, scramKeysOf } from '../../kafka/index.ts'
import { startTestBroker, type TestBroker } from '../test-client.ts'
import { type Credential, PasswordCheck } from './credentials.ts'
import { distinguishedName, principalMapping } from './distinguished-names.ts'
import type { SaslSettings } from './sasl.ts'
import type { TlsSettings } from './settings.ts'

const salt = Buffer.from('salt of the user')
const alice: Credential = {
  username: 'alice',
  sha256: await scramKeysOf('sha256', 'secret', salt),
  sha512: await scramKeysOf('sha512', 'secret', salt),
  superuser: false,
}
const sasl: SaslSettings & { readonly required: boolean } = {
  credentials: { find: name => (name === 'alice' ? alice : undefined) },
  passwords: new PasswordCheck(),
  maxSessionMs: 0,
  clock: systemClock,
  required: true,
}
const roundTrip = async (config: Partial<KafkaConfig> & Pick<KafkaConfig, 'brokers'>) => {
  const kafka = new Kafka({ logLevel: logLevel.NOTHING, retry: { retries: 0 }, ...config })
  const admin = kafka.admin()
  try {
    await admin.connect()
    return (await admin.describeCluster()).clusterId
  } finally {
    await admin.disconnect()
  }
}

describe('a port that requires SASL', () => {
  let broker: TestBroker
  before(async () => {
    broker = await startTestBroker({}, 0, undefined, { sasl })
  })
  after(() => broker.close())

  for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512'] as const) {
    it(`serves clients that authenticate with ${mechanism}`, async () => {
      const brokers = [`127.0.0.1:${broker.port}`]
      // The types require a single literal mechanism.
      const login = (password: string) => ({ mechanism, username: 'alice', password }) as KafkaConfig['sasl'] & object
      assert.ok(await roundTrip({ brokers, sasl: login('secret') }))
      await assert.rejects(roundTrip({ brokers, sasl: login('wrong') }), /uthentication failed/)
    })
  }

  it('closes the connection on any other request before authentication', async () => {
    const client = await broker.connect()
    await client.call('ApiVersions', 0, {})
    client.send('Metadata', 9, { topics: null })
    await client.closed
  })

  it('lists its mechanisms when asked for an unsupported one', async () => {
    const client = await broker.connect()
    const { errorCode, mechanisms } = await client.call('SaslHandshake', 1, { mechanism: 'GSSAPI' })
    assert.equal(errorCode, ErrorCode.UNSUPPORTED_SASL_MECHANISM)
    assert.deepEqual(mechanisms, ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])
  })

  it('serves old clients, whose SASL messages have no headers', async () => {
    const client = await broker.connect()
    await client.call('SaslHandshake', 0, { mechanism: 'PLAIN' })
    const message = Buffer.from('\0alice\0secret')
    const frame = Buffer.concat([Buffer.alloc(4), message])
    frame.writeInt32BE(message.length)
    assert.deepEqual([...(await client.exchangeRaw(frame))], [0, 0, 0, 0])
    assert.ok((await client.call('Metadata', 9, { topics: null })).clusterId)
  })

  it('reports why authentication failed and closes the connection', async () => {
    const client = await broker.connect()
    await client.call('SaslHandshake', 1, { mechanism: 'PLAIN' })
    const answer = await client.call('SaslAuthenticate', 2, { authBytes: Buffer.from('\0alice\0wrong') })
    assert.equal(answer.errorCode, ErrorCode.SASL_AUTHENTICATION_FAILED)
    assert.equal(answer.errorMessage, 'Authentication failed: Invalid username or password')
    await client.closed
  })
})

describe('a port without SASL', () => {
  it('answers a handshake with ILLEGAL_SASL_STATE', async () => {
    const broker = await startTestBroker()
    const client = await broker.connect()
    const { errorCode } = await client.call('SaslHandshake', 1, { mechanism: 'PLAIN' })
    assert.equal(errorCode, ErrorCode.ILLEGAL_SASL_STATE)
    await broker.close()
  })
})

describe('a port with TLS', () => {
  let authority: Authority
  let server: IssuedCertificate
  before(async () => {
    authority = await makeAuthority()
    server = await authority.issue('server')
  })
  const settings = (requiresClientCertificate: boolean, changes: (() => void)[] = []): TlsSettings => ({
    current: () => ({ cert: server.cert, key: server.key, ca: authority.ca }),
    onChange(listener) {
      changes.push(listener)
      return () => undefined
    },
    requiresClientCertificate,
    principalOf: name => name,
  })

  it('serves clients that trust its certificate authority, with SASL over TLS', async () => {
    const broker = await startTestBroker({}, 0, undefined, { sasl, tls: settings(false) })
    const brokers = [`127.0.0.1:${broker.port}`]
    const login = { mechanism: 'scram-sha-512', username: 'alice', password: 'secret' } as const
    assert.ok(await roundTrip({ brokers, ssl: { ca: [authority.ca] }, sasl: login }))
    await assert.rejects(roundTrip({ brokers, ssl: true, sasl: login }), /certificate/)
    await broker.close()
  })

  it('requires client certificates if configured', async () => {
    const broker = await startTestBroker({}, 0, undefined, { tls: settings(true) })
    const brokers = [`127.0.0.1:${broker.port}`]
    const own = await authority.issue('alice')
    const stranger = await (await makeAuthority()).issue('alice')
    assert.ok(await roundTrip({ brokers, ssl: { ca: [authority.ca], ...own } }))
    await assert.rejects(roundTrip({ brokers, ssl: { ca: [authority.ca] } }))
    await assert.rejects(roundTrip({ brokers, ssl: { ca: [authority.ca], ...stranger } }))
    await broker.close()
  })

  it('presents a new certificate after it was replaced', async () => {
    const changes: (() => void)[] = []
    const broker = await startTestBroker({}, 0, undefined, { tls: settings(false, changes) })
    const shown = () =>
      new Promise<string>((resolve, reject) => {
        const socket = connectTls({ port: broker.port, host: '127.0.0.1', ca: authority.ca }, () => {
          resolve(String(socket.getPeerCertificate().subject.CN))
          socket.destroy()
        })
        socket.once('error', reject)
      })
    assert.equal(await shown(), 'server')
    server = await authority.issue('renewed')
    for (const listener of changes) listener()
    assert.equal(await shown(), 'renewed')
    await broker.close()
  })
})

describe('the distinguished name of a certificate', () => {
  const name = distinguishedName({ subject: { C: 'DE', O: 'Shop, Inc', OU: 'pay', CN: 'alice' } })

  it('is formatted as in Java, starting with the common name', () => {
    assert.equal(name, 'CN=alice,OU=pay,O=Shop\\, Inc,C=DE')
  })

  it("is mapped to a principal by Kafka's rules", () => {
    assert.equal(principalMapping('DEFAULT')(name), name)
    assert.equal(principalMapping('RULE:^CN=(.*?),.*$/$1/U,DEFAULT')(name), 'ALICE')
    assert.equal(principalMapping('RULE:^CN=bob$/$0/, RULE:^CN=(.*?),OU=(.*?),.*$/$1@$2/L')(name), 'alice@pay')
    assert.equal(principalMapping('RULE:^CN=bob$/x/')(name), name)
    assert.throws(() => principalMapping('RULE:no slashes'), /invalid rule at "RULE:no slashes"/)
  })
})
