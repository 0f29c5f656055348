import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { connect, createServer, type SecureVersion } from 'node:tls'
import { makeAuthority } from '../../test/servers/certificates.ts'
import { systemClock, systemRandom } from '../base/index.ts'
import { openSqliteMetadata } from '../metadata/index.ts'
import { flagValues } from './flags.ts'
import { kafkaSecurity } from './kafka-security.ts'
import { kafkaSecurityFlags } from './kafka-security-flags.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-tls-'))
const metadata = await openSqliteMetadata({ path: ':memory:', clock: systemClock, random: systemRandom })
after(async () => {
  await metadata.close()
  rmSync(folder, { recursive: true })
})

const { cert, key } = await (await makeAuthority()).issue('localhost')
writeFileSync(join(folder, 'cert.pem'), cert)
writeFileSync(join(folder, 'key.pem'), key)

function settings(tlsProfile: string) {
  const files = { tlsServerCertFile: join(folder, 'cert.pem'), tlsServerPrivateKeyFile: join(folder, 'key.pem') }
  const flags = { ...flagValues(kafkaSecurityFlags, new Map()), ...files, kafkaTLS: true, tlsProfile }
  const { tls } = kafkaSecurity(flags, metadata, systemClock)
  assert.ok(tls)
  return tls
}

/** The TLS version negotiated by a client up to `maxVersion` with a port of this profile; otherwise an error code. */
async function agreed(tlsProfile: string, maxVersion: SecureVersion): Promise<string> {
  const server = createServer(settings(tlsProfile).current())
  server.on('tlsClientError', () => undefined) // the client gets the error, too
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo // it listens on a port
  const client = connect({
    ...{ port, host: '127.0.0.1', rejectUnauthorized: false },
    ...{ minVersion: 'TLSv1', maxVersion, ciphers: 'DEFAULT@SECLEVEL=0' },
  })
  try {
    await once(client, 'secureConnect')
    return String(client.getProtocol())
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code) // of a connection that failed
  } finally {
    client.destroy()
    server.close()
  }
}

test('a TLS profile determines the TLS versions that clients may use', async () => {
  assert.equal(await agreed('golang-default', 'TLSv1.2'), 'TLSv1.2')
  assert.match(await agreed('golang-default', 'TLSv1.1'), /PROTOCOL_VERSION/)
  assert.match(await agreed('intermediate', 'TLSv1.1'), /PROTOCOL_VERSION/)
  assert.match(await agreed('modern', 'TLSv1.2'), /PROTOCOL_VERSION/)
  assert.equal(await agreed('modern', 'TLSv1.3'), 'TLSv1.3')
  assert.equal(await agreed('old', 'TLSv1'), 'TLSv1')
  assert.equal(await agreed('old', 'TLSv1.3'), 'TLSv1.3')
  assert.throws(
    () => settings('newest'),
    /-tlsProfile has to be golang-default, intermediate, modern or old, not "newest"/,
  )
})
